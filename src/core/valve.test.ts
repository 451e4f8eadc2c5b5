import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '../sim/world.ts'
import type { Connection } from '../world/world.ts'
import { Budget } from './budget.ts'
import { LIMITS } from './kind.ts'
import { noSourceStats } from './stats.ts'
import { Valve } from './valve.ts'

const MUCH = 1024 * 1024

test('a client that is not read from is asked every five seconds whether it is there, and only then', async () => {
  const sim = new SimWorld()
  let probes = 0
  const connection = { pause() {}, resume() {}, probe: () => void probes++ } as unknown as Connection
  const valve = new Valve(connection, LIMITS, new Budget(LIMITS.processBytesMax), noSourceStats(), sim.world.clock)
  const after = async (ms: number, expected: number) => {
    await sim.run(sim.nowMs + ms)
    assert.equal(probes, expected)
    probes = 0
  }
  valve.weigh(1024, 0, false, false)
  await after(60_000, 0)
  valve.weigh(MUCH, 0, false, false)
  await after(26_000, 5)
  valve.weigh(2 * MUCH, 0, false, false)
  await after(25_000, 5)
  valve.weigh(0, 0, false, false)
  await after(60_000, 0)
  valve.weigh(MUCH, 0, false, false)
  await after(11_000, 2)
  valve.close()
  await after(60_000, 0)
})
