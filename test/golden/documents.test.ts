import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
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
