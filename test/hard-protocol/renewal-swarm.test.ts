import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../src/core/exchange.ts'
import type { Transform } from '../../src/core/transform.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import { runSeeds, seeds } from './swarm.ts'

const SEEDS = seeds(40)

/** Fails where it is given the reply to what another instance was given; takes some time now and then. */
function jealous(sim: SimWorld): Transform {
  const asked = new Set<Exchange>()
  const pause = () =>
    sim.random.chance(0.7)
      ? undefined
      : new Promise<void>((resolve) => sim.schedule.add(sim.nowMs + sim.random.next() * 10, resolve))
  return {
    onRequests(batch, link) {
      for (const exchange of batch) asked.add(exchange)
      return after(pause(), () => link.forward(batch))
    },
    onResponses(batch, link) {
      for (const exchange of batch) if (!asked.delete(exchange)) throw new Error('it was never asked')
      return after(pause(), () => link.reply(batch))
    },
  }
}

function after(pause: Promise<void> | undefined, go: () => void): void | Promise<void> {
  if (pause !== undefined) return pause.then(go)
  go()
}

for (const order of ['request-order', 'any', 'streams'] as const) {
  for (const calm of [true, false]) {
    test(`stages that are renewed break no promise (${order}, ${calm ? 'nothing breaks' : 'things break'})`, async () => {
      const errors: string[] = []
      const above = (sim: SimWorld) => [() => jealous(sim)]
      const broken = await runSeeds(SEEDS, { order, calm, above, renewals: 100, errors })
      assert.equal(broken, null, broken ?? '')
      assert.deepEqual(
        errors.filter((error) => error.includes('never asked')),
        [],
      )
    })
  }
}
