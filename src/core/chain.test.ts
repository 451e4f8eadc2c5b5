import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf, lend, play, textOf, Waits } from '../../test/core/chain-play.ts'
import { Chain } from './chain.ts'
import { AT_OWNER, Exchange, type Batch } from './exchange.ts'
import { FRAME_HEAD, FRAME_LAST } from './frame.ts'
import { Parts } from './parts.ts'
import type { Link, Transform } from './transform.ts'

const forward = (batch: Batch, link: Link) => link.forward(batch)
const reply = (batch: Batch, link: Link) => link.reply(batch)
const passing: Transform = { onRequests: forward, onResponses: reply }

/** Asks `question` before it hands a batch on, and notes the answers. */
function asking(answers: string[], question = 'who'): Transform {
  return {
    async onRequests(batch, link) {
      answers.push(textOf(await link.call(frameOf(question))))
      link.forward(batch)
    },
    onResponses: reply,
  }
}

test('the reply to a call ends at its stage, past its own way up, through those below it', async () => {
  const answers: string[] = []
  const below: string[] = []
  const spy: Transform = {
    onRequests: forward,
    onResponses(batch, link) {
      below.push(...batch.map((exchange) => textOf(exchange.request)))
      link.reply(batch)
    },
  }
  const { send, sink, top, settle } = play([passing, asking(answers), spy])
  send('1')
  await settle()
  assert.deepEqual(sink.texts, ['who'], 'the question goes first')
  sink.answer([sink.came[0]!])
  await settle()
  assert.deepEqual(answers, ['re:who'])
  assert.deepEqual(sink.texts, ['who', '1'])
  sink.answer([sink.came[1]!])
  assert.deepEqual(top.told, ['1=re:1'])
  assert.deepEqual(below, ['who', '1'])
})

test('a call made on the way up is answered though that way is shut', async () => {
  const answers: string[] = []
  const { send, sink, top, settle } = play([
    {
      async onResponses(batch, link) {
        answers.push(textOf(await link.call(frameOf('who'))))
        link.reply(batch)
      },
    },
  ])
  const batch = send('1')
  sink.answer(batch)
  await settle()
  sink.answer([sink.came[1]!])
  await settle()
  assert.deepEqual(answers, ['re:who'])
  assert.deepEqual(top.told, ['1=re:1'])
})

test('replies to calls and to the session part ways though they came in one batch', async () => {
  const answers: string[] = []
  let first = true
  const { send, sink, top, settle } = play([
    passing,
    {
      async onRequests(batch, link) {
        if (first) {
          first = false
          link.forward(batch)
          answers.push(textOf(await link.call(frameOf('who'))))
        } else link.forward(batch)
      },
    },
  ])
  send('1', '2')
  await settle()
  const [one, two, who] = sink.came
  sink.answer([one!, who!, two!])
  await settle()
  assert.deepEqual(answers, ['re:who'])
  assert.deepEqual(top.told, ['1=re:1', '2=re:2'])
})

test('a call without a reply in time is given up, its late reply is swallowed, and the session goes on', async () => {
  let failed = ''
  const { send, sink, top, sim, settle } = play(
    [
      {
        async onRequests(batch, link) {
          await link.call(frameOf('who')).catch((error: Error) => (failed = error.message))
          link.forward(batch)
        },
      },
    ],
    { callTimeoutMs: 50 },
  )
  sim.world.clock.after(10, () => send('1'))
  await sim.run(55)
  assert.equal(failed, '')
  await sim.run(70)
  assert.match(failed, /no reply in time/)
  assert.equal(sink.cancelled[0], sink.came[0], 'the sink was told')
  assert.deepEqual(sink.texts, ['who', '1'])
  sink.answer([sink.came[0]!])
  sink.answer([sink.came[1]!])
  await settle()
  assert.deepEqual(top.told, ['1=re:1'])
})

