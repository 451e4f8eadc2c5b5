import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimWorld } from '../../src/sim/world.ts'
import type { Act } from './acts.ts'
import { naughty } from './naughty.ts'
import { runSeeds, seeds, type Swarm } from './swarm.ts'

const SEEDS = seeds(25)

/** Nothing after which requests mean something else: a client that was told of a failure does not know whether they do. */
const ACTS: readonly Act[] = ['put', 'get', 'head', 'slowly', 'rows', 'note', 'switch', 'wait']

for (const order of ['request-order', 'any', 'streams'] as const) {
  for (const calm of [true, false]) {
    test(`stages that throw, drop, answer twice or never settle harm nobody but whom they serve (${order}, ${calm ? 'nothing else breaks' : 'things break'})`, async () => {
      const acts: readonly Act[] = order === 'any' ? ACTS : [...ACTS, 'stream', 'upload']
      const above = (sim: SimWorld, swarm: Swarm) => [
        () => naughty(sim, () => swarm.faulty),
        () => naughty(sim, () => swarm.faulty),
      ]
      const broken = await runSeeds(SEEDS, { order, calm, acts, above, isNaughty: true })
      assert.equal(broken, null, broken ?? '')
    })
  }
}
