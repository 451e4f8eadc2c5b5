import type { Batch } from '../../src/core/exchange.ts'
import type { Frame } from '../../src/core/frame.ts'
import type { Link, Transform } from '../../src/core/transform.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import { ERROR, NOTE } from './format.ts'
import { replyFrame } from './leaving.ts'

/** What a transform does to a batch that it should have handed on. Each leaves the core to see to it that nobody waits for ever. */
type Prank = (batch: Batch, link: Link, on: (batch: Batch) => void) => void | Promise<void>

const own = (stream: number): Frame => replyFrame(ERROR, 'internal: a stage said no', stream)

const PRANKS: readonly Prank[] = [
  () => {
    throw new Error('thrown at once')
  },
  (batch, _link, on) => {
    on(batch.slice(0, batch.length >> 1))
    throw new Error('thrown half-way')
  },
  (batch, _link, on) => {
    on(batch)
    on(batch)
  },
  (batch, link, on) => {
    on(batch)
    link.reply(batch)
  },
  () => {},
  (batch, _link, on) => on(batch.slice(1)),
  () => new Promise<void>(() => {}),
  () => Promise.reject(new Error('rejected')),
  async (batch, _link, on) => {
    await Promise.resolve()
    on(batch)
    throw new Error('thrown when all was done')
  },
  (batch, link) => {
    const answered = batch.filter(({ request }) => request.kind !== NOTE)
    for (const exchange of answered) exchange.response = own(exchange.request.stream)
    link.reply(answered)
  },
]

/** A transform of a bad author: now and then, while `active`, it does one of the pranks. */
export function naughty(sim: SimWorld, active: () => boolean): Transform {
  const maybe = (batch: Batch, link: Link, on: (batch: Batch) => void) =>
    active() && sim.random.chance(0.1) ? sim.random.pick(PRANKS)(batch, link, on) : on(batch)
  const throwSometimes = () => {
    if (active() && sim.random.chance(0.1)) throw new Error('thrown in passing')
  }
  return {
    onRequests: (batch, link) => maybe(batch, link, (some) => link.forward(some)),
    onResponses: (batch, link) => maybe(batch, link, (some) => link.reply(some)),
    onPart: throwSometimes,
    onCancel: throwSometimes,
    onFlush: throwSometimes,
    close: throwSometimes,
  }
}
