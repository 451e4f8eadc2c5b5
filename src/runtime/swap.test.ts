import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildTopology } from '../config/build.ts'
import type { CheckedTopology } from '../config/checked.ts'
import type { KindList } from '../config/kinds.ts'
import { LIMITS, transform, type TransformKind } from '../core/kind.ts'
import { Registry } from '../observability/metrics.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { SimWorld } from '../sim/world.ts'
import type { Connection } from '../world/world.ts'
import { PROBATION_MS } from './probation.ts'
import { Swap } from './swap.ts'

const nobody = { remoteAddress: '', remotePort: 0, localAddress: '', localPort: 0, unsentBytes: 0, write: () => true }
const idle = { ...nobody, pause() {}, resume() {}, end() {}, destroy() {}, reset() {} }

/** A thread with one source and one session, whose first stage is made of a word; what became of the stages, as words. */
async function swapping() {
  const events: string[] = []
  const worded = transform({
    type: 'Worded',
    doc: '',
    options: (z) => z.strictObject({ word: z.string() }),
    create({ word }, { onClose }) {
      if (word === 'bad') throw new Error('it can not be made')
      onClose(() => events.push(`${word} closed`))
      return () => {
        events.push(`${word} serves`)
        return { onRequests: (batch, link) => link.forward(batch) }
      }
    },
  })
  const sink = transform({
    type: 'Sink',
    doc: '',
    terminating: true,
    options: (z) => z.strictObject({}),
    create: () => () => {
      events.push('sink serves')
      return { onRequests() {} }
    },
  })
  const kinds: KindList = {
    sources: { Valkey: async () => ({ type: 'Valkey', doc: '', protocol: valkey }) },
    transforms: {
      Worded: async () => worded as TransformKind,
      Sink: async () => sink as TransformKind,
    },
  }
  const topology = (word: string) =>
    ({
      sources: [
        {
          type: 'Valkey',
          name: 'a',
          limits: LIMITS,
          idleTimeoutSeconds: null,
          chain: [
            { type: 'Worded', name: 'worded', options: { word } },
            { type: 'Sink', name: 'sink', options: {} },
          ],
        },
      ],
    }) as unknown as CheckedTopology
  const sim = new SimWorld({ timerLateMs: 0, turnMs: 0 })
  const logger = () => ({ debug() {}, info() {}, warn() {}, error() {} })
  const built = await buildTopology(topology('one'), { world: sim.world, metrics: new Registry(), logger, kinds })
  const given: number[] = []
  const swap = new Swap(built, sim.world.clock, (number) => given.push(number))
  const { source } = built.sources[0]
  source.accept({ ...idle } as unknown as Connection)
  const advance = (ms: number) => sim.run(sim.nowMs + ms)
  return {
    swap,
    topology,
    built,
    given,
    advance,
    /** What happened since it was last asked. */
    told: () => events.splice(0).join(', '),
  }
}

test('what is prepared serves nobody until it is committed, and the stages before stand by for a minute', async () => {
  const { swap, topology, told, advance, built } = await swapping()
  assert.equal(told(), 'one serves, sink serves')
  await swap.prepare(topology('two'), 1)
  assert.equal(told(), '')
  swap.commit()
  // An instance of each: the one before is there to take over.
  assert.equal(told(), 'one serves, two serves')
  await advance(PROBATION_MS - 1)
  assert.equal(told(), '')
  await advance(2)
  assert.equal(told(), 'one closed')
  built.close()
  assert.equal(told(), 'two closed')
})

test('what is abandoned, or can not be made, leaves nothing behind', async () => {
  const { swap, topology, told, built } = await swapping()
  told()
  await swap.prepare(topology('two'), 1)
  swap.abandon()
  assert.equal(told(), 'two closed')
  await assert.rejects(swap.prepare(topology('bad'), 2), /it can not be made/)
  swap.abandon()
  built.close()
  assert.equal(told(), 'one closed')
})

test('what is reverted is gone, and what was before serves with what it had', async () => {
  const { swap, topology, told, advance, built } = await swapping()
  await swap.prepare(topology('two'), 1)
  swap.commit()
  told()
  await swap.revert(topology('one'))
  assert.equal(told(), 'one serves, two closed')
  await advance(PROBATION_MS * 2)
  built.close()
  assert.equal(told(), 'one closed')
})

test('a swap right behind another ends its probation; a thread that has nothing to revert makes what was before', async () => {
  const { swap, topology, told, advance, built } = await swapping()
  for (const [number, word] of ['two', 'three'].entries()) {
    await swap.prepare(topology(word), number)
    swap.commit()
  }
  assert.match(told(), /one closed/)
  await advance(PROBATION_MS + 1)
  assert.equal(told(), 'two closed')
  await swap.revert(topology('two'))
  assert.equal(told(), 'three serves, two serves')
  built.close()
})
