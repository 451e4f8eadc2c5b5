import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressedRequest, int, query, string } from '../../../test/cassandra.ts'
import { FRAME_HEAD, type Frame } from '../../core/frame.ts'
import { COMPRESSION_LZ4, COMPRESSION_SNAPPY } from './compression.ts'
import { requestFrame, responseFrame } from './envelope.ts'
import { failureOf } from './failure.ts'
import {
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  BATCH,
  ERROR,
  EXECUTE,
  OPTIONS,
  PREPARE,
  REGISTER,
  RESULT,
  STARTUP,
} from './opcodes.ts'
import { PreparedStatements } from './prepared.ts'
import { queriesOf } from './queries.ts'

const longString = (text: string) => Buffer.concat([int(Buffer.byteLength(text)), Buffer.from(text)])
const short = (value: number) => Buffer.from([value >> 8, value & 0xff])
const PARAMETERS = Buffer.from([0, 1, 0])

const prepared = new PreparedStatements()
const queries = queriesOf(prepared)

/** PREPARE of `text`, answered with `id`. */
function prepare(text: string, id: string, registry = prepared): void {
  const answer = Buffer.concat([int(4), string(id), Buffer.alloc(20)])
  registry.learn(requestFrame(4, 1, PREPARE, longString(text)), responseFrame(4, 1, RESULT, answer))
}
prepare('SELECT v FROM t WHERE k = ?', 'read')
prepare('INSERT INTO t (k) VALUES (?)', 'write')

const execute = (id: string) => requestFrame(4, 2, EXECUTE, Buffer.concat([string(id), PARAMETERS]))

function batch(...statements: Buffer[]): Frame {
  const value = Buffer.concat([int(3), Buffer.from('abc')])
  const each = statements.map((statement) => Buffer.concat([statement, short(2), value, int(-1)]))
  return requestFrame(4, 3, BATCH, Buffer.concat([Buffer.from([0]), short(each.length), ...each, PARAMETERS]))
}
const asText = (text: string) => Buffer.concat([Buffer.from([0]), longString(text)])
const asId = (id: string) => Buffer.concat([Buffer.from([1]), string(id)])

function withPayload(frame: Frame): Frame {
  const payload = Buffer.concat([short(1), string('key'), int(2), Buffer.from('id')])
  return requestFrame(4, frame.stream, frame.kind, Buffer.concat([payload, frame.toBuffer().subarray(9)]), 4)
}

const MIXED = batch(
  asText("INSERT INTO t (k) VALUES ('x')"),
  asId('write'),
  asText('DELETE FROM t WHERE k = ?'),
  asId('nobody'),
)

/** A request, its names, its type, its cost, and whether it may be repeated. */
const REQUESTS: readonly (readonly [what: string, Frame, string[], string, number, boolean])[] = [
  ['a SELECT', query(4, 'select * from t'), ['SELECT'], 'Read', 1, true],
  ['a SELECT of version 5', query(5, 'SELECT * FROM t'), ['SELECT'], 'Read', 1, true],
  [
    'a compressed SELECT',
    compressedRequest(query(4, 'SELECT * FROM t WHERE k = 1'.padEnd(200)), COMPRESSION_LZ4),
    ['SELECT'],
    'Read',
    1,
    true,
  ],
  ['a SELECT with a payload', withPayload(query(4, 'SELECT 1')), ['SELECT'], 'Read', 1, true],
  ['an INSERT', query(4, 'INSERT INTO t (k) VALUES (1)'), ['INSERT'], 'Write', 1, false],
  ['a CREATE', query(4, 'CREATE TABLE t (k int PRIMARY KEY)'), ['CREATE TABLE'], 'SchemaChange', 1, false],
  ['no CQL', query(4, 'HELLO'), ['UNRECOGNIZED CQL'], 'Read', 1, false],
  ['a batch as text', query(4, 'BEGIN BATCH DELETE FROM t WHERE k = 1; UPDATE t SET v = 1 WHERE k = 2 APPLY BATCH'), ['DELETE', 'UPDATE'], 'Write', 1, false], // prettier-ignore
  ['an EXECUTE of a read', execute('read'), ['SELECT'], 'Read', 1, true],
  ['an EXECUTE of a write', execute('write'), ['INSERT'], 'Write', 1, false],
  ['a compressed EXECUTE', compressedRequest(execute('write'), COMPRESSION_LZ4), ['INSERT'], 'Write', 1, false],
  ['an EXECUTE of what nobody prepared here', execute('nobody'), ['UNRECOGNIZED CQL'], 'Write', 1, false],
  ['a BATCH', MIXED, ['INSERT', 'INSERT', 'DELETE', 'UNRECOGNIZED CQL'], 'Write', 4, false],
  ['an empty BATCH', batch(), [], 'Write', 1, false],
  [
    'a compressed BATCH',
    compressedRequest(MIXED, COMPRESSION_LZ4),
    ['INSERT', 'INSERT', 'DELETE', 'UNRECOGNIZED CQL'],
    'Write',
    4,
    false,
  ],
  ['a PREPARE', requestFrame(4, 0, PREPARE, longString('INSERT INTO t (k) VALUES (?)')), [], 'Read', 1, true],
  ['an OPTIONS', requestFrame(4, 0, OPTIONS, Buffer.alloc(0)), [], 'Read', 1, true],
  ['a STARTUP', requestFrame(4, 0, STARTUP, Buffer.alloc(2)), [], 'Read', 1, false],
  ['a REGISTER', requestFrame(4, 0, REGISTER, Buffer.alloc(2)), [], 'Read', 1, false],
  ['a QUERY without a body', requestFrame(4, 0, 7, Buffer.alloc(0)), ['UNRECOGNIZED CQL'], 'Read', 1, false],
  [
    'a BATCH that is cut off',
    requestFrame(4, 0, BATCH, Buffer.from([0, 0, 9])),
    ['UNRECOGNIZED CQL'],
    'Write',
    9,
    false,
  ],
]

