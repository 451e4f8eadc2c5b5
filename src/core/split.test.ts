import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf, lend, play, PLAIN, quietLog, sessionInfo, Sink, textOf, Waits } from '../../test/core/chain-play.ts'
import { Splitter } from '../../test/core/splitter.ts'
import { SimWorld } from '../sim/world.ts'
import type { ChainSpec } from './chain.ts'
import { AT_OWNER, Exchange, PART_TAKEN, type Batch } from './exchange.ts'
import { FRAME_HEAD } from './frame.ts'
import { LIMITS } from './kind.ts'
import { Parts } from './parts.ts'
import { noStats } from './stats.ts'
import { Lingering } from './lingering.ts'
import type { Link, Transform } from './transform.ts'

const forward = (batch: Batch, link: Link) => link.forward(batch)
const reply = (batch: Batch, link: Link) => link.reply(batch)

/** Two chains within one: requests that begin with `b` take the second, above whose sink `inner` stand. */
function split(inner: Transform[], above: Transform[] = []) {
  const sinks = [new Sink(), new Sink()] as const
  const specOf = (name: string, transforms: Transform[]): ChainSpec => ({
    name,
    stages: transforms.map((transform, index) => ({
      type: 'Kind',
      name: `${name}${index}`,
      factory: () => transform,
    })),
    stats: noStats(),
  })
  const errors: string[] = []
  const settings = { world: new SimWorld().world, limits: LIMITS, lingering: new Lingering() }
  const specs = [specOf('left', [sinks[0]]), specOf('right', [...inner, sinks[1]])]
  const choose = (exchange: Exchange) => (textOf(exchange.request).startsWith('b') ? 1 : 0)
  const splitter = new Splitter({ ...sessionInfo(PLAIN), log: quietLog(errors) }, settings, specs, choose)
  // The kit's own sink is never reached: the splitter ends the chain.
  const whole = play([...above, splitter])
  return { ...whole, left: sinks[0], right: sinks[1], errors, splitter }
}

test('requests are dealt to two chains, and replies of both come up as they are given', () => {
  const { send, left, right, top } = split([])
  send('a1', 'b1', 'a2', 'b2')
  assert.deepEqual(left.texts, ['a1', 'a2'])
  assert.deepEqual(right.texts, ['b1', 'b2'])
  right.answer([right.came[1]!])
  left.answer(left.came)
  right.answer([right.came[0]!])
  assert.deepEqual(top.told, ['b2=re:b2', 'a1=re:a1', 'a2=re:a2', 'b1=re:b1'])
})

test('a stage that waits in one chain holds up that chain alone', async () => {
  const down = new Waits()
  const up = new Waits()
  const waiting: Transform = {
    async onRequests(batch, link) {
      await down.wait()
      link.forward(batch)
    },
    async onResponses(batch, link) {
      await up.wait()
      link.reply(batch)
    },
  }
  const { send, left, right, top, settle } = split([waiting], [{ onRequests: forward, onResponses: reply }])
  send('b1', 'a1')
  send('a2', 'b2')
  assert.deepEqual(left.texts, ['a1', 'a2'])
  left.answer(left.came)
  assert.deepEqual(top.told, ['a1=re:a1', 'a2=re:a2'])
  down.over()
  await settle()
  assert.deepEqual(right.texts, ['b1'], 'the second waits behind the first')
  down.over()
  await settle()
  right.answer([right.came[0]!])
  right.answer([right.came[1]!])
  up.over()
  await settle()
  up.over()
  await settle()
  assert.deepEqual(top.told.slice(2), ['b1=re:b1', 'b2=re:b2'])
})

test('parts flow both ways through the chain within, and its drains reach the sink', () => {
  const seen: string[] = []
  const looking: Transform = { onRequests: forward, onPart: (_, part) => void seen.push(textOf(part)) }
  const { chain, right, top } = split([looking])
  const outer = new Exchange(lend('b', FRAME_HEAD).frame, top, AT_OWNER, 0)
  outer.requestParts = new Parts()
  chain.down([outer])
  chain.partDown(outer, frameOf('part', 0))
  const inner = right.came[0]!
  assert.equal(textOf(inner.requestParts!.shift()), 'part')
  assert.deepEqual(seen, ['part'])
  right.answer([inner], '<', FRAME_HEAD)
  let drained = 0
  inner.onReplyDrain = () => drained++
  assert.equal(right.part(inner, '-'), PART_TAKEN)
  outer.onReplyDrain!()
  assert.equal(drained, 1)
  right.part(inner, '>', true)
  assert.deepEqual(top.told, ['b=<b', 'b+-', 'b+>'])
})

