import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Message } from '../../test/kit.ts'
import { coalesce } from './coalesce.ts'

const count = (messages: number) => ({ flush_when_buffered_message_count: messages })
const millis = (ms: number) => ({ flush_when_millis_since_last_flush: ms })

const get = (first: number, last: number): Message[] =>
  Array.from({ length: last - first + 1 }, (_, i) => ['GET', String(first + i)])

test('requests go on together as soon as so many are there', async () => {
  const p = play(coalesce, count(3))
  await p.send(...get(1, 2))
  p.expectForwarded()
  await p.send(...get(3, 4))
  p.expectForwarded(...get(1, 4))
  await p.answer('+1\r\n', '+2\r\n', '+3\r\n', '+4\r\n')
  p.expectReplied('+1\r\n+2\r\n+3\r\n+4\r\n')
  await p.send(...get(5, 6))
  await p.advance(100_000)
  p.expectForwarded()
  assert.equal(p.faults, 0)
})

test('they go on every so often; what comes does not put that off', async () => {
  const p = play(coalesce, millis(100))
  await p.send(...get(1, 1))
  await p.advance(60)
  await p.send(...get(2, 2))
  p.expectForwarded()
  await p.advance(39)
  p.expectForwarded()
  await p.advance(1)
  p.expectForwarded(...get(1, 2))
})

test('the time runs on while nothing is there, in steps', async () => {
  const p = play(coalesce, millis(100))
  await p.advance(1030)
  await p.send(...get(1, 1))
  await p.advance(69)
  p.expectForwarded()
  await p.advance(1)
  p.expectForwarded(...get(1, 1))
})

test('whichever comes first, and the time begins again with it', async () => {
  const p = play(coalesce, { ...count(2), ...millis(100) })
  await p.advance(90)
  await p.send(...get(1, 2))
  p.expectForwarded(...get(1, 2))
  await p.send(...get(3, 3))
  await p.advance(99)
  p.expectForwarded()
  await p.advance(1)
  p.expectForwarded(...get(3, 3))
})

test('what is held goes on when the session is to end, and is answered', async () => {
  for (const end of ['drain', 'finish'] as const) {
    const p = play(coalesce, count(10))
    await p.send(...get(1, 2))
    await p[end]()
    p.expectForwarded(...get(1, 2))
    await p.answer('+1\r\n', '+2\r\n')
    p.expectReplied('+1\r\n+2\r\n')
    assert.equal(p.closed, true)
  }
})

test('nothing is sent for a client that is gone', async () => {
  const p = play(coalesce, { ...count(10), ...millis(5) })
  await p.send(...get(1, 2))
  await p.leave()
  await p.advance(1000)
  p.expectForwarded()
})

test('a large request goes on at once, with what is held', async () => {
  const p = play(coalesce, count(10), { limits: { cutThroughBytes: 64 } })
  const large: Message = ['SET', 'a', 'x'.repeat(1000)]
  await p.send(...get(1, 1), large)
  p.expectForwarded(...get(1, 1), large)
})

test('a session may hold more than it may have in flight, and no more bytes than it may leave unsent', async () => {
  const limits = { sessionInFlightMax: 8, sessionUnsentBytes: 1000 }
  const p = play(coalesce, count(20), { limits })
  for (let i = 1; i <= 19; i++) await p.send(...get(i, i))
  p.expectForwarded()
  await p.send(...get(20, 20))
  p.expectForwarded(...get(1, 20))
  await p.send(...get(21, 40))
  p.expectForwarded()
  await p.answer(...get(1, 20).map(() => '+ok\r\n'))
  p.expectForwarded(...get(21, 40))
  await p.answer(...get(21, 40).map(() => '+ok\r\n'))
  p.takeReplied()
  const bulky: Message = ['SET', 'a', 'x'.repeat(300)]
  await p.send(bulky, bulky, bulky)
  p.expectForwarded()
  await p.send(bulky)
  p.expectForwarded(bulky, bulky, bulky, bulky)
  assert.equal(p.faults, 0)
})

test('options that make no sense are refused', () => {
  assert.throws(
    () => play(coalesce, {}),
    /Need to provide at least one of these fields:.*But none of them were provided/s,
  )
  assert.throws(() => play(coalesce, millis(0)), /must be greater than 0 when set/)
})
