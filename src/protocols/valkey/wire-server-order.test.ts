import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Talk } from '../../../test/valkey/talk.ts'

test('what expects a reply is taken in order, one that began first, tombstones left out, and what expects none is silent', () => {
  const talk = new Talk(100)
  for (const line of ['GET a', 'GET b', 'GET c', 'CLIENT REPLY SKIP', 'GET d', 'GET e']) talk.send(line)
  talk.receive(`$300\r\n${'x'.repeat(200)}`)
  talk.wire.abandon(talk.exchanges[2])
  const rest = [0, 1, 3, 4, 5].map((index) => talk.exchanges[index])
  assert.deepEqual(talk.wire.waiting(), rest)
  assert.deepEqual(
    talk.wire.takeAll(),
    [0, 1, 5].map((index) => talk.exchanges[index]),
  )
  assert.equal(talk.wire.inFlight, 0)
  assert.deepEqual(
    [talk.wire.silent(), talk.wire.silent(), talk.wire.silent()],
    [talk.exchanges[3], talk.exchanges[4], null],
  )
})

for (const line of [
  'MULTI',
  'EXEC',
  'DISCARD',
  'WATCH k',
  'UNWATCH',
  'HELLO 3',
  'RESET',
  'MONITOR',
  'AUTH p',
  'SELECT 1',
  'GET k',
])
  test(`a message is no reply to a request that may change the connection: ${line}`, () => {
    const talk = new Talk()
    talk.send('SUBSCRIBE c')
    talk.receive('>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n')
    talk.send(line)
    talk.told()
    talk.receive('>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\nx\r\n')
    assert.match(talk.told(), /^push/)
    assert.deepEqual(talk.wire.waiting(), [talk.exchanges[1]])
  })

test('many requests in flight keep their order', () => {
  const talk = new Talk()
  for (let i = 0; i < 16; i++) talk.send('PING')
  talk.receive('+PONG\r\n'.repeat(7))
  for (let i = 0; i < 20; i++) talk.send('PING')
  talk.receive('+PONG\r\n'.repeat(29))
  const confirmation = '>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n'
  for (let round = 0; round < 5; round++) {
    for (let i = 0; i < 99; i++) talk.send('PING')
    talk.send('UNSUBSCRIBE a b c')
    talk.receive('+PONG\r\n'.repeat(73))
    talk.receive('+PONG\r\n'.repeat(26) + confirmation.repeat(round < 4 ? 3 : 2))
  }
  const told = talk.told()
  assert.match(told, /reply 535, reply 536 \.\., part 536 \.\., clean, 1 in flight/)
  const numbers = [...told.matchAll(/reply (\d+)/g)].map((match) => Number(match[1]))
  assert.deepEqual(
    numbers,
    Array.from({ length: 536 }, (_, index) => index + 1),
  )
})
