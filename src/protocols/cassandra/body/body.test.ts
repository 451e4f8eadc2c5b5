import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { query } from '../../../../test/cassandra.ts'
import { Frame } from '../../../core/frame.ts'
import { CorruptError } from '../corrupt-error.ts'
import { frameAt, requestFrame, responseFrame } from '../envelope.ts'
import { EVENT, RESULT } from '../opcodes.ts'
import { bodyOf, encodeBody, plain, type Body } from './body.ts'
import { NO_PARAMETERS, UNSET, type Request } from './requests.ts'
import type { Response } from './responses.ts'

const some = Buffer.from('some bytes')
const column = { keyspace: 'ks', table: 't', name: 'v', type: { type: 'text' } as const }
const metadata = { isGlobal: true, pagingState: null, newId: null, columns: [column], columnCount: 1 }

/** Messages, and from which version on they can be said. */
const MESSAGES: readonly (readonly [since: number, message: Request | Response])[] = [
  [3, { type: 'startup', options: new Map([['CQL_VERSION', '3.0.0']]) }],
  [3, { type: 'auth-response', token: some }],
  [3, { type: 'options' }],
  [3, { type: 'register', events: ['STATUS_CHANGE', 'SCHEMA_CHANGE'] }],
  [3, { type: 'query', text: 'SELECT ж', parameters: NO_PARAMETERS }],
  [3, { type: 'query', text: '', parameters: { ...NO_PARAMETERS, values: [some, null, UNSET], pageSize: 100, pagingState: some, serialConsistency: 8, timestamp: -5n, skipsMetadata: true } }], // prettier-ignore
  [3, { type: 'query', text: 'x', parameters: { ...NO_PARAMETERS, values: new Map([['a', some], ['b', null]]) } }], // prettier-ignore
  [5, { type: 'query', text: 'x', parameters: { ...NO_PARAMETERS, keyspace: 'ks', nowInSeconds: 7 } }],
  [3, { type: 'prepare', text: 'SELECT', keyspace: null }],
  [5, { type: 'prepare', text: 'SELECT', keyspace: 'ks' }],
  [3, { type: 'execute', id: some, metadataId: null, parameters: NO_PARAMETERS }],
  [5, { type: 'execute', id: some, metadataId: some, parameters: NO_PARAMETERS }],
  [3, { type: 'batch', kind: 1, statements: [{ statement: 'INSERT', values: [some] }, { statement: some, values: [null, UNSET] }], parameters: { ...NO_PARAMETERS, timestamp: 1n } }], // prettier-ignore
  [3, { type: 'error', code: 0x1000, message: 'no', rest: some }],
  [3, { type: 'ready' }],
  [3, { type: 'authenticate', authenticator: 'org.example' }],
  [3, { type: 'supported', options: new Map([['COMPRESSION', ['snappy', 'lz4']]]) }],
  [3, { type: 'void' }],
  [3, { type: 'rows', metadata, rows: [[some], [null]] }],
  [3, { type: 'rows', metadata: { ...metadata, isGlobal: false, pagingState: some }, rows: [] }],
  [
    3,
    { type: 'rows', metadata: { ...metadata, isGlobal: false, columns: null, columnCount: 2 }, rows: [[null, some]] },
  ],
  [5, { type: 'rows', metadata: { ...metadata, newId: some }, rows: [] }],
  [3, { type: 'set-keyspace', keyspace: 'ks' }],
  [3, { type: 'prepared', id: some, metadataId: null, bound: metadata, keyIndices: [], result: metadata }],
  [4, { type: 'prepared', id: some, metadataId: null, bound: metadata, keyIndices: [1, 0], result: metadata }],
  [5, { type: 'prepared', id: some, metadataId: some, bound: metadata, keyIndices: [0], result: metadata }],
  [3, { type: 'schema-change', change: 'CREATED', target: 'KEYSPACE', keyspace: 'ks', name: null, argumentTypes: null }], // prettier-ignore
  [3, { type: 'schema-change', change: 'DROPPED', target: 'TABLE', keyspace: 'ks', name: 't', argumentTypes: null }],
  [3, { type: 'schema-change', change: 'UPDATED', target: 'FUNCTION', keyspace: 'ks', name: 'f', argumentTypes: ['int'] }], // prettier-ignore
  [3, { type: 'event', event: 'STATUS_CHANGE', rest: some }],
  [3, { type: 'auth-challenge', token: null }],
  [3, { type: 'auth-success', token: some }],
]

