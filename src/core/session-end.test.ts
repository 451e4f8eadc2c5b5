import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineProtocol } from '../../test/core/line-protocol.ts'
import { received, sessionPlay, write } from '../../test/core/session-play.ts'
import type { SimConnection } from '../sim/connection.ts'
import { FRAME_HEAD } from './frame.ts'

for (const kind of ['request-order', 'any'] as const) {
  test(`a client that ends its side gets every reply that is out, then the end (${kind})`, async () => {
    const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
    write(client, 'a\nb\nlast without an end')
    client.connection.end()
    await play.rest()
    assert.deepEqual(sink.texts, ['a\n', 'b\n', 'last without an end'])
    assert.equal(sink.flushes, 1)
    sink.answer([sink.came[2]!])
    sink.answer([sink.came[0]!])
    await play.rest()
    assert.equal(client.count('end'), 0)
    sink.answer([sink.came[1]!])
    await play.rest()
    const text = received(client)
    for (const reply of ['re:a\n', 're:b\n', 're:last without an end']) assert.ok(text.includes(reply))
    assert.deepEqual(client.calls.slice(-2), ['end', 'close'])
    assert.deepEqual(play.closed, { client: 1 })
    assert.equal(sink.closed, true)
  })

  test(`a client that vanishes leaves nothing behind: what is out is cancelled (${kind})`, async () => {
    const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
    write(client, 'a\nb\n')
    await play.rest()
    client.connection.destroy()
    await play.rest()
    // Its kernel has closed: only an answer finds out.
    sink.answer([sink.came[0]!])
    await play.rest()
    assert.equal(play.source.sessions.size, 0)
    assert.deepEqual(new Set(sink.cancelled), new Set(sink.came.slice(1)))
    assert.equal(sink.closed, true)
    sink.answer([sink.came[1]!])
    await play.rest()
  })
}

test('requests that wait for their turn are still taken when the client ends', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { sessionInFlightMax: 2, quantumFrames: 1 } })
  write(client, 'a\nb\nc\nd\ne\n')
  client.connection.end()
  await play.rest()
  assert.equal(sink.came.length, 2)
  sink.echo = 're:'
  sink.answer(sink.came)
  await play.rest()
  assert.equal(received(client), 're:a\nre:b\nre:c\nre:d\nre:e\n')
  assert.deepEqual(client.calls.slice(-2), ['end', 'close'])
})

test('requests that are answered at once are all answered when the client ends, however few may be in flight', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { sessionInFlightMax: 1 } })
  sink.echo = 're:'
  write(client, 'a\nb\nc\nd\ne\n')
  client.connection.end()
  await play.rest()
  assert.equal(received(client), 're:a\nre:b\nre:c\nre:d\nre:e\n')
})

for (const [sign, answer] of [
  ['!', '-ERR a bang\n'],
  ['?', ''],
] as const) {
  test(`a broken request (${sign}) is told after the replies to those before it, then the session ends`, async () => {
    const { play, client, sink } = await sessionPlay()
    write(client, `a\nb\n${sign}\nnever\n`)
    await play.rest()
    assert.deepEqual(sink.texts, ['a\n', 'b\n'])
    assert.equal(received(client), '')
    sink.answer([sink.came[1]!])
    write(client, 'never\n')
    sink.answer([sink.came[0]!])
    await play.rest()
    assert.equal(received(client), `re:a\nre:b\n${answer}`)
    assert.equal(client.count('end'), 1)
    client.connection.end()
    await play.rest()
    assert.deepEqual(play.closed, { 'protocol-error': 1 })
    assert.match(play.warnings[0]!, /Error decoding lines frame\n\nCaused by:\n {4}a (bang|question)/)
  })
}

