import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf } from '../../test/core/chain-play.ts'
import { lineProtocol } from '../../test/core/line-protocol.ts'
import { received, sessionPlay, write } from '../../test/core/session-play.ts'
import { FRAME_HEAD, FRAME_LAST } from './frame.ts'

test('requests go down as they come, several of one read as one batch', async () => {
  const { play, client, sink } = await sessionPlay()
  const batches: number[] = []
  const onRequests = sink.onRequests.bind(sink)
  sink.onRequests = (batch, link) => {
    batches.push(batch.length)
    onRequests(batch, link)
  }
  write(client, 'a\nb\nc\nd')
  await play.rest()
  write(client, 'e\n')
  await play.rest()
  assert.deepEqual(sink.texts, ['a\n', 'b\n', 'c\n', 'de\n'])
  assert.deepEqual(batches, [3, 1])
  assert.equal(play.source.stats.requests, 4)
})

const orders = [
  { order: [0, 1, 2], texts: { 'request-order': 'abc', any: 'abc' } },
  { order: [2, 1, 0], texts: { 'request-order': 'abc', any: 'cba' } },
  { order: [1, 2, 0], texts: { 'request-order': 'abc', any: 'bca' } },
] as const

for (const kind of ['request-order', 'any'] as const) {
  for (const { order, texts } of orders) {
    test(`replies given as ${order.join()} leave as ${texts[kind]} where the order is ${kind}`, async () => {
      const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
      write(client, 'a\nb\nc\n')
      await play.rest()
      for (const index of order) sink.answer([sink.came[index]!], '')
      await play.rest()
      assert.equal(received(client).replaceAll('\n', ''), texts[kind])
    })

    test(`replies in parts given as ${order.join()} leave whole, as ${texts[kind]}, where the order is ${kind}`, async () => {
      const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
      write(client, 'a\nb\nc\n')
      await play.rest()
      const replies = order.map((index) => sink.came[index]!)
      for (const exchange of replies) sink.answer([exchange], '<', FRAME_HEAD)
      for (const exchange of replies.toReversed()) sink.part(exchange, '-')
      sink.push('news')
      for (const exchange of replies) sink.part(exchange, '>', true)
      sink.push('more')
      await play.rest()
      const text = received(client).replaceAll('\n', '')
      const whole = texts[kind]
        .split('')
        .map((name) => `<${name}->`)
        .join('')
      assert.equal(text.replace('news', '').replace('more', ''), whole)
      assert.match(text, /^[^>]*>news|>news[^-]*more$/, 'a push stands between replies')
    })
  }
}

test('a request without a reply holds nobody up', async () => {
  for (const kind of ['request-order', 'any'] as const) {
    const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
    write(client, 'a\nb\nc\n')
    await play.rest()
    sink.answer([sink.came[2]!])
    sink.link.silent(sink.came[1]!)
    sink.link.silent(sink.came[0]!)
    await play.rest()
    assert.equal(received(client), 're:c\n')
    client.connection.end()
    await play.rest()
    assert.deepEqual(play.closed, { client: 1 }, 'nothing is in flight')
  }
})

test('a push between replies leaves at once', async () => {
  const { play, client, sink } = await sessionPlay()
  write(client, 'a\nb\n')
  await play.rest()
  sink.push('one,')
  sink.answer([sink.came[1]!])
  sink.push('two,')
  sink.answer([sink.came[0]!])
  await play.rest()
  assert.equal(received(client), 'one,two,re:a\nre:b\n')
})

test('nothing stands between the parts of a push: neither replies nor other pushes', async () => {
  for (const kind of ['request-order', 'any'] as const) {
    const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
    write(client, 'a\nb\nc\n')
    await play.rest()
    const push = (text: string, flags: number) => sink.link.push(frameOf(text, flags))
    push('<', FRAME_HEAD)
    sink.answer([sink.came[0]!])
    push('other', FRAME_HEAD | FRAME_LAST)
    push('-', 0)
    sink.answer([sink.came[1]!], '[', FRAME_HEAD)
    push('>', FRAME_LAST)
    push('{', FRAME_HEAD)
    push('whole', FRAME_HEAD | FRAME_LAST)
    sink.part(sink.came[1]!, ']', true)
    push('}', FRAME_LAST)
    sink.answer([sink.came[2]!])
    await play.rest()
    assert.equal(received(client).replaceAll('\n', ''), '<->otherre:a[b]whole{}re:c')
  }
})