test('a reply that a stage within wants whole comes whole', () => {
  const { send, right, top } = split([{ wants: () => 'whole', onResponses: reply }])
  const [outer] = send('b1')
  right.answer([right.came[0]!], '<', FRAME_HEAD)
  right.part(right.came[0]!, '>', true)
  assert.deepEqual(top.told, ['b1=<b1>'])
  assert.equal(outer!.response!.whole, true)
})

test('a cancelled exchange is cancelled in the chain that has it, and its late reply goes nowhere', () => {
  const { send, chain, left, right, top } = split([])
  const [one, two] = send('a1', 'b1')
  chain.cancel(two!)
  assert.equal(left.cancelled.length, 0)
  assert.deepEqual(right.cancelled, right.came)
  left.answer(left.came)
  assert.deepEqual(top.told, ['a1=re:a1'])
  assert.equal(one!.at, AT_OWNER)
})

test('what a stage within throws away is answered as in any chain', () => {
  const { send, left, top, errors } = split([{ onRequests: () => {} }])
  send('b1', 'a1')
  left.answer(left.came)
  assert.match(top.told[0]!, /^b1=-internal b1: .*chain: right.*Kind named right0/s)
  assert.equal(top.told[1], 'a1=re:a1')
  assert.equal(errors.length, 1)
})

test('a call in a chain within is answered within', async () => {
  const answers: string[] = []
  const asking: Transform = {
    async onRequests(batch, link) {
      answers.push(textOf(await link.call(frameOf('who'))))
      link.forward(batch)
    },
  }
  const { send, right, top, settle } = split([asking])
  send('b1')
  right.answer([right.came[0]!])
  await settle()
  right.answer([right.came[1]!])
  assert.deepEqual(answers, ['re:who'])
  assert.deepEqual(top.told, ['b1=re:b1'])
})

test('the chain around tells those within that the session ends, and closes them', () => {
  const { send, chain, left, right } = split([])
  send('a1', 'b1')
  chain.flush()
  assert.deepEqual([left.flushes, right.flushes], [1, 1])
  chain.close()
  assert.deepEqual([left.closed, right.closed], [true, true])
})

test('pushes and silence come up, and a chain that takes no more stops the session until it does, or ends', () => {
  const { send, left, right, top } = split([])
  send('a1', 'b1')
  right.push('news')
  left.link.silent(left.came[0]!)
  assert.deepEqual(top.told, ['push news', 'a1 is silent'])
  right.link.stop()
  right.link.stop()
  left.link.stop()
  assert.equal(top.stops, 2)
  left.link.go()
  right.link.go()
  assert.equal(top.stops, 1)
  right.link.close('slow-reader')
  assert.equal(top.stops, 0)
})

test('a chain within that fails fails the session; it is closed then, and nothing more comes of it', () => {
  const { send, right, top } = split([])
  send('b1', 'b2')
  right.link.fail(new Error('no luck'))
  assert.match(top.told[0]!, /^fail: .*chain main/)
  assert.equal(right.closed, true)
  assert.deepEqual(right.cancelled, right.came)
  right.answer(right.came)
  right.link.silent(right.came[0]!)
  right.link.end('quit')
  assert.equal(top.told.length, 1)
})

test('a chain within that ends ends the session, and still answers what it was sent', () => {
  const { send, right, top } = split([])
  send('b1', 'b2')
  right.link.end('quit')
  send('b3')
  right.answer([right.came[1]!])
  assert.equal(right.closed, false)
  right.answer([right.came[0]!])
  assert.equal(right.closed, true)
  assert.deepEqual(top.told, ['end: quit', 'b2=re:b2', 'b1=re:b1'])
  assert.deepEqual(right.texts, ['b1', 'b2'])
})

test('what was given up together is given up within together', () => {
  const { send, chain, right } = split([])
  const batch = send('b1', 'b2', 'a1')
  const states: boolean[] = []
  right.onCancel = () => void states.push(...right.came.map(({ cancelled }) => cancelled))
  chain.cancelAll(batch.slice(0, 2))
  assert.deepEqual(states, [true, true, true, true])
})

test('the head of a reply that a stage within keeps until the last part came is not lost', async () => {
  const up = new Waits()
  const waiting: Transform = {
    async onResponses(batch, link) {
      await up.wait()
      link.reply(batch)
    },
  }
  const { send, right, top, settle } = split([waiting])
  send('b1')
  right.answer([right.came[0]!], '<', FRAME_HEAD)
  right.part(right.came[0]!, '>', true)
  up.over()
  await settle()
  assert.deepEqual(top.told, ['b1+>', 'b1=<b1'])
})
