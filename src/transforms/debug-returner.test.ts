import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../test/kit.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { debugReturner } from './debug-returner.ts'

test('Valkey: every request gets the bulk string', async () => {
  const p = play(debugReturner, { Valkey: 'forty\r\ntwö' })
  await p.send(['GET', 'a'], ['PING'])
  const reply = Buffer.from('$11\r\nforty\r\ntwö\r\n')
  p.expectReplied(reply, reply)
  assert.equal(p.closed, false)
})

test('Fail: the requests get an error of the chain, and the session ends', async () => {
  const p = play(debugReturner, { Fail: null })
  await p.send(['GET', 'a'], ['GET', 'b'])
  const error =
    '-ERR Internal shotover (or custom transform) bug (chain: main): Failed to send and/or receive messages, the connection ' +
    'will now be closed.  Caused by:     0: Transform DebugReturner named DebugReturner-1 failed in chain main     1: Intentional ' +
    'Fail!\r\n'
  p.expectReplied(error, error)
  assert.deepEqual(p.closings, { failed: 1 })
})

test('exactly one of the two must be there', () => {
  for (const options of [{}, { Valkey: 'x', Fail: null }]) {
    assert.throws(() => play(debugReturner, options), /exactly one of these fields/)
  }
})

test('clients of a protocol that has no such reply are told of an error', async () => {
  const p = play(debugReturner, { Valkey: '42' }, { protocol: { ...valkey, name: 'other', textReply: undefined } })
  await p.send(['GET', 'a'])
  assert.match(p.takeReplied().toString(), /there is no reply for clients that speak other/)
  assert.equal(p.closed, true)
})