const refused: [why: string, act: (play_: ReturnType<typeof play>) => void, error: RegExp][] = [
  ['the protocol gives no reply', ({ sink }) => sink.link.silent(sink.came[0]!), /got no reply/],
  ['the session ends', ({ chain }) => chain.close(), /session/],
]

for (const [why, act, error] of refused) {
  test(`a call is refused when ${why}`, async () => {
    let failed = ''
    const one = play([
      {
        async onRequests(batch, link) {
          await link.call(frameOf('who')).catch((caught: Error) => (failed = caught.message))
          link.forward(batch)
        },
      },
    ])
    one.send('1')
    act(one)
    await one.settle()
    assert.match(failed, error)
  })
}

test('a call after the session ended is refused', async () => {
  let link!: Link
  const { send, chain } = play([
    {
      onRequests(batch, mine) {
        link = mine
        mine.forward(batch)
      },
    },
  ])
  send('1')
  chain.close()
  await assert.rejects(link.call(frameOf('late')), /closed/)
})

test('the reply to a call that comes in parts is put together', async () => {
  const answers: string[] = []
  const { send, sink, settle } = play([asking(answers)])
  send('1')
  sink.answer([sink.came[0]!], 'begin-', FRAME_HEAD)
  sink.part(sink.came[0]!, '-middle-')
  sink.part(sink.came[0]!, 'end', true)
  await settle()
  assert.deepEqual(answers, ['begin-who-middle-end'])
})

test('the reply to a call that is too large to be held is refused', async () => {
  let failed = ''
  const { send, sink, settle } = play(
    [
      {
        async onRequests(batch, link) {
          await link.call(frameOf('who')).catch((error: Error) => (failed = error.message))
          link.forward(batch)
        },
      },
    ],
    { frameBytesMax: 20 },
  )
  send('1')
  sink.answer([sink.came[0]!], 'begin-', FRAME_HEAD)
  sink.part(sink.came[0]!, 'x'.repeat(30))
  sink.part(sink.came[0]!, 'end', true)
  await settle()
  assert.match(failed, /more than 20 bytes/)
  assert.deepEqual(sink.texts, ['who', '1'])
})

test('a reply in parts reaches the stage that wants it whole as one frame, and goes up as one', () => {
  const seen: string[] = []
  const { send, sink, top } = play([
    passing,
    {
      wants: () => 'whole',
      onResponses(batch, link) {
        seen.push(...batch.map((exchange) => textOf(exchange.response)))
        link.reply(batch)
      },
    },
  ])
  const [large, small] = send('large', 'small')
  sink.answer([large!], '<', FRAME_HEAD)
  sink.part(large!, ' more ')
  sink.answer([small!], '=')
  sink.part(large!, 'end>', true)
  assert.deepEqual(seen, ['=small', '<large more end>'])
  assert.deepEqual(top.told, ['small==small', 'large=<large more end>'])
})

test('a reply that is too large to be held whole fails the session', () => {
  const { send, sink, top } = play([{ wants: () => 'whole', onResponses: reply }], { frameBytesMax: 10 })
  const [one] = send('1')
  sink.answer([one!], '<', FRAME_HEAD)
  sink.part(one!, 'x'.repeat(20))
  assert.equal(top.told.length, 1)
  assert.match(top.told[0]!, /^fail: .*more than 10 bytes/)
})

test('a part of a request is seen by every stage that looks, in order, and waits for the sink', () => {
  const seen: string[] = []
  const looking = (name: string): Transform => ({
    onRequests: forward,
    onPart: (_, part) => void seen.push(`${name} ${textOf(part)}`),
  })
  const { chain, top } = play([looking('a'), passing, looking('c')])
  const exchange = new Exchange(lend('head', FRAME_HEAD).frame, top, AT_OWNER, 0)
  exchange.requestParts = new Parts()
  chain.down([exchange])
  const one = lend('one', 0)
  const two = lend('two', FRAME_LAST)
  assert.equal(chain.partDown(exchange, one.frame), true)
  chain.partDown(exchange, two.frame)
  one.end()
  two.end()
  assert.deepEqual(seen, ['a one', 'c one', 'a two', 'c two'])
  assert.equal(textOf(exchange.requestParts.shift()), 'one')
  assert.equal(textOf(exchange.requestParts.shift()), 'two')
})

