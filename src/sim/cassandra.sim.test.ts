import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../core/kind.ts'
import { runCassandraSeed } from './cassandra-run.ts'
import { drawLimits } from './valkey-proxy.ts'

const SEEDS = 20

for (const [bounds, limits] of [
  ['the default bounds', () => LIMITS],
  ['bounds that are often met', drawLimits],
] as const) {
  for (const calm of [true, false]) {
    test(`the proxy keeps every promise to clients of Cassandra ${calm ? 'in a calm world' : 'whatever breaks'}, with ${bounds}`, async () => {
      const broken: string[] = []
      let sent = 0
      for (let seed = 1; seed <= SEEDS; seed++) {
        const result = await runCassandraSeed(seed, limits, { calm })
        sent += result.sent
        if (result.violation !== null) broken.push(`seed ${seed}: ${result.violation}`)
      }
      assert.ok(broken.length === 0, `${broken.length} of ${SEEDS} seeds, the first:\n${broken[0]}`)
      assert.ok(sent > 30 * SEEDS, `${sent} writes sent`)
    })
  }
}

test('the same seed is the same run', async () => {
  const [one, other] = [await runCassandraSeed(7, drawLimits), await runCassandraSeed(7, drawLimits)]
  assert.equal(one.hash, other.hash)
  assert.ok(one.events > 100)
})
