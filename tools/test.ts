import { fork, spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { styleText } from 'node:util'
import { fetchRedis } from '../test/real/fetch.ts'
import type { Counts } from './run-tests.ts'

// Everything that must hold, in order: `npm test`. With words behind it (`npm test -- core/chain valkey`) only the test files whose
// path has one of them, and none of the checks. `npm test -- --fix` mends what the formatter and the linter can.

const root = dirname(import.meta.dirname)
const total: Counts = { passed: 0, failed: 0 }

/** Longest that one group of tests may take. */
const GROUP_MS = 30 * 60_000

interface Step {
  name: string
  run: () => Promise<Counts>
}

function command(script: string, args: string[]): Promise<Counts> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', script), ...args], {
      cwd: root,
      stdio: 'inherit',
    })
    child.once('error', reject)
    child.once('exit', (code) => resolve({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 }))
  })
}

const types = () => command('typescript/bin/tsc', ['-p', '.'])
const lint = (...args: string[]) => command('oxlint/bin/oxlint', ['--deny-warnings', ...args])
const format = (how: '--check' | '--write') =>
  command('prettier/bin/prettier.cjs', [
    how,
    '--log-level=warn',
    '--cache',
    '--no-error-on-unmatched-pattern',
    '**/*.ts',
    '*.json',
    '.*.json',
  ])

async function servers(): Promise<Counts> {
  try {
    const redis = await fetchRedis()
    console.log(`  ${redis.version} (${redis.server})`)
    return { passed: 1, failed: 0 }
  } catch (error) {
    console.log(`  ${styleText('red', 'missing')}: ${(error as Error).message}`)
    return { passed: 0, failed: 1 }
  }
}

/** Runs test files in a process of their own; `isolated` gives each file one. */
function group(files: string[], isolated: boolean): Promise<Counts> {
  return new Promise((resolve, reject) => {
    const args = [isolated ? 'process' : 'none', ...files]
    const child = fork(join(root, 'tools/run-tests.ts'), args, { cwd: root, timeout: GROUP_MS, killSignal: 'SIGKILL' })
    let counts: Counts | null = null
    child.once('error', reject)
    child.once('message', (told) => (counts = told as Counts))
    child.once('exit', (code, signal) => {
      if (counts === null) console.log(`  the tests ended before they were done (${signal ?? `exit code ${code}`})`)
      resolve(counts ?? { passed: 0, failed: 1 })
    })
  })
}

/** Two groups at a time, of every other file: the machines this runs on have two cores at least. */
async function inTwo(files: string[]): Promise<Counts> {
  const halves = [0, 1].map((half) => files.filter((_, index) => index % 2 === half))
  const counts = await Promise.all(halves.filter((half) => half.length > 0).map((half) => group(half, false)))
  return counts.reduce(sum, { passed: 0, failed: 0 })
}

function sum(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed }
}

const TIDY = 'tools/tidy.test.ts'
const folders = ['src', 'tools', 'bench', 'test', 'examples']
const tests = globSync(
  folders.map((folder) => `${folder}/**/*.test.ts`),
  { cwd: root },
)
  .filter((path) => !path.startsWith('test/clients/'))
  .sort()
const withServers = (path: string) => path.startsWith('test/real/') || path.startsWith('test/hostile/')

function steps(args: string[]): Step[] {
  if (args.includes('--fix')) {
    return [
      { name: 'lint, mending', run: () => lint('--fix') },
      { name: 'format, mending', run: () => format('--write') },
    ]
  }
  const chosen = tests.filter((path) => args.length === 0 || args.some((part) => path.includes(part)))
  const beside = chosen.filter((path) => !withServers(path) && path !== TIDY)
  const real = chosen.filter(withServers)
  const all: (Step | false)[] = [
    args.length === 0 && { name: 'types (tsc)', run: types },
    args.length === 0 && { name: 'lint (oxlint)', run: () => lint() },
    args.length === 0 && { name: 'format (prettier)', run: () => format('--check') },
    chosen.includes(TIDY) && { name: 'tidy (the rules of the house)', run: () => group([TIDY], false) },
    beside.length > 0 && { name: `tests (${beside.length} files)`, run: () => inTwo(beside) },
    real.length > 0 && { name: 'servers for the tests', run: servers },
    real.length > 0 && { name: `tests with real servers (${real.length} files)`, run: () => group(real, true) },
  ]
  return all.filter((step) => step !== false)
}

if (!existsSync(join(root, 'node_modules'))) throw new Error('run "npm ci" first')
const chosen = steps(process.argv.slice(2))
if (chosen.length === 0) {
  console.log(`no test file has ${process.argv.slice(2).join(' or ')} in its path`)
  total.failed++
}
for (const { name, run } of chosen) {
  console.log(styleText('bold', `\n== ${name}`))
  const since = performance.now()
  const counts = await run()
  total.passed += counts.passed
  total.failed += counts.failed
  const word = counts.failed === 0 ? styleText('green', 'ok') : styleText('red', 'failed')
  console.log(`   ${word} (${((performance.now() - since) / 1000).toFixed(1)} s)`)
}
console.log(`\n${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
