import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { readSettings } from '../../src/config/settings.ts'
import { processLimits } from '../../src/config/limits.ts'
import { checkTopology } from '../../src/config/topology.ts'
import { LIMITS } from '../../src/core/kind.ts'
import { Authority, CertificateFolder } from '../real/certificates.ts'

const ROOT = join(import.meta.dirname, '../..')
const CONFIGURATION = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8')

const examples = globSync('examples/*/topology.yaml', { cwd: ROOT })
for (const file of examples) {
  test(`${file} and its settings pass the check`, async () => {
    using certificates = new CertificateFolder()
    const authority = Authority.make()
    certificates.file('authority.crt', authority.certificate)
    certificates.write('proxy', authority.issue())
    const text = readFileSync(join(ROOT, file), 'utf8').replaceAll('certificates/', `${certificates.path}/`)
    await checkTopology(file, text, { directory: join(ROOT, file, '..') })
    readSettings(join(ROOT, file, '../config.yaml'))
  })
}

test('there are examples', () => assert.ok(examples.length >= 2))

test('the topologies in the documents pass the check', async () => {
  for (const document of ['README.md', 'docs/configuration.md']) {
    const text = readFileSync(join(ROOT, document), 'utf8')
    const blocks = [...text.matchAll(/```yaml\n(sources:[^]*?)```/g)].map(([, yaml]) => yaml)
    assert.ok(blocks.length > 0, document)
    for (const yaml of blocks) await checkTopology(document, yaml)
  }
})

test('the documents name every limit, with its default', () => {
  const units: Record<string, number> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }
  for (const key of Object.keys(processLimits.shape)) {
    const [, number, unit] = new RegExp(`^\\| \`${key}\` +\\| (\\d+) ?([KMG]iB)? +\\|`, 'm').exec(CONFIGURATION) ?? []
    const name = key.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase())
    assert.equal(Number(number) * (units[unit] ?? 1), LIMITS[name as keyof typeof LIMITS], key)
  }
  assert.equal(Object.keys(processLimits.shape).length, Object.keys(LIMITS).length)
})

const documents = ['*.md', 'docs/**/*.md', 'examples/*.md', 'bench/*.md'].flatMap((files) =>
  globSync(files, { cwd: ROOT }),
)

/** What a page calls the part under a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')

function leadsSomewhere(page: string, link: string): boolean {
  const [path, anchor] = link.split('#')
  const target = path === '' ? join(ROOT, page) : join(ROOT, page, '..', path!)
  if (!existsSync(target)) return false
  const headings = anchor === undefined ? [] : readFileSync(target, 'utf8').matchAll(/^#+ (.+)$/gm)
  return anchor === undefined || [...headings].some(([, heading]) => anchorOf(heading!) === anchor)
}

test('links between documents lead somewhere', () => {
  const links = documents.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    return [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => ({ page, link: link! }))
  })
  const within = links.filter(({ link }) => !/^https?:/.test(link))
  assert.ok(within.length > 50)
  assert.deepEqual(
    within.filter(({ page, link }) => !leadsSomewhere(page, link)),
    [],
  )
})

const ARCHITECTURE = readFileSync(join(ROOT, 'ARCHITECTURE.md'), 'utf8')

test('ARCHITECTURE.md says of every file of the core, once, when to read it', () => {
  const [, part] = /### What to read first\n([^]*?)\n### /.exec(ARCHITECTURE) ?? []
  const told = [...(part ?? '').matchAll(/`([a-z-]+)`/g)].map(([, name]) => name!)
  const files = globSync('src/core/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'))
  assert.deepEqual(told.sort(), files.map((path) => basename(path, '.ts')).sort())
})

test('files that ARCHITECTURE.md names are there', () => {
  const named = [...ARCHITECTURE.matchAll(/`([\w./-]+\.ts)`/g)].map(([, path]) => path!)
  const files = globSync(['src/**/*.ts', 'test/*.ts', 'tools/*.ts'], { cwd: ROOT }).map((path) => `/${path}`)
  assert.ok(named.length > 20)
  assert.deepEqual(
    named.filter((path) => !files.some((file) => file.endsWith(`/${path}`))),
    [],
  )
})
