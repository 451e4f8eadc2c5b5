import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lz4Body } from '../../../test/cassandra.ts'
import { FRAME_HEAD } from '../../core/frame.ts'
import { COMPRESSION_LZ4, COMPRESSION_SNAPPY, compressionNamed, plainBody } from './compression.ts'
import { CorruptError } from './corrupt-error.ts'
import { requestFrame } from './envelope.ts'
import { QUERY } from './opcodes.ts'

function compressedFrame(body: Buffer, compression: number) {
  const frame = requestFrame(4, 0, QUERY, body, 1)
  frame.code |= compression
  return frame
}

test('in version 5 the flag of a body says nothing', () => {
  const frame = requestFrame(5, 0, QUERY, Buffer.from('SELECT'), 1)
  frame.code |= COMPRESSION_LZ4
  assert.equal(plainBody(frame, Infinity).toString(), 'SELECT')
})

test('a body is told as it was, whole or only its beginning', () => {
  const text = Buffer.from('SELECT a long enough statement '.repeat(100))
  assert.deepEqual(plainBody(compressedFrame(lz4Body(text), COMPRESSION_LZ4), Infinity), text)
  assert.deepEqual(plainBody(compressedFrame(lz4Body(text), COMPRESSION_LZ4), 40), text.subarray(0, 40))
  const snappy = Buffer.from('0908616263160300', 'hex')
  assert.equal(plainBody(compressedFrame(snappy, COMPRESSION_SNAPPY), Infinity).toString(), 'abcabcabc')
  assert.deepEqual(plainBody(requestFrame(4, 0, QUERY, text), 10), text)
  const zeros = Buffer.alloc(1_000_000)
  assert.equal(plainBody(compressedFrame(lz4Body(zeros), COMPRESSION_LZ4), Infinity).length, zeros.length)
})

test('of a head what has come is told, wherever it is torn', () => {
  const text = Buffer.from(Array.from({ length: 3000 }, (_, i) => `${i % 7}${i}`).join(' '))
  const snappy = Buffer.concat([Buffer.from('8008f4ff03', 'hex'), text.subarray(0, 1024)])
  for (const [body, compression] of [
    [lz4Body(text), COMPRESSION_LZ4],
    [snappy, COMPRESSION_SNAPPY],
  ] as const) {
    for (const size of [20, 50, 90, 300, 1000]) {
      const frame = compressedFrame(body, compression)
      frame.end = frame.start + 9 + size
      frame.flags = FRAME_HEAD
      const found = plainBody(frame, Infinity)
      assert.ok(found.length >= size - 10, `${found.length} of ${size}`)
      assert.deepEqual(found, text.subarray(0, found.length))
      assert.deepEqual(plainBody(frame, 8), text.subarray(0, 8))
    }
  }
})

test('what says to be far more than it can become is refused before anything is allocated', () => {
  const bomb = Buffer.concat([Buffer.from('ffffffff', 'hex'), Buffer.alloc(1000)])
  assert.throws(() => plainBody(compressedFrame(bomb, COMPRESSION_LZ4), Infinity), /say to be 4294967295/)
  const snappy = Buffer.concat([Buffer.from('ffffffff0f', 'hex'), Buffer.alloc(1000)])
  assert.throws(() => plainBody(compressedFrame(snappy, COMPRESSION_SNAPPY), Infinity), CorruptError)
})

test('a compressed body where nothing is compressed is refused', () => {
  assert.throws(() => plainBody(compressedFrame(Buffer.alloc(10), 0), 10), CorruptError)
  assert.throws(() => plainBody(compressedFrame(Buffer.alloc(2), COMPRESSION_LZ4), 10), CorruptError)
})

test('names of compressions are taken in any case', () => {
  for (const [name, expected] of [
    ['lz4', COMPRESSION_LZ4],
    ['LZ4', COMPRESSION_LZ4],
    ['Snappy', COMPRESSION_SNAPPY],
    ['none', 0],
    ['', 0],
    [undefined, 0],
  ] as const)
    assert.equal(compressionNamed(name), expected)
})
