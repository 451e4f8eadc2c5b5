import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainFactory } from '../../src/core/chain-factory.ts'
import { DONE, type Batch, type Exchange } from '../../src/core/exchange.ts'
import { LIMITS, type Limits } from '../../src/core/kind.ts'
import { Lingering } from '../../src/core/lingering.ts'
import { noStats } from '../../src/core/stats.ts'
import type { Link, SessionInfo, Transform } from '../../src/core/transform.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import { IgnoringTee } from '../../src/transforms/tee-ignoring.ts'
import { ResultSource } from '../../src/transforms/tee-result-source.ts'
import { Pump } from '../../src/transforms/tee-pump.ts'
import { quietLog } from '../core/chain-play.ts'
import { runSeeds } from './swarm.ts'

const SEEDS = Array.from({ length: 30 }, (_, index) => index + 1)

/** Ends a chain as an unreliable server would: late, never, with an error, by breaking off. */
function unreliable(sim: SimWorld, info: SessionInfo): Transform {
  const answer = (exchange: Exchange, link: Link) => {
    if (exchange.cancelled) return
    const draw = sim.random.next()
    if (draw < 0.02) link.fail(new Error('broken off'))
    else if (draw < 0.04) link.close('broken off')
    else if (draw < 0.06) link.end('broken off')
    else if (draw < 0.3) link.silent(exchange)
    else if (draw < 0.9) {
      exchange.response = info.protocol.failure(exchange.request, 'internal', 'unreliable')
      exchange.state = DONE
      if (exchange.response !== null) link.reply([exchange])
    }
  }
  return {
    holds: true,
    onRequests(batch: Batch, link: Link) {
      if (sim.random.chance(0.1)) link.pause(sim.random.next() * 20)
      for (const exchange of batch) {
        const parts = exchange.requestParts
        if (parts !== null && sim.random.chance(0.5)) parts.take = () => true
        if (sim.random.chance(0.5)) answer(exchange, link)
        else link.after(() => answer(exchange, link), sim.random.next() * 30)
      }
    },
  }
}

function teeing(sim: SimWorld, dropped: { count: number }) {
  const limits: Limits = { ...LIMITS, sessionInFlightMax: sim.random.pick([1, 4, 256]) }
  const pump = new Pump(sim.world)
  return (info: SessionInfo): Transform => {
    const stage = { type: 'Kind', name: 'unreliable', factory: () => unreliable(sim, info) }
    const settings = { world: sim.world, limits, lingering: new Lingering() }
    const factory = chainFactory(() => ({ name: 'shadow', stages: [stage], stats: noStats() }), null, settings)
    return new IgnoringTee(factory, info, new ResultSource(new SharedArrayBuffer(4)), quietLog([]), {
      world: sim.world,
      limits,
      protocol: info.protocol,
      bufferSize: sim.random.pick([1, 5]),
      timeoutMs: sim.random.pick([0, 3]),
      dropped: { add: (count) => void (dropped.count += count) },
      pump,
    })
  }
}

for (const order of ['request-order', 'any', 'streams'] as const) {
  for (const calm of [true, false]) {
    test(`a Tee whose shadow does anything harms nobody (${order}, ${calm ? 'nothing breaks' : 'things break'})`, async () => {
      const dropped = { count: 0 }
      const above = (sim: SimWorld) => [teeing(sim, dropped)]
      const broken = await runSeeds(SEEDS, { order, calm, above })
      assert.equal(broken, null, broken ?? '')
      assert.ok(dropped.count > 0)
    })
  }
}
