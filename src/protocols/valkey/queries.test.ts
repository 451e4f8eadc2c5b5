import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from '../../../test/valkey/talk.ts'
import { codeOf } from './commands.ts'
import { nameOf, queries } from './queries.ts'

/** Request, name, type, keys, may it be executed twice? */
const QUERIES: readonly (readonly [line: string, name: string, type: string, keys: string, twice: boolean])[] = [
  ['get k', 'GET', 'Read', 'k', true],
  ['SET k v', 'SET', 'Write', 'k', false],
  // As Shotover has it.
  ['APPEND k v', 'APPEND', 'Read', 'k', false],
  ['EXISTS a b', 'EXISTS', 'Write', 'a b', true],
  ['TTL k', 'TTL', 'Write', 'k', true],
  ['PING', 'PING', 'Write', '', true],
  ['CLIENT ID', 'CLIENT', 'Write', '', true],
  ['CLIENT SETNAME x', 'CLIENT', 'Write', '', false],
  ['MODULE.COMMAND k', 'unknown', 'Write', '', false],
  ['MGET a b c', 'MGET', 'Read', 'a b c', true],
  ['MSET a 1 b 2', 'MSET', 'Write', 'a b', false],
  ['BLPOP a b 0', 'BLPOP', 'Write', 'a b', false],
  ['OBJECT ENCODING k', 'OBJECT', 'Write', 'k', true],
  ['EVAL script 2 a b c', 'EVAL', 'Write', 'a b', false],
  ['EVAL script 0 a', 'EVAL', 'Write', '', false],
  ['EVAL script x a', 'EVAL', 'Write', '', false],
  ['EVAL script 9 a b', 'EVAL', 'Write', 'a b', false],
  ['EVAL script', 'EVAL', 'Write', '', false],
  ['XREAD COUNT 1 BLOCK 0 streams a b 0 1', 'XREAD', 'Write', 'a b', false],
  ['XREADGROUP GROUP g c STREAMS a >', 'XREADGROUP', 'Write', 'a', false],
  ['SORT k BY w_* STORE d', 'SORT', 'Write', 'k d', false],
  ['GEORADIUS k 1 2 3 km STORE d', 'GEORADIUS', 'Write', 'k d', false],
  ['ZUNIONSTORE d 2 a b WEIGHTS 1 2', 'ZUNIONSTORE', 'Write', 'd a b', false],
  ['MSETEX 2 a 1 b 2 EX 5', 'MSETEX', 'Write', 'a b', false],
  ['MIGRATE h 1 k 0 500', 'MIGRATE', 'Write', 'k', false],
  ['MIGRATE h 1 "" 0 500 KEYS a b', 'MIGRATE', 'Write', 'a b', false],
  ['BITOP AND d a b', 'BITOP', 'Write', 'd a b', false],
]

for (const [line, name, type, keys, twice] of QUERIES) {
  test(`${line} is ${name}, ${type}, of ${keys || 'no key'}`, () => {
    const frame = request(line)
    const names: string[] = []
    assert.equal(queries.names(frame, names), 1)
    assert.deepEqual(names, [name])
    assert.equal(nameOf(frame.code), name)
    assert.equal(queries.type(frame), type)
    assert.deepEqual(queries.keys(frame), keys === '' ? [] : keys.split(' '))
    assert.equal(queries.idempotent(frame), twice)
    assert.equal(queries.cost(frame), 1)
  })
}

test('keys are strings of bytes', () => {
  assert.deepEqual(queries.keys(request('GET "\\xff\\x00"')), ['\xff\x00'])
})

test('names are those of the table, however many a client makes up', () => {
  assert.equal(nameOf(0), 'unknown')
  assert.equal(nameOf(codeOf('client|id')), 'CLIENT')
  assert.equal(queries.metricType, 'valkey')
})

test('a transaction stands or falls together', () => {
  const steps = ['MULTI', 'SET', 'EXEC', 'DISCARD', 'RESET', 'GET', 'NO.SUCH'].map((word) =>
    queries.group!(request(word)),
  )
  assert.deepEqual(steps, [1, 0, -1, -1, -1, 0, 0])
})