test('where frames of several replies may alternate everything leaves as it comes', async () => {
  const { play, client, sink } = await sessionPlay({ protocol: lineProtocol('streams') })
  write(client, 'a\nb\nc\nd\n')
  await play.rest()
  const [a, b, c, d] = sink.came
  sink.answer([b!], '<', FRAME_HEAD)
  sink.answer([a!], '[', FRAME_HEAD)
  sink.part(b!, '-')
  sink.push('news')
  sink.part(a!, '=')
  sink.answer([c!])
  sink.part(b!, '>', true)
  sink.link.silent(d!)
  sink.part(a!, ']', true)
  await play.rest()
  assert.equal(received(client).replaceAll('\n', ''), '<b[a-news=re:c>]')
  client.connection.end()
  await play.rest()
  assert.deepEqual(play.closed, { client: 1 }, 'nothing is in flight')
})

test('where replies alternate a failing session answers what is out, unless one has left in part', async () => {
  for (const isMidway of [false, true]) {
    const { play, client, sink, session } = await sessionPlay({ protocol: lineProtocol('streams') })
    write(client, 'a\nb\n')
    await play.rest()
    if (isMidway) sink.answer([sink.came[0]!], '<', FRAME_HEAD)
    await play.rest()
    session.fail(new Error('it broke'))
    await play.rest()
    assert.equal(received(client), isMidway ? '<a\n' : '-internal a\n-internal b\n')
    assert.ok(sink.cancelled.includes(sink.came[1]!))
    client.connection.end()
    await play.rest()
    assert.equal(play.source.sessions.size, 0)
  }
})

test('no more than a quantum goes down in one turn, and another client comes in between', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { quantumFrames: 4 } })
  const other = await play.connect()
  const turns: [string, number][] = []
  for (const [name, one] of [
    ['greedy', sink],
    ['modest', play.sinks[1]!],
  ] as const) {
    const onRequests = one.onRequests.bind(one)
    one.onRequests = (batch, link) => {
      turns.push([name, batch.length])
      onRequests(batch, link)
    }
  }
  write(client, 'x\n'.repeat(40))
  write(other, 'y\n')
  await play.rest()
  assert.equal(sink.came.length, 40)
  assert.ok(turns.every(([, size]) => size <= 4))
  const modest = turns.findIndex(([name]) => name === 'modest')
  assert.ok(modest >= 0 && modest < 4, `the modest client was served as number ${modest}`)
})

test('more in flight than the bound are not taken; each reply lets one in', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { sessionInFlightMax: 3 } })
  write(client, 'a\nb\nc\nd\ne\n')
  await play.rest()
  assert.equal(sink.came.length, 3)
  sink.answer([sink.came[1]!])
  await play.rest()
  assert.equal(sink.came.length, 3, 'a reply that waits for its turn is still in flight')
  sink.answer([sink.came[0]!])
  await play.rest()
  assert.equal(sink.came.length, 5)
  sink.answer(sink.came.slice(2))
  await play.rest()
  assert.equal(received(client), 're:a\nre:b\nre:c\nre:d\nre:e\n')
})

test('stopped twice, a session takes requests again when it was told to go twice', async () => {
  const { play, client, sink } = await sessionPlay()
  write(client, 'a\n')
  await play.rest()
  sink.link.stop()
  sink.link.stop()
  write(client, 'b\n')
  await play.rest()
  sink.link.go()
  await play.rest()
  assert.equal(sink.came.length, 1)
  sink.link.go()
  await play.rest()
  assert.deepEqual(sink.texts, ['a\n', 'b\n'])
})

test('a client that writes far more than it may have in flight is not read on for ever, and gets every reply', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { sessionInFlightMax: 64 } })
  const text = Array.from({ length: 20_000 }, (_, i) => `${String(i).padEnd(60, '.')}\n`).join('')
  write(client, text)
  await play.rest(200)
  assert.equal(sink.came.length, 64)
  assert.equal(play.source.stats.pauses, 1, 'reading stopped')
  assert.ok(play.source.stats.bytesRead < 400_000, `${play.source.stats.bytesRead} bytes were taken`)
  assert.ok(play.source.budget.used <= play.source.stats.bytesRead)
  sink.echo = ''
  sink.answer(sink.came, '')
  await play.rest(1000)
  assert.equal(received(client), text)
  assert.equal(play.source.budget.used, 0)
})

test('a failing stage in front does not disturb the order', async () => {
  const { play, client, sink } = await sessionPlay({
    above: () => [
      {
        onRequests(batch, link) {
          for (const exchange of batch) {
            const text = exchange.request.toBuffer().toString()
            if (text === 'mine\n') {
              exchange.response = frameOf('cached\n')
              link.reply([exchange])
            } else if (text !== 'lost\n') link.forward([exchange])
          }
        },
      },
    ],
  })
  write(client, 'a\nmine\nlost\nb\n')
  await play.rest()
  sink.answer(sink.came)
  await play.rest()
  assert.equal(received(client), 're:a\ncached\n-internal lost\nre:b\n')
})