test('a request broken off by the end of its client is not answered, those before it are', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { cutThroughBytes: 10 } })
  write(client, `a\n${'x'.repeat(30)}`)
  await play.rest()
  client.connection.end()
  sink.answer([sink.came[0]!])
  await play.rest()
  assert.ok(sink.came[1]!.requestParts!.error)
  assert.equal(received(client), 're:a\n')
  sink.link.fail(new Error('broken off'))
  await play.rest()
  assert.equal(play.source.sessions.size, 0)
})

test('a drained session takes nothing more, answers what is out, and ends; the drain waits for it', async () => {
  const { play, client, sink } = await sessionPlay()
  write(client, 'a\nb\n')
  await play.rest()
  let drained = false
  void play.source.drain(null).then(() => (drained = true))
  write(client, 'late\n')
  await play.rest()
  assert.equal(sink.came.length, 2)
  assert.equal(drained, false)
  sink.answer(sink.came)
  await play.rest()
  assert.equal(received(client), 're:a\nre:b\n')
  assert.equal(client.count('end'), 1)
  client.connection.end()
  await play.rest()
  assert.equal(drained, true)
  assert.deepEqual(play.closed, { shutdown: 1 })
})

test('a drain gives up at its deadline', async () => {
  const { play, client } = await sessionPlay()
  write(client, 'a\n')
  await play.rest()
  let drained = false
  void play.source.drain(100).then(() => (drained = true))
  await play.rest(90)
  assert.equal(drained, false)
  await play.rest(20)
  assert.equal(drained, true)
})

test('a client that says nothing for the idle time is disconnected, one that does is not', async () => {
  const { play, client, sink } = await sessionPlay({ idleTimeoutMs: 1000 })
  const other = await play.connect()
  sink.echo = ''
  for (let i = 0; i < 4; i++) {
    await play.rest(700)
    write(client, 'a\n')
  }
  assert.equal(other.count('end'), 1)
  assert.equal(client.count('end'), 0)
  assert.equal(play.closed['idle'] ?? 0, 0)
  other.connection.end()
  await play.rest(10)
  assert.equal(play.closed['idle'], 1)
})

for (const [reason, calls] of [
  ['a failure', 1],
  ['an abort', 1],
] as const) {
  test(`${reason} in any state ends the session once and closes its chain`, async () => {
    for (const state of ['idle', 'waiting', 'answering', 'draining', 'ending', 'closed']) {
      const { play, client, sink, session } = await sessionPlay()
      write(client, 'a\nb\n')
      await play.rest()
      if (state === 'idle') sink.answer(sink.came)
      if (state === 'answering') {
        sink.answer([sink.came[0]!], '<', FRAME_HEAD)
        sink.answer([sink.came[1]!], '<', FRAME_HEAD)
      }
      if (state === 'draining') session.drain('shutdown')
      if (state === 'ending') {
        sink.answer(sink.came)
        session.drain('shutdown')
      }
      if (state === 'closed') (client.connection as SimConnection).cut()
      await play.rest()
      if (reason === 'a failure') session.fail(new Error('it broke'))
      else session.abort('slow-reader')
      await play.rest()
      client.connection.end()
      await play.rest()
      assert.equal(play.source.sessions.size, 0, state)
      assert.equal(sink.closed, true, state)
      assert.equal(
        Object.values(play.closed).reduce((sum, count) => sum + count, 0),
        calls,
        state,
      )
      assert.equal(client.count('close'), 1, state)
    }
  })
}

test('a failing session answers what is out in order, cancels it, and ends', async () => {
  const { play, client, sink, session } = await sessionPlay()
  write(client, 'a\nb\nc\n')
  await play.rest()
  sink.answer([sink.came[1]!])
  session.fail(new Error('it broke', { cause: new Error('the server left') }))
  await play.rest()
  assert.equal(received(client), '-internal a\nre:b\n-internal c\n')
  assert.deepEqual(sink.cancelled, [sink.came[0], sink.came[2]])
  assert.equal(client.count('end'), 1)
  sink.answer([sink.came[0]!])
  client.connection.end()
  await play.rest()
  assert.equal(received(client), '-internal a\nre:b\n-internal c\n', 'late replies are swallowed')
  assert.deepEqual(play.closed, { failed: 1 })
  assert.match(play.errors[0]!, /connection was unexpectedly terminated.*it broke.*the server left/s)
})

