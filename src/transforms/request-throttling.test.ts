import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Message, type Play } from '../../test/kit.ts'
import type { Protocol } from '../core/protocol.ts'
import { cassandra } from '../protocols/cassandra/index.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { requestThrottling } from './request-throttling.ts'

const REFUSED = '-ERR Server overloaded\r\n'
const count = (limit: string) => `shotover_throttled_requests_count{name="RequestThrottling-1",limit="${limit}"}`

/** How many of so many requests reach the server, which answers them; the client is told of the others. */
async function pass(p: Play, message: Message, sent: number): Promise<number> {
  await p.send(...Array.from({ length: sent }, () => message))
  const passed = p.takeForwarded().length
  if (passed !== 0) await p.answer(...Array.from({ length: passed }, () => '+OK\r\n'))
  const replies = p.takeReplied().toString('latin1')
  assert.equal(replies.split('+OK\r\n').length - 1, passed)
  assert.equal(replies.split(REFUSED).length - 1, sent - passed)
  return passed
}

test('of a burst so many pass as a second allows, then as many as time brings', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50 })
  assert.equal(await pass(p, ['PING'], 100), 50)
  assert.equal(await pass(p, ['PING'], 100), 0)
  await p.advance(500)
  assert.equal(await pass(p, ['PING'], 100), 25)
  await p.advance(10_000)
  assert.equal(await pass(p, ['PING'], 100), 50)
  assert.equal(p.metrics[count('all')], 275)
  assert.equal(p.faults, 0)
})

test('clients share the limit', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50 })
  const other = p.connect()
  assert.equal(await pass(p, ['PING'], 30), 30)
  assert.equal(await pass(other, ['PING'], 30), 20)
})

test('errors stand where the replies would have stood', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50, per_command: { KEYS: 1 } })
  const keys: Message = ['KEYS', '*']
  await p.send(['GET', 'a'], keys, ['GET', 'b'], keys, ['GET', 'c'])
  p.expectForwarded(['GET', 'a'], keys, ['GET', 'b'], ['GET', 'c'])
  await p.answer('+1\r\n', '*0\r\n', '+2\r\n', '+3\r\n')
  p.expectReplied('+1\r\n', '*0\r\n', '+2\r\n', REFUSED, '+3\r\n')
})

test('a command has its own limit, whatever its case, and what that refuses the others do not count', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50, per_command: { keys: 5 } })
  assert.equal(await pass(p, ['Keys', '*'], 20), 5)
  assert.equal(await pass(p, ['GET', 'a'], 60), 45)
  assert.equal(p.metrics[count('command')], 15)
  assert.equal(p.metrics[count('all')], 15)
})

test('keys have the limit of the longest beginning that is theirs', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 500, per_key_prefix: { 'a:': 10, 'a:b:': 5, 'ü:': 1 } })
  assert.equal(await pass(p, ['GET', 'a:b:1'], 20), 5)
  assert.equal(await pass(p, ['GET', 'a:1'], 20), 10)
  assert.equal(await pass(p, ['MGET', 'c:1', 'a:2'], 1), 0, 'one of its keys is over')
  assert.equal(await pass(p, ['GET', 'c:1'], 20), 20)
  assert.equal(await pass(p, ['PING'], 20), 20)
  assert.equal(await pass(p, ['GET', 'ü:1'], 20), 1)
  assert.equal(p.metrics[count('key_prefix')], 15 + 10 + 1 + 19)
})

test('a request with several keys of one beginning counts once', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 500, per_key_prefix: { 'a:': 10 } })
  assert.equal(await pass(p, ['MGET', 'a:1', 'a:2'], 20), 10)
})

test('a user has a limit of its own, from the reply to AUTH on, which all its connections share', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 500, per_user: 10 })
  const login = async (one: Play, user: string, reply: string) => {
    await one.send(['AUTH', user, 'secret'])
    one.takeForwarded()
    await one.answer(reply)
    one.expectReplied(reply)
  }
  const [same, other, wrong] = [p.connect(), p.connect(), p.connect()]
  await login(p, 'alice', '+OK\r\n')
  await login(same, 'alice', '+OK\r\n')
  await login(other, 'bob', '+OK\r\n')
  await login(wrong, 'carol', '-WRONGPASS\r\n')
  assert.equal(await pass(p, ['GET', 'a'], 20), 10)
  assert.equal(await pass(same, ['GET', 'a'], 20), 0)
  assert.equal(await pass(other, ['GET', 'a'], 20), 10)
  assert.equal(
    await pass(wrong, ['GET', 'a'], 20),
    6,
    'what came before AUTH, and hers, is of the user who has no name',
  )
  assert.equal(p.metrics[count('user')], 10 + 20 + 10 + 14)
})

const tx = (writes: number): Message[] => [['MULTI'], ...Array<Message>(writes).fill(['SET', 'a', '1']), ['EXEC']]

test('a transaction that has begun passes whole, and what it took is missing afterwards', async () => {
  for (const options of [{ max_requests_per_second: 50 }, { max_requests_per_second: 50, per_user: 1000 }]) {
    const p = play(requestThrottling, options)
    assert.equal(await pass(p, ['PING'], 45), 45)
    await p.send(...tx(20))
    p.expectForwarded(...tx(20))
    await p.advance(320)
    await p.answer(...Array<string>(22).fill('+OK\r\n'))
    p.takeReplied()
    assert.equal(await pass(p, ['PING'], 1), 0)
    await p.advance(40)
    assert.equal(await pass(p, ['PING'], 2), 1)
  }
})

