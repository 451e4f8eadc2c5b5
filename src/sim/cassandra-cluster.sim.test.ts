import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../core/kind.ts'
import { runCassandraClusterSeed } from './cassandra-cluster-run.ts'
import { seedsKept } from './seed-run.ts'
import { drawLimits } from './valkey-proxy.ts'

const SEEDS = 6

for (const [bounds, limits] of [
  ['the default bounds', () => LIMITS],
  ['bounds that are often met', drawLimits],
] as const) {
  for (const calm of [true, false]) {
    test(`in front of a cluster the proxy keeps every promise ${calm ? 'in a calm world' : 'whatever breaks'}, with ${bounds}`, async () => {
      const results = await seedsKept(SEEDS, (seed) => runCassandraClusterSeed(seed, limits, { calm }))
      const sent = results.reduce((sum, result) => sum + result.sent, 0)
      assert.ok(sent > 20 * SEEDS, `${sent} writes sent`)
    })
  }
}

// What these seeds found: see the names.
for (const [name, seed, calm] of [
  ['a session whose connection to one node was its own kept the keyspace that it had left on another', 57, true],
  ['a statement whose answer came in parts was not known, and a large EXECUTE of it met nodes without it', 36, true],
  ['of a large compressed request nothing was told before all of it was there', 30, true],
  ['a client was told READY before events were heard', 54, true],
  ['a node that took a large write slowly counted as gone', 467, false],
] as const)
  test(`no more: ${name}`, async () => {
    assert.equal((await runCassandraClusterSeed(seed, drawLimits, { calm })).violation, null)
  })
