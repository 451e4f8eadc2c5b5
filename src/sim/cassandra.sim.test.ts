import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../core/kind.ts'
import { runCassandraSeed } from './cassandra-run.ts'
import { seedsKept } from './seed-run.ts'
import { drawLimits } from './valkey-proxy.ts'

const SEEDS = 20

for (const [bounds, limits] of [
  ['the default bounds', () => LIMITS],
  ['bounds that are often met', drawLimits],
] as const) {
  for (const calm of [true, false]) {
    test(`the proxy keeps every promise to clients of Cassandra ${calm ? 'in a calm world' : 'whatever breaks'}, with ${bounds}`, async () => {
      const results = await seedsKept(SEEDS, (seed) => runCassandraSeed(seed, limits, { calm }))
      const sent = results.reduce((sum, result) => sum + result.sent, 0)
      assert.ok(sent > 30 * SEEDS, `${sent} writes sent`)
    })
  }
}

test('the same seed is the same run', async () => {
  const [one, other] = [await runCassandraSeed(7, drawLimits), await runCassandraSeed(7, drawLimits)]
  assert.equal(one.hash, other.hash)
  assert.ok(one.events > 100)
})