for (const [what, frame, names, type, cost, idempotent] of REQUESTS) {
  test(`${what}: names, type, cost, and whether it may be repeated`, () => {
    const into: string[] = []
    assert.equal(queries.names(frame, into), names.length)
    assert.deepEqual(into, names)
    assert.equal(queries.type(frame), type)
    assert.equal(queries.cost(frame), cost)
    assert.equal(queries.idempotent(frame), idempotent)
    assert.match(queries.name(frame), /^[A-Z ]+$/)
  })
}

test('of the head of a large request what has come is told', () => {
  const large = batch(asText('INSERT INTO t (k) VALUES (1)'), asText('DELETE FROM t WHERE k = 2'.padEnd(1000)))
  large.end -= 500
  large.flags = FRAME_HEAD
  const into: string[] = []
  assert.equal(queries.names(large, into), 2)
  assert.deepEqual(into, ['INSERT', 'DELETE'])
})

test('what is compressed in a way that its connection does not speak is no statement', () => {
  const frame = compressedRequest(query(4, 'SELECT * FROM t'), COMPRESSION_LZ4)
  frame.code ^= COMPRESSION_LZ4 | COMPRESSION_SNAPPY
  assert.equal(queries.idempotent(frame), false)
})

test('an id that stands for two statements stands for none', () => {
  const registry = new PreparedStatements()
  prepare('SELECT v FROM t', 'twice', registry)
  prepare('SELECT v FROM t', 'twice', registry)
  assert.equal(queriesOf(registry).type(execute('twice')), 'Read')
  prepare('DELETE FROM t WHERE k = 1', 'twice', registry)
  prepare('SELECT v FROM t', 'twice', registry)
  assert.equal(queriesOf(registry).type(execute('twice')), 'Write')
  assert.equal(queriesOf(registry).name(execute('twice')), 'UNRECOGNIZED CQL')
})

test('ids that begin alike are told apart, in whatever order they are asked for', () => {
  const registry = new PreparedStatements()
  const of = queriesOf(registry)
  const types = () => ['same-1', 'same-2', 'same-', 'sa', 's'].map((id) => of.type(execute(id)))
  assert.deepEqual(types(), ['Write', 'Write', 'Write', 'Write', 'Write'])
  prepare('SELECT v FROM t', 'same-1', registry)
  prepare('CREATE TABLE t (k int PRIMARY KEY)', 'same-2', registry)
  prepare('SELECT v FROM t', 's', registry)
  for (let round = 0; round < 3; round++) assert.deepEqual(types(), ['Read', 'SchemaChange', 'Write', 'Write', 'Read'])
})

test('an EXECUTE that is refused because nobody saw it prepared is to be prepared again', () => {
  const failure = failureOf(prepared)
  const codeOf = (frame: Frame) => {
    assert.equal(frame.kind, ERROR)
    return frame.toBuffer().readInt32BE(9)
  }
  const unprepared = failure(execute('nobody'), 'rejected', 'no')
  assert.equal(codeOf(unprepared), 0x2500)
  assert.equal(unprepared.stream, 2)
  assert.deepEqual(unprepared.toBuffer().subarray(-8), string('nobody'))
  assert.equal(codeOf(failure(execute('write'), 'rejected', 'no')), 0x2200)
  assert.equal(codeOf(failure(execute('nobody'), 'overloaded', 'no')), 0x1001)
  assert.equal(codeOf(failure(query(3, 'x'), 'internal', 'no')), 0)
  assert.equal(
    failure(query(3, 'x', 7), 'internal', 'no')
      .toBuffer()
      .readInt16BE(2),
    7,
  )
  assert.equal(failure(query(3, 'x', 7), 'internal', 'no').toBuffer()[0], 0x83)
})

test('the user whom a password has let in is known', () => {
  const token = Buffer.from('\0user\0secret')
  const asked = requestFrame(4, 0, AUTH_RESPONSE, Buffer.concat([int(token.length), token]))
  assert.equal(queries.login!(asked, responseFrame(4, 0, AUTH_SUCCESS, int(-1))), 'user')
  assert.equal(queries.login!(asked, responseFrame(4, 0, ERROR, int(0x0100))), null)
  assert.equal(queries.login!(query(4, 'x'), responseFrame(4, 0, AUTH_SUCCESS, int(-1))), null)
})
