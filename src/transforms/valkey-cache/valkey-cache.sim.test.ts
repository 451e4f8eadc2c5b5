import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCacheSeed, type CacheSeedOptions } from '../../sim/cache-run.ts'

const SEEDS = 8

const WORLDS: readonly (readonly [name: string, options: CacheSeedOptions])[] = [
  ['in a calm world', { calm: true }],
  ['whatever becomes of Valkey, which no client notices', { breaks: 'valkey' }],
  ['whatever breaks', { breaks: 'all' }],
]

for (const [name, options] of WORLDS)
  test(`no read brings what was there before a write that was answered, ${name}`, async () => {
    const broken: string[] = []
    let reads = 0
    let hits = 0
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runCacheSeed(seed, options)
      reads += result.reads
      hits += result.hits
      if (result.violation !== null) broken.push(`seed ${seed}: ${result.violation}`)
    }
    assert.ok(broken.length === 0, `${broken.length} of ${SEEDS} seeds, the first:\n${broken[0]}`)
    assert.ok(reads > 100 * SEEDS, `${reads} reads`)
    assert.ok(hits > 10 * SEEDS, `${hits} of ${reads} reads were found in the cache`)
  })

test('the same seed is the same run', async () => {
  const [one, other] = [await runCacheSeed(7), await runCacheSeed(7)]
  assert.equal(one.hash, other.hash)
  assert.ok(one.events > 100)
})
