import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Exchange } from '../../src/core/exchange.ts'
import { LIMITS } from '../../src/core/kind.ts'
import { noStats } from '../../src/core/stats.ts'
import { Lingering } from '../../src/core/lingering.ts'
import type { Link, SessionInfo, Transform } from '../../src/core/transform.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import { Splitter } from '../core/splitter.ts'
import type { Act } from './acts.ts'
import { GET } from './format.ts'
import { payloadOf } from './protocol.ts'
import { runSeeds, seeds } from './swarm.ts'
import { replyFrame } from './leaving.ts'

const SEEDS = seeds(25)

/** Lets some time pass in each of its hooks, or none. */
function sluggish(sim: SimWorld): Transform {
  const pause = () =>
    sim.random.chance(0.5)
      ? Promise.resolve()
      : new Promise<void>((resolve) => sim.schedule.add(sim.nowMs + sim.random.next() * 10, resolve))
  return {
    async onRequests(batch, link) {
      await pause()
      link.forward(batch)
    },
    async onResponses(batch, link) {
      await pause()
      link.reply(batch)
    },
  }
}

/** Asks something of its own before it hands on, and looks at every answer. */
function asking(): Transform {
  const ask = async (link: Link) => {
    const reply = await link.call(replyFrame(GET, 'nobody:wrote', 0)).catch(() => null)
    if (reply !== null && !/not found|unavailable|internal|timeout/.test(payloadOf(reply)))
      throw new Error(`a call got somebody else's reply: ${payloadOf(reply)}`)
  }
  return {
    async onRequests(batch, link) {
      await ask(link)
      link.forward(batch)
    },
    async onResponses(batch, link) {
      if (batch.length > 1) await ask(link)
      link.reply(batch)
    },
  }
}

/** The same key always takes the same branch. */
function branchOf({ request }: Exchange): number {
  const key = payloadOf(request).split('=')[0]!
  return (key.charCodeAt(key.length - 1) || 0) & 1
}

function splitting(sim: SimWorld) {
  return (info: SessionInfo, sink: () => Transform): Transform => {
    const stage = (name: string, factory: () => Transform) => ({ type: 'Kind', name, factory })
    const left = { name: 'left', stages: [stage('sink', sink)], stats: noStats() }
    const right = {
      name: 'right',
      stages: [stage('sluggish', () => sluggish(sim)), stage('sink', sink)],
      stats: noStats(),
    }
    return new Splitter(info, { world: sim.world, limits: LIMITS, lingering: new Lingering() }, [left, right], branchOf)
  }
}

/** What a session may do though its requests take two ways: nothing that leaves state on a connection. */
const ACTS: readonly Act[] = ['put', 'get', 'head', 'slowly', 'rows', 'note', 'stream', 'upload', 'wait']

/** What a question of a stage can stand amidst: no group, and nothing that a failure gives another meaning. */
const ASKED: readonly Act[] = ['put', 'get', 'head', 'slowly', 'rows', 'note', 'switch', 'wait']

for (const order of ['request-order', 'any', 'streams'] as const) {
  for (const calm of [true, false]) {
    const name = `${order}, ${calm ? 'nothing breaks' : 'things break'}`
    test(`a two-way split with a stage that waits in one branch keeps every promise (${name})`, async () => {
      const acts = order === 'any' ? ACTS.filter((act) => act !== 'stream' && act !== 'upload') : ACTS
      const writeOrder = order === 'request-order' ? 'key' : 'none'
      const above = (sim: SimWorld) => [splitting(sim)]
      const broken = await runSeeds(SEEDS, { order, calm, acts, writeOrder, above, wrapsSink: true })
      assert.equal(broken, null, broken ?? '')
    })

    test(`stages that ask keep every promise, and get their own answers (${name})`, async () => {
      const errors: string[] = []
      const above = (sim: SimWorld) => [() => asking(), () => sluggish(sim), () => asking()]
      const limits = { callTimeoutMs: 3000 }
      const broken = await runSeeds(SEEDS, { order, calm, acts: ASKED, above, errors, limits })
      assert.equal(broken, null, broken ?? '')
      assert.deepEqual(
        errors.filter((error) => error.includes('somebody else')),
        [],
      )
    })

    test(`stages that wait in every chain keep every promise (${name})`, async () => {
      const above = (sim: SimWorld) => [() => sluggish(sim), () => ({}), () => sluggish(sim)]
      const broken = await runSeeds(SEEDS, { order, calm, above })
      assert.equal(broken, null, broken ?? '')
    })
  }
}