test('a cancelled exchange is told to every stage once, and its pipe ends', () => {
  let told = 0
  const { chain, sink, send } = play([{ onCancel: () => told++ }, passing])
  const [one] = send('1')
  one!.requestParts = new Parts()
  chain.cancel(one!)
  chain.cancel(one!)
  assert.equal(told, 1)
  assert.equal(sink.cancelled.length, 1)
  assert.match(one!.requestParts.error!.message, /cancelled/)
})

const boom = (): never => {
  throw new Error('boom')
}
const throwing: Transform = {
  onRequests: forward,
  onPush: boom,
  onPart: boom,
  onCancel: boom,
  onFlush: boom,
  close: boom,
  wants: boom,
}

test('whatever else throws is counted at its stage and keeps nothing from the others', () => {
  const { chain, sink, send, top, errors } = play([throwing, passing])
  const [one] = send('1')
  one!.requestParts = new Parts()
  assert.equal(chain.partDown(one!, lend('part').frame), true)
  assert.equal(textOf(one!.requestParts.shift()), 'part')
  assert.equal(chain.wantsWhole(0), false)
  sink.push('news')
  assert.deepEqual(top.told, [], 'a push that its stage could not judge does not pass it')
  chain.cancel(one!)
  assert.equal(sink.cancelled.length, 1)
  chain.flush()
  assert.equal(sink.flushes, 1)
  chain.close()
  assert.equal(sink.closed, true)
  assert.equal(errors.length, 6)
  assert.equal(chain.spec.stats.failures, 6)
})

test('after its session ended a stage hands on into nothing', async () => {
  const down = new Waits()
  let link!: Link
  const kept: Batch = []
  const holding: Transform = {
    holds: true,
    onRequests(batch, mine) {
      link = mine
      kept.push(...batch)
    },
  }
  const late: Transform = {
    async onRequests(batch, mine) {
      await down.wait()
      mine.forward(batch)
    },
  }
  const { chain, sink, send, settle, top } = play([late, holding])
  send('1')
  down.over()
  await settle()
  send('2')
  chain.close()
  down.over()
  link.forward(kept)
  for (const exchange of kept) exchange.response = frameOf('late')
  link.reply(kept)
  await settle()
  assert.deepEqual(sink.texts, [])
  assert.deepEqual(top.told, [])
  assert.equal(chain.spec.stats.swallowed, 3)
})

test('a stage that pauses stops the session for that long', async () => {
  const { send, sim, top } = play([
    {
      onRequests(batch, link) {
        link.pause(30)
        link.forward(batch)
      },
    },
  ])
  sim.world.clock.after(1, () => send('1'))
  await sim.run(20)
  assert.equal(top.stops, 1)
  await sim.run(40)
  assert.equal(top.stops, 0)
})

test('what stages do to the session reaches what stands above the chain, by name', () => {
  let link!: Link
  const { send, top } = play([
    passing,
    {
      onRequests(batch, mine) {
        link = mine
        mine.forward(batch)
      },
    },
  ])
  send('1')
  link.fail(new Error('no luck'))
  link.end('quit')
  link.close('slow-reader')
  assert.deepEqual(top.told, [
    'fail: Transform Kind named b failed in chain main: no luck',
    'end: quit',
    'abort: slow-reader',
  ])
})

test('a chain without a sink is refused', () => {
  const { chain } = play([])
  const { spec, top, world, limits, log } = chain
  assert.throws(() => new Chain({ ...spec, stages: [] }, top, world, limits, log), /no sink/)
})
