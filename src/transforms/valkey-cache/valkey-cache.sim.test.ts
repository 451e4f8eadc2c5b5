import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runCacheSeed, type CacheSeedOptions } from '../../sim/cache-run.ts'
import { seedsKept } from '../../sim/seed-run.ts'

const SEEDS = 8

const WORLDS: readonly (readonly [name: string, options: CacheSeedOptions])[] = [
  ['in a calm world', { calm: true }],
  ['whatever becomes of Valkey, which no client notices', { breaks: 'valkey' }],
  ['whatever breaks', { breaks: 'all' }],
]

for (const [name, options] of WORLDS)
  test(`no read brings what was there before a write that was answered, ${name}`, async () => {
    const results = await seedsKept(SEEDS, (seed) => runCacheSeed(seed, options))
    const reads = results.reduce((sum, result) => sum + result.reads, 0)
    const hits = results.reduce((sum, result) => sum + result.hits, 0)
    assert.ok(reads > 100 * SEEDS, `${reads} reads`)
    assert.ok(hits > 10 * SEEDS, `${hits} of ${reads} reads were found in the cache`)
  })

test('the same seed is the same run', async () => {
  const [one, other] = [await runCacheSeed(7), await runCacheSeed(7)]
  assert.equal(one.hash, other.hash)
  assert.ok(one.events > 100)
})
