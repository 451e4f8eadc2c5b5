import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')
/** The example that a new transform begins as. */
const MODEL = 'rewrite-keys'
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/** `shotover new transform`: a folder with a transform, its test, and what is needed to run both. Exit code 0 or 1. */
export function newTransform(name: string): number {
  if (!NAME.test(name)) {
    process.stderr.write(`${name} is no name for a transform: write words with dashes, such as mask-values\n`)
    return 1
  }
  try {
    mkdirSync(name)
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST'
    process.stderr.write(`${isThere ? `there is a ${name} already` : (error as Error).message}\n`)
    return 1
  }
  const launcher = join(ROOT, 'shotover')
  for (const [file, text] of filesOf(name, launcher)) writeFileSync(join(name, file), text)
  const command = relative(join(process.cwd(), name), launcher)
  process.stdout.write(welcome(name, command.length < launcher.length ? command : launcher))
  return 0
}

function filesOf(name: string, launcher: string): [string, string][] {
  const model = (file: string) => renamed(readFileSync(join(ROOT, 'examples', MODEL, file), 'utf8'), name)
  const topology = model('topology.yaml')
    .replace(/^#.*\n/, '')
    .replace(':6379', ':7000')
    .replace(':1111', ':6379')
  return [
    [`${name}.ts`, model(`${MODEL}.ts`)],
    [`${name}.test.ts`, model(`${MODEL}.test.ts`)],
    ['topology.yaml', topology],
    ['config.yaml', model('config.yaml')],
    ['package.json', manifest(name, launcher)],
    ['tsconfig.json', typeConfig()],
  ]
}

function renamed(text: string, name: string): string {
  const words = name.split('-')
  const pascal = words.map((word) => word[0].toUpperCase() + word.slice(1)).join('')
  const camel = pascal[0].toLowerCase() + pascal.slice(1)
  return text.replaceAll(MODEL, name).replaceAll('RewriteKeys', pascal).replaceAll('rewriteKeys', camel)
}

function manifest(name: string, launcher: string): string {
  const command = JSON.stringify(launcher)
  const scripts = { test: `${command} test`, start: `${command} -t topology.yaml -c config.yaml` }
  return `${JSON.stringify({ name, version: '0.1.0', private: true, type: 'module', exports: `./${name}.ts`, scripts }, null, 2)}\n`
}

/** For editors, and for who checks types: it says where the types of `shotover` and `zod` are. */
function typeConfig(): string {
  const paths = {
    shotover: ['src/api.ts'],
    'shotover/valkey': ['src/api/valkey.ts'],
    'shotover/cassandra': ['src/api/cassandra.ts'],
    'shotover/kit': ['test/kit.ts'],
    'shotover/kit/cassandra': ['test/cassandra.ts'],
    'shotover/conformance': ['test/conformance.ts'],
    zod: ['node_modules/zod/index.d.ts'],
  }
  const compilerOptions = {
    target: 'esnext',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
    paths: Object.fromEntries(
      Object.entries(paths).map(([key, files]) => [key, files.map((file) => join(ROOT, file))]),
    ),
  }
  return `${JSON.stringify({ compilerOptions, include: ['*.ts'] }, null, 2)}\n`
}

function welcome(name: string, command: string): string {
  return `${name}/ has a transform that works, to make your own of:

  ${name}.ts        the transform: it puts a prefix before every key
  ${name}.test.ts   its test
  topology.yaml, config.yaml   a proxy with it: clients at 127.0.0.1:7000, a server at 127.0.0.1:6379

  cd ${name}
  npm test          runs the test; so does ${command} test
  npm start         runs the proxy: save ${name}.ts, and clients that are connected have the new version
  ${command} explain -t topology.yaml 'SET a 1'

docs/transforms.md teaches the rest.
`
}