test('a failing session whose replies may come in any order answers all that is out', async () => {
  const { play, client, sink, session } = await sessionPlay({ protocol: lineProtocol('any') })
  write(client, 'a\nb\nc\n')
  await play.rest()
  sink.answer([sink.came[1]!])
  session.fail(new Error('it broke'))
  await play.rest()
  assert.equal(received(client), 're:b\n-internal a\n-internal c\n')
  assert.deepEqual(new Set(sink.cancelled), new Set([sink.came[0], sink.came[2]]))
  client.connection.end()
  await play.rest()
  assert.equal(play.source.sessions.size, 0)
})

test('a failing session that has part of a reply out, or whose protocol has no failures, is closed at once', async () => {
  for (const kind of ['emitting', 'waiting', 'no failures']) {
    const { play, client, sink, session } = await sessionPlay({
      protocol: lineProtocol('request-order', kind !== 'no failures'),
    })
    write(client, 'a\nb\n')
    await play.rest()
    // In part, its head out or behind another reply: its rest will never come.
    const index = kind === 'emitting' ? 0 : 1
    if (kind !== 'no failures') sink.answer([sink.came[index]!], '<', FRAME_HEAD)
    session.fail(new Error('it broke'))
    await play.rest()
    assert.equal(play.source.sessions.size, 0, kind)
    assert.equal(sink.closed, true)
    assert.equal(client.count('end'), 1)
  }
})

test('a stage whose factory throws costs its client the connection and nobody else anything', async () => {
  let first = true
  const { play, client } = await sessionPlay({ above: () => [{}] })
  const { factory } = play.source.chain.stages[0]!
  Object.assign(play.source.chain.stages[0]!, {
    factory: (...args: Parameters<typeof factory>) => {
      if (first) {
        first = false
        throw new Error('no instance')
      }
      return factory(...args)
    },
  })
  const broken = await play.connect()
  assert.equal(broken.count('end'), 1)
  assert.equal(play.source.sessions.size, 1)
  assert.match(play.errors[0]!, /could not be opened/)
  const next = await play.connect()
  write(next, 'a\n')
  write(client, 'b\n')
  await play.rest()
  for (const sink of play.sinks) sink.answer(sink.came)
  await play.rest()
  assert.equal(received(next), 're:a\n')
  assert.equal(received(client), 're:b\n')
})

test('behind a reply that will never come nothing leaves where replies keep an order, and the session ends', async () => {
  for (const kind of ['request-order', 'any'] as const) {
    const { play, client, sink } = await sessionPlay({ protocol: lineProtocol(kind) })
    write(client, 'a\nb\nc\n')
    await play.rest()
    const [a, b, c] = sink.came
    sink.answer([c!])
    b!.cancelled = true
    sink.link.silent(b!)
    sink.answer([a!])
    await play.rest()
    assert.equal(received(client), kind === 'any' ? 're:c\nre:a\n' : 're:a\n')
    assert.equal(client.count('end'), kind === 'any' ? 0 : 1)
  }
})

test('a fault of the proxy at the end of what a client sent is told as one', async () => {
  const protocol = lineProtocol('request-order')
  const clientWire: typeof protocol.clientWire = (options) =>
    Object.assign(protocol.clientWire(options), {
      eof() {
        throw new TypeError('it is broken')
      },
    })
  const { play, client } = await sessionPlay({ protocol: { ...protocol, clientWire } })
  client.connection.end()
  await play.rest()
  assert.deepEqual(play.closed, { fault: 1 })
  assert.match(play.errors.join(), /a fault of ours.*it is broken/)
})
