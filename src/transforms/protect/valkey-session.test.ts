import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Play } from '../../../test/kit.ts'
import { valkey } from '../../protocols/valkey/index.ts'
import { argumentsOf } from '../../protocols/valkey/body.ts'
import type { TransformKind } from '../../core/kind.ts'
import { protect } from './protect.ts'

const KEK = 'Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k='
const OPTIONS = { key_manager: { Local: { kek: KEK, kek_id: 'kek' } }, key_patterns: ['p:*', 'card:[0-9]'] }

const open = (options: Record<string, unknown> = {}) => play(protect as TransformKind, { ...OPTIONS, ...options })

const MAGIC = Buffer.from('SHOTPV01', 'base64')
const isSealed = (bytes: Buffer) => bytes.subarray(0, MAGIC.length).equals(MAGIC)

/** The arguments that the server gets of a request; `#` where one is sealed. */
async function sent(one: Play, ...words: string[]): Promise<Buffer[]> {
  await one.send(words)
  const [forwarded, ...more] = one.takeForwarded()
  assert.equal(more.length, 0)
  if (forwarded === undefined) return []
  const wire = valkey.clientWire({ cutThroughBytes: Infinity })
  wire.push(forwarded.bytes, 0, forwarded.bytes.length)
  return argumentsOf(wire.next()!).map((arg) => Buffer.from(arg))
}

const shown = (args: readonly Buffer[]) => args.map((arg) => (isSealed(arg) ? '#' : arg.toString())).join(' ')

const WRITES: readonly [sentence: string, arrives: string][] = [
  ['SET p:a v', 'SET p:a #'],
  ['set p:a v EX 10 NX GET', 'set p:a # EX 10 NX GET'],
  ['SET card:7 v', 'SET card:7 #'],
  ['SET card:x v', 'SET card:x v'],
  ['SET q:a v', 'SET q:a v'],
  ['SETNX p:a v', 'SETNX p:a #'],
  ['SETEX p:a 10 v', 'SETEX p:a 10 #'],
  ['PSETEX p:a 10 v', 'PSETEX p:a 10 #'],
  ['GETSET p:a v', 'GETSET p:a #'],
  ['MSET p:a v q:a v p:b w', 'MSET p:a # q:a v p:b #'],
  ['MSETNX p:a v q:a v', 'MSETNX p:a # q:a v'],
  ['MSETEX 2 p:a v q:a w EX 10', 'MSETEX 2 p:a # q:a w EX 10'],
  ['HSET p:a f v g w', 'HSET p:a f # g #'],
  ['HMSET p:a f v', 'HMSET p:a f #'],
  ['HSETNX p:a f v', 'HSETNX p:a f #'],
  ['HSETEX p:a EX 10 FIELDS 2 f v g w', 'HSETEX p:a EX 10 FIELDS 2 f # g #'],
  ['LPUSH p:a v w', 'LPUSH p:a # #'],
  ['RPUSH p:a v', 'RPUSH p:a #'],
  ['LPUSHX p:a v', 'LPUSHX p:a #'],
  ['RPUSHX p:a v', 'RPUSHX p:a #'],
  ['LSET p:a 0 v', 'LSET p:a 0 #'],
  ['GET p:a', 'GET p:a'],
  ['DEL p:a q:a', 'DEL p:a q:a'],
  ['EXPIRE p:a 10', 'EXPIRE p:a 10'],
  ['OBJECT ENCODING p:a', 'OBJECT ENCODING p:a'],
  ['HDEL p:a f', 'HDEL p:a f'],
  ['APPEND q:a v', 'APPEND q:a v'],
  ['EVAL return(1) 1 q:a', 'EVAL return(1) 1 q:a'],
  ['SET p:a', 'SET p:a'],
  ['HSET p:a f', 'HSET p:a f'],
]
for (const [sentence, arrives] of WRITES)
  test(`${sentence} arrives as ${arrives}`, async () => {
    assert.equal(shown(await sent(open(), ...sentence.split(' '))), arrives)
  })

