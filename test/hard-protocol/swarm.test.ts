import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSeeds, seeds } from './swarm.ts'

const SEEDS = seeds(40)

for (const order of ['request-order', 'any', 'streams'] as const) {
  for (const calm of [true, false]) {
    test(`the core keeps its promises on the hard protocol (${order}, ${calm ? 'nothing breaks' : 'things break'})`, async () => {
      const broken = await runSeeds(SEEDS, { order, calm })
      assert.equal(broken, null, broken ?? '')
    })
  }
}
