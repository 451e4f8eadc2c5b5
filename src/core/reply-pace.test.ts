import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf } from '../../test/core/chain-play.ts'
import { SimWorld } from '../../src/sim/world.ts'
import { Exchange, PART_FULL, type Carrier } from './exchange.ts'
import { noOwner } from './handshake.ts'
import { LIMITS, type Env } from './kind.ts'
import type { Pool } from './pool.ts'
import { ReplyPace } from './reply-pace.ts'
import { CONNECTING, type Upstream } from './upstream.ts'

const pool = { isolate() {} } as unknown as Pool

/** Counts how often it was stopped. */
function stoppable() {
  let stops = 0
  const upstream = {
    state: CONNECTING,
    shared: false,
    retired: false,
    wire: { waiting: () => [new Exchange(frameOf('other'), noOwner, 0, 0)] },
    pause: () => stops++,
    resume: () => stops--,
  }
  return { upstream: upstream as unknown as Upstream, stops: () => stops }
}

test('an upstream that two replies of a session stop goes on when its client takes more, and its session lives', async () => {
  const sim = new SimWorld()
  const pace = new ReplyPace({} as Carrier, pool, { world: sim.world, limits: LIMITS } as Env)
  const { upstream, stops } = stoppable()
  const closed: string[] = []
  const replies = [frameOf('a'), frameOf('b')].map((request) => new Exchange(request, noOwner, 0, 0))
  for (let round = 0; round < 2; round++) {
    for (const exchange of replies) pace.part(upstream, exchange, frameOf('x', 0), PART_FULL, () => closed.push('slow'))
    assert.equal(stops(), 1)
    for (const exchange of replies) exchange.onReplyDrain?.()
    assert.equal(stops(), 0)
  }
  await sim.run(sim.nowMs + 10 * LIMITS.stallMs)
  assert.deepEqual(closed, [])
})