const REFUSED = [
  'APPEND p:a v',
  'INCR p:a',
  'INCRBYFLOAT p:a 1',
  'SETRANGE p:a 1 v',
  'GETRANGE p:a 0 1',
  'SUBSTR p:a 0 1',
  'STRLEN p:a',
  'SETBIT p:a 1 1',
  'BITCOUNT p:a',
  'BITOP AND q:a p:a',
  'HINCRBY p:a f 1',
  'HSTRLEN p:a f',
  'LREM p:a 0 v',
  'LPOS p:a v',
  'LINSERT p:a BEFORE v w',
  'LMOVE p:a q:a LEFT LEFT',
  'RPOPLPUSH q:a p:a',
  'SADD p:a v',
  'ZADD p:a 1 v',
  'XADD p:a * f v',
  'PFADD p:a v',
  'RENAME p:a q:a',
  'RENAME q:a p:a',
  'COPY q:a p:a',
  'RESTORE p:a 0 v',
  'SORT q:a STORE p:a',
  'SET p:a v IFEQ w',
  'DELIFEQ p:a v',
  'HSETEX p:a f v',
  'EVAL return(1) 2 q:a p:a',
  'FCALL f 1 p:a',
  'NEW.COMMAND q:a p:a',
]
for (const sentence of REFUSED)
  test(`${sentence} is refused, and goes no further`, async () => {
    const one = open()
    assert.deepEqual(await sent(one, ...sentence.split(' ')), [])
    const [name] = sentence.split(' ')
    one.expectReplied(
      `-ERR ${name} is not possible on this key: its values are encrypted before they reach the server\r\n`,
    )
    assert.equal(one.faults, 0)
  })

const bulk = (...values: (string | Buffer)[]) =>
  Buffer.concat(values.flatMap((value) => [Buffer.from(`$${value.length}\r\n`), Buffer.from(value as string), Buffer.from('\r\n')])) // prettier-ignore

/** A value of p:a as the server has it. */
async function stored(value: string, key = 'p:a'): Promise<Buffer> {
  return (await sent(open(), 'SET', key, value))[2]!
}

/** `%` stands for the value `v` of p:a: sealed in what the server says, in the clear in what the client gets. */
const READS: readonly [sentence: string, reply: string][] = [
  ['GET p:a', '%'],
  ['GETDEL p:a', '%'],
  ['GETEX p:a PERSIST', '%'],
  ['GETSET p:a x', '%'],
  ['SET p:a x GET', '%'],
  ['SET p:a x', '+OK\r\n'],
  ['GET p:a', '$-1\r\n'],
  ['GET p:a', '_\r\n'],
  ['GET p:a', '-WRONGTYPE x\r\n'],
  ['GET q:a', '$1\r\nv\r\n'],
  ['MGET q:a p:a', '*2\r\n$1\r\nx\r\n%'],
  ['MGET p:a p:b', '*2\r\n%$-1\r\n'],
  ['HGET p:a f', '%'],
  ['HMGET p:a f g', '*2\r\n%$-1\r\n'],
  ['HGETDEL p:a FIELDS 1 f', '*1\r\n%'],
  ['HGETEX p:a FIELDS 1 f', '*1\r\n%'],
  ['HVALS p:a', '*2\r\n%%'],
  ['HKEYS p:a', '*1\r\n$1\r\nf\r\n'],
  ['HGETALL p:a', '*4\r\n$1\r\nf\r\n%$1\r\ng\r\n%'],
  ['HGETALL p:a', '%1\r\n$1\r\nf\r\n%'],
  ['HRANDFIELD p:a', '$1\r\nf\r\n'],
  ['HRANDFIELD p:a 1', '*1\r\n$1\r\nf\r\n'],
  ['HRANDFIELD p:a 1 WITHVALUES', '*2\r\n$1\r\nf\r\n%'],
  ['HRANDFIELD p:a 1 WITHVALUES', '*1\r\n*2\r\n$1\r\nf\r\n%'],
  ['HSCAN p:a 0', '*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n%'],
  ['HSCAN p:a 0 NOVALUES', '*2\r\n$1\r\n0\r\n*1\r\n$1\r\nf\r\n'],
  ['LRANGE p:a 0 -1', '*2\r\n%%'],
  ['LINDEX p:a 0', '%'],
  ['LPOP p:a', '%'],
  ['RPOP p:a 2', '*2\r\n%%'],
  ['BLPOP q:a p:a 0', '*2\r\n$3\r\np:a\r\n%'],
  ['BLPOP q:a p:a 0', '*2\r\n$3\r\nq:a\r\n$1\r\nx\r\n'],
  ['BLPOP p:a 1', '*-1\r\n'],
  ['LMPOP 2 q:a p:a LEFT', '*2\r\n$3\r\np:a\r\n*2\r\n%%'],
  ['BLMPOP 0 1 p:a LEFT', '*2\r\n$3\r\np:a\r\n*1\r\n%'],
]
for (const [sentence, reply] of READS)
  test(`what ${sentence} is answered, ${JSON.stringify(reply)}, is decrypted`, async () => {
    const sealed = bulk(await stored('v'))
    const said = (value: Buffer) => Buffer.concat(reply.split(/%(?!\d)/).flatMap((part, i) => (i === 0 ? [Buffer.from(part)] : [value, Buffer.from(part)]))) // prettier-ignore
    const one = open()
    await sent(one, ...sentence.split(' '))
    await one.answer(said(sealed))
    one.expectReplied(said(bulk('v')))
    assert.equal(one.faults, 0)
  })

