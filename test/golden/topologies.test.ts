import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/diagnostics.ts'
import { checkTopology } from '../../src/config/topology.ts'
import { LIMITS } from '../../src/core/kind.ts'
import { TEST_KINDS } from './kinds.ts'

// Each topologies/NAME.yaml has its normal form in NAME.json, or what is said of its errors in NAME.txt: first the message as the log
// has it, then where and what to do. `UPDATE_GOLDEN=1` writes them anew; read what it wrote before you commit it.

const FOLDER = join(import.meta.dirname, 'topologies')

async function outcome(name: string): Promise<{ extension: 'json' | 'txt'; text: string }> {
  const yaml = readFileSync(join(FOLDER, `${name}.yaml`), 'utf8')
  try {
    const topology = await checkTopology('topology.yaml', yaml, { kinds: TEST_KINDS, directory: FOLDER })
    const replacer = (key: string, value: unknown) => {
      if (key === 'module') return String(value).replace(FOLDER, '.')
      // Only what differs from the defaults: those have tests of their own.
      if (key === 'limits')
        return Object.fromEntries(
          Object.entries(value as object).filter(([limit, set]) => LIMITS[limit as keyof typeof LIMITS] !== set),
        )
      return value
    }
    return { extension: 'json', text: `${JSON.stringify(topology, replacer, 2)}\n` }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const text = `${error.message}\n----\n${error.describe()}\n`
    return { extension: 'txt', text: text.replaceAll(FOLDER, '.').replaceAll(process.cwd(), 'THE_WORKING_DIRECTORY') }
  }
}

for (const file of globSync(join(FOLDER, '*.yaml')).toSorted()) {
  const name = basename(file, '.yaml')
  test(`topology ${name.replaceAll('-', ' ')}`, async () => {
    const { extension, text } = await outcome(name)
    const golden = join(FOLDER, `${name}.${extension}`)
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(golden, text)
    assert.ok(existsSync(golden), `no ${name}.${extension}; the outcome is\n${text}`)
    assert.equal(text, readFileSync(golden, 'utf8'))
  })
}

test('every golden has its topology', () => {
  const outcomes = globSync(join(FOLDER, '*.{json,txt}')).map((file) => basename(file).replace(/\.\w+$/, ''))
  const topologies = globSync(join(FOLDER, '*.yaml')).map((file) => basename(file, '.yaml'))
  assert.deepEqual(outcomes.toSorted(), topologies.toSorted())
  assert.ok(topologies.length > 20)
})