/** The frame as it would be read. */
function reread(frame: Frame): Frame {
  const bytes = Buffer.from(frame.toBuffer())
  return frameAt(bytes, 0, bytes.length, true)
}

for (const [since, message] of MESSAGES) {
  for (const version of [3, 4, 5].filter((each) => each >= since)) {
    // Version 5 has an id here, and version 4 the key.
    if (message.type === 'execute' && version === 5 && message.metadataId === null) continue
    if (message.type === 'prepared' && version === 5 && message.metadataId === null) continue
    test(`version ${version}: ${message.type} is the same once it was encoded`, () => {
      const isRequest = encodeBody(plain(version, message), 0).bytes[0]! < 0x80
      const bodies: Body[] = [
        plain(version, message),
        { version, message, tracing: isRequest ? true : Buffer.alloc(16, 7), warnings: isRequest ? null : ['slow'], payload: new Map([['k', some]]) }, // prettier-ignore
      ]
      for (const body of bodies) {
        const frame = reread(encodeBody(body, 77))
        assert.equal(frame.stream, 77)
        assert.deepEqual(bodyOf(frame), body)
        assert.equal(bodyOf(frame), bodyOf(frame), 'it is decoded once')
      }
    })
  }
}

test('a message that is cut off anywhere is refused, or is one with less at its end', () => {
  for (const [since, message] of MESSAGES) {
    const frame = reread(encodeBody(plain(Math.max(4, since), message), 1))
    for (let end = 9; end < frame.end; end++) {
      const cut = new Frame(frame.bytes, 0, end, frame.kind, frame.code, false)
      try {
        bodyOf(cut)
      } catch (error) {
        assert.ok(error instanceof CorruptError, String(error))
      }
    }
  }
})

test('any bytes are a message or are refused', () => {
  const opcodes = fc.integer({ min: 0, max: 0x11 })
  fc.assert(
    fc.property(
      opcodes,
      fc.boolean(),
      fc.integer({ min: 3, max: 5 }),
      fc.uint8Array({ maxLength: 60 }),
      (opcode, asks, version, bytes) => {
        const make = asks ? requestFrame : responseFrame
        try {
          bodyOf(make(version, 0, opcode, Buffer.from(bytes), bytes[0] ?? 0))
        } catch (error) {
          assert.ok(error instanceof CorruptError, String(error))
        }
      },
    ),
  )
})

test('rows and columns that could not stand in a reply are refused before anything is allocated', () => {
  const huge = Buffer.from('00000002' + '00000004' + '00000001' + '7fffffff', 'hex')
  assert.throws(() => bodyOf(responseFrame(4, 0, RESULT, huge)), CorruptError)
  const columns = Buffer.from('00000002' + '00000001' + '7fffffff' + '00000000', 'hex')
  assert.throws(() => bodyOf(responseFrame(4, 0, RESULT, columns)), CorruptError)
})

test('what a driver sends is read', () => {
  const { message } = bodyOf(reread(query(5, 'SELECT 1')))
  assert.deepEqual(message, { type: 'query', text: 'SELECT 1', parameters: NO_PARAMETERS })
  assert.equal(bodyOf(responseFrame(4, -1, EVENT, Buffer.from([0, 1, 0x61]))).message.type, 'event')
})

test('what would become very large where it is decoded is refused', () => {
  const rows = (count: number, columnCount: number): Frame => {
    const body = Buffer.alloc(12 + 4 + count * columnCount * 4, 255)
    ;[2, 4, columnCount, count].forEach((value, i) => body.writeInt32BE(value, i * 4))
    return responseFrame(4, 0, RESULT, body)
  }
  const decoded = bodyOf(rows(1000, 3)).message
  assert.equal(decoded.type === 'rows' && decoded.rows.length, 1000)
  assert.throws(() => bodyOf(rows(1024 * 1024 + 1, 1)), CorruptError)
  assert.throws(() => bodyOf(rows(0, 65_536)), CorruptError)
})