test('a value belongs to its key: under another one it is an error', async () => {
  const one = open()
  await sent(one, 'GET', 'p:b')
  await one.answer(bulk(await stored('v')))
  one.expectReplied('-ERR a protected key holds a value that was encrypted for another place, or changed since\r\n')
})

test('a value in the clear is an error that does not tell it, or passes where that is chosen', async () => {
  for (const [unprotected_values, reply] of [
    ['refuse', '-ERR a protected key holds a value that is not encrypted; unprotected_values of Protect says that such ones are refused\r\n'], // prettier-ignore
    ['pass', '$5\r\nplain\r\n'],
  ]) {
    const one = open({ unprotected_values })
    await sent(one, 'GET', 'p:a')
    await one.answer(bulk('plain'))
    one.expectReplied(reply!)
  }
})

test('what a transaction gives is decrypted, each by its own command', async () => {
  const one = open()
  const queued = async (...words: string[]) => {
    const args = await sent(one, ...words)
    await one.answer('+QUEUED\r\n')
    one.expectReplied('+QUEUED\r\n')
    return args
  }
  await sent(one, 'MULTI')
  await one.answer('+OK\r\n')
  one.expectReplied('+OK\r\n')
  assert.ok(isSealed((await queued('SET', 'p:a', 'v'))[2]!))
  await queued('GET', 'q:a')
  await queued('GET', 'p:a')
  await queued('HGETALL', 'p:h')
  await sent(one, 'EXEC')
  const [a, h] = [bulk(await stored('v')), bulk(await stored('w', 'p:h'))]
  await one.answer(Buffer.concat([Buffer.from('*4\r\n+OK\r\n$1\r\nx\r\n'), a, Buffer.from('*2\r\n$1\r\nf\r\n'), h]))
  one.expectReplied('*4\r\n+OK\r\n$1\r\nx\r\n$1\r\nv\r\n*2\r\n$1\r\nf\r\n$1\r\nw\r\n')
  await sent(one, 'GET', 'p:a')
  await one.answer(a)
  one.expectReplied('$1\r\nv\r\n')
})

test('a transaction of which a part is refused is not executed', async () => {
  const one = open()
  await one.send(['MULTI'], ['SET', 'p:a', 'v'], ['INCR', 'p:a'], ['EXEC'], ['SET', 'q:a', 'v'])
  const forwarded = one
    .takeForwarded()
    .map(({ bytes }) => /^\*\d+\r\n\$\d+\r\n(\w+)/.exec(bytes.toString('latin1'))![1])
  assert.deepEqual(forwarded, ['MULTI', 'SET', 'DISCARD', 'SET'])
  await one.answer('+OK\r\n', '+QUEUED\r\n', '+OK\r\n', '+OK\r\n')
  one.expectReplied(
    '+OK\r\n+QUEUED\r\n-ERR INCR is not possible on this key: its values are encrypted before they reach the server\r\n-EXECABORT Transaction discarded because of previous errors.\r\n+OK\r\n',
  )
})

test('a large value is encrypted and decrypted whole', async () => {
  const one = play(protect as TransformKind, OPTIONS, { limits: { cutThroughBytes: 256, frameBytesMax: 100_000 } })
  const value = 'v'.repeat(10_000)
  const args = await sent(one, 'SET', 'p:a', value)
  await one.answer('+OK\r\n')
  one.takeReplied()
  await sent(one, 'GET', 'p:a')
  await one.answer(bulk(args[2]!))
  one.expectReplied(bulk(value))
})

test('a key that comes late holds requests up, and none out of their order', async () => {
  const one = open()
  await one.send(['SET', 'p:a', 'v'], ['GET', 'q:a'], ['INCR', 'p:a'], ['GET', 'p:a'])
  await one.answer('+OK\r\n', '$1\r\nx\r\n', '$-1\r\n')
  one.expectReplied(
    '+OK\r\n$1\r\nx\r\n-ERR INCR is not possible on this key: its values are encrypted before they reach the server\r\n$-1\r\n',
  )
})