test('of a transaction that is refused nothing passes', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50, per_command: { MULTI: 1 } })
  await p.send(...tx(1), ...tx(2), ['GET', 'a'])
  p.expectForwarded(...tx(1), ['GET', 'a'])
  await p.answer('+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n', '+1\r\n')
  p.expectReplied('+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n', REFUSED, REFUSED, REFUSED, REFUSED, '+1\r\n')
})

test('who was told that MULTI was refused may go on without it', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50, per_command: { MULTI: 1 } })
  await p.send(...tx(1))
  p.takeForwarded()
  await p.answer('+OK\r\n', '+QUEUED\r\n', '*1\r\n+OK\r\n')
  await p.send(['MULTI'])
  await p.send(['GET', 'a'])
  p.expectForwarded(['GET', 'a'])
})

test('a transaction that takes far more than there is ends with its session', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50 })
  await p.send(...tx(150))
  assert.deepEqual(p.closings, { failed: 1 })
  p.expectForwarded()
})

test('what costs more than the limit never passes, and that is a warning', async () => {
  const costly: Protocol = { ...(valkey as Protocol), queries: { ...valkey.queries!, cost: () => 60 } }
  const p = play(requestThrottling, { max_requests_per_second: 50 }, { protocol: costly })
  assert.equal(await pass(p, ['GET', 'a'], 1), 0)
  assert.deepEqual(p.logged, [
    'warn: A message was received that could never have been successfully delivered since it contains more sub messages than can ever be allowed through via the `RequestThrottling` transforms `max_requests_per_second` configuration.',
  ])
})

/** A BATCH of CQL, version 4. */
function cqlBatch(stream: number, statements: number): Buffer {
  const text = 'INSERT INTO t (k) VALUES (1)'
  const statement = Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), Buffer.from(text), Buffer.from([0, 0])])
  const each = Array.from({ length: statements }, () => statement)
  const body = Buffer.concat([Buffer.from([0, 0, statements]), ...each, Buffer.from([0, 1, 0])])
  const header = Buffer.from([4, 0, 0, stream, 13, 0, 0, 0, 0])
  header.writeUInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

test('Cassandra: a BATCH counts as its statements, and what is refused is overloaded', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50 }, { protocol: cassandra as Protocol })
  await p.send(cqlBatch(1, 25))
  p.expectForwarded(cqlBatch(1, 25))
  await p.send(cqlBatch(2, 26))
  p.expectForwarded()
  const refused = (stream: number) => {
    const body = Buffer.from('\0\0\x10\x01\0\x11Server overloaded', 'latin1')
    return Buffer.concat([Buffer.from([0x84, 0, 0, stream, 0, 0, 0, 0, body.length]), body])
  }
  p.expectReplied(refused(2))
  await p.advance(10_000)
  await p.send(cqlBatch(3, 60))
  p.expectForwarded()
  p.expectReplied(refused(3))
  assert.match(p.logged.join(), /^warn: A message was received that could never have been successfully delivered/)
})

test('what costs several takes several', async () => {
  const costly: Protocol = { ...(valkey as Protocol), queries: { ...valkey.queries!, cost: () => 20 } }
  const p = play(requestThrottling, { max_requests_per_second: 50 }, { protocol: costly })
  assert.equal(await pass(p, ['GET', 'a'], 5), 2)
})

test('a large request that is refused does not disturb those behind it', async () => {
  const limits = { cutThroughBytes: 64 }
  const p = play(requestThrottling, { max_requests_per_second: 50, per_command: { SET: 1 } }, { limits })
  const large: Message = ['SET', 'a', 'x'.repeat(1000)]
  await p.send(large, large, ['GET', 'a'])
  p.expectForwarded(large, ['GET', 'a'])
  await p.answer('+OK\r\n', '$-1\r\n')
  p.expectReplied('+OK\r\n', REFUSED, '$-1\r\n')
})

test('a session whose protocol has no errors ends', async () => {
  const silent: Protocol = { ...(valkey as Protocol), failure: () => null }
  const p = play(requestThrottling, { max_requests_per_second: 50 }, { protocol: silent })
  await p.send(...Array<Message>(51).fill(['PING']))
  assert.deepEqual(p.closings, { failed: 1 })
})

test('a command that nobody knows is warned of', async () => {
  const p = play(requestThrottling, { max_requests_per_second: 50, per_command: { KEY: 1, KEYS: 1 } })
  await p.send(['PING'])
  assert.deepEqual(p.logged, ['warn: RequestThrottling-1 limits KEY, which is no command that is known'])
})

test('limits of keys are warned of where the protocol tells no keys', async () => {
  const options = { max_requests_per_second: 50, per_key_prefix: { k: 1 } }
  const p = play(requestThrottling, options, { protocol: cassandra as Protocol })
  await p.send(cqlBatch(1, 1))
  assert.deepEqual(p.logged, [
    'warn: RequestThrottling-1 limits keys, which nobody can tell of requests of cassandra: these limits have no effect',
  ])
  const other = play(requestThrottling, options)
  await other.send(['GET', 'k'])
  assert.deepEqual(other.logged, [])
})

test('limits are whole numbers that make sense', () => {
  const wrong = [
    {},
    { max_requests_per_second: 49 },
    { max_requests_per_second: 2 ** 32 },
    { max_requests_per_second: 50.5 },
    { max_requests_per_second: 50, per_user: 0 },
    { max_requests_per_second: 50, per_command: { KEYS: 0 } },
    { max_requests_per_second: 50, per_key_prefix: { '': 1 } },
  ]
  for (const options of wrong) assert.throws(() => play(requestThrottling, options), JSON.stringify(options))
})
