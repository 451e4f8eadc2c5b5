import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressedRequest, int, query, string } from '../../../test/cassandra.ts'
import { FRAME_HEAD, type Frame } from '../../core/frame.ts'
import { COMPRESSION_LZ4 } from './compression.ts'
import { errorFrame, frameAt, requestFrame, responseFrame } from './envelope.ts'
import { cassandra } from './index.ts'
import { AUTH_RESPONSE, BATCH, EVENT, EXECUTE, OPTIONS, PREPARE, QUERY, RESULT } from './opcodes.ts'

/** Frames as DebugPrinter and logs tell them. */
const TOLD: readonly (readonly [frame: Frame, text: string])[] = [
  [query(4, 'SELECT 1', 1), 'Cassandra V4 stream:1 Query consistency:ONE with_names:false SELECT 1'],
  [requestFrame(4, 2, OPTIONS, Buffer.alloc(0)), 'Cassandra V4 stream:2 Options'],
  [requestFrame(3, 0, PREPARE, Buffer.concat([int(3), Buffer.from('abc')])), 'Cassandra V3 stream:0 Prepare abc'],
  [requestFrame(4, 0, EXECUTE, Buffer.from('0002cafe000600', 'hex')), 'Cassandra V4 stream:0 Execute consistency:LOCAL_QUORUM with_names:false id:cafe'], // prettier-ignore
  [requestFrame(4, 0, BATCH, Buffer.from('010001010002cafe0000000100', 'hex')), 'Cassandra V4 stream:0 Batch UNLOGGED consistency:ONE with_names:false id:cafe'], // prettier-ignore
  [requestFrame(4, 0, AUTH_RESPONSE, Buffer.concat([int(6), Buffer.from('secret')])), 'Cassandra V4 stream:0 AuthResponse'], // prettier-ignore
  [errorFrame(4, 3, 0x2200, 'no'), 'Cassandra V4 stream:3 Error 0x2200 no'],
  [responseFrame(4, 0, RESULT, Buffer.concat([int(3), string('ks')])), 'Cassandra V4 stream:0 Result SetKeyspace ks'],
  [responseFrame(4, 0, RESULT, int(1)), 'Cassandra V4 stream:0 Result Void'],
  [responseFrame(4, 0, RESULT, Buffer.concat([Buffer.from([0, 1]), string('slow'), int(1)]), 8), 'Cassandra V4 stream:0 Result Void warnings:["slow"]'], // prettier-ignore
  [responseFrame(4, -1, EVENT, string('STATUS_CHANGE')), 'Cassandra V4 stream:-1 Event STATUS_CHANGE'],
  [requestFrame(4, 0, QUERY, Buffer.from([1])), 'Cassandra V4 stream:0 Query, unparseable: the body ends before what it announces (4 bytes)'], // prettier-ignore
  [requestFrame(4, 0, 0x7f, Buffer.alloc(0)), 'Cassandra V4 stream:0 Opcode 127, unparseable: no request has the opcode 127'], // prettier-ignore
]

for (const [frame, text] of TOLD) test(text, () => assert.equal(cassandra.describe(frame), text))

test('of a large message the beginning is told', () => {
  const head = query(4, 'x'.repeat(100), 5)
  head.end -= 50
  head.flags = FRAME_HEAD
  assert.equal(cassandra.describe(head), 'Cassandra V4 stream:5 Query, the beginning of 116 bytes')
})

for (const text of ['', 'SELECT a longer statement than it was before FROM t']) {
  for (const [name, frame] of [
    ['a QUERY', query(4, 'SELECT v FROM t', 7)],
    ['a compressed QUERY', compressedRequest(query(4, 'SELECT v FROM t', 7), COMPRESSION_LZ4)],
  ] as const) {
    test(`the text of ${name} can become ${JSON.stringify(text)}`, () => {
      cassandra.splice(frame, 0, Buffer.from(text))
      const bytes = frame.toBuffer()
      assert.equal(bytes.length, frame.size)
      const read = frameAt(bytes, 0, bytes.length, false)
      assert.equal(bytes.readInt32BE(5), bytes.length - 9)
      assert.deepEqual(cassandra.body(read), cassandra.body(query(4, text, 7)))
      assert.equal(read.stream, 7)
    })
  }
}

test('nothing else can be replaced in place', () => {
  assert.throws(() => cassandra.splice(requestFrame(4, 0, OPTIONS, Buffer.alloc(0)), 0, Buffer.alloc(0)), TypeError)
  assert.throws(() => cassandra.splice(query(4, 'a'), 1, Buffer.alloc(0)), TypeError)
})

test('a frame gets another stream without the bytes of another', () => {
  const frame = query(4, 'a', 1)
  const { bytes } = frame
  cassandra.retag(frame, 9)
  assert.equal(frame.stream, 9)
  assert.equal(frame.toBuffer().readInt16BE(2), 9)
  assert.equal(bytes.readInt16BE(2), 1)
})
