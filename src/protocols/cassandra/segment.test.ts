import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { ProtocolError } from '../../core/protocol.ts'
import { headerChecksum, payloadChecksum } from './checksum.ts'
import { Cutter } from './cutter.ts'
import { Payload, PAYLOAD_BYTES_MAX, SegmentFormat } from './segment.ts'

/** What outer frames carry, and how long the payload of each is. */
function opened(format: SegmentFormat, bytes: Buffer): { carried: Buffer; lengths: number[] } {
  const cutter = new Cutter(format, Infinity)
  const payload = new Payload()
  const pieces: Buffer[] = []
  cutter.push(bytes, 0, bytes.length)
  while (cutter.next()) {
    format.open(cutter.bytes, cutter.start, cutter.end, payload)
    pieces.push(Buffer.from(payload.bytes.subarray(payload.start, payload.end)))
  }
  assert.equal(cutter.pending, 0)
  return { carried: Buffer.concat(pieces), lengths: pieces.map(({ length }) => length) }
}

test('an OPTIONS is wrapped as Cassandra 4.1 takes it', () => {
  const options = Buffer.from('050000000500000000', 'hex')
  const wrapped = new SegmentFormat(false).wrap(options, 0, options.length, true)
  assert.equal(wrapped.toString('hex'), '090002a4c8c10500000005000000001086284d')
})

test('payloads of any length have the CRC32 that zlib gives them behind the four bytes of the specification', () => {
  const bytes = Buffer.from(Array.from({ length: 700 }, (_, i) => (i * 7919) >> 3))
  const first = Buffer.from('fa2d55ca', 'hex')
  for (let length = 0; length < 600; length++) {
    const start = length % 13
    const expected = crc32(Buffer.concat([first, bytes.subarray(start, start + length)]))
    assert.equal(payloadChecksum(bytes, start, start + length), expected, `${length} bytes`)
  }
})

for (const lz4 of [false, true]) {
  const format = new SegmentFormat(lz4)
  const name = lz4 ? 'with LZ4' : 'plain'

  test(`${name}: what is wrapped is what is carried`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 20 }), (piece, times) => {
        const bytes = Buffer.concat(Array.from({ length: times }, () => piece))
        assert.deepEqual(opened(format, format.wrap(bytes, 0, bytes.length, true)).carried, bytes)
      }),
    )
  })

  test(`${name}: what is larger than one outer frame may be comes in several that are not self-contained`, () => {
    const selfContained = (bytes: Buffer) => (bytes[lz4 ? 4 : 2]! & (lz4 ? 4 : 2)) !== 0
    for (const [size, lengths] of [
      [0, [0]],
      [PAYLOAD_BYTES_MAX, [PAYLOAD_BYTES_MAX]],
      [PAYLOAD_BYTES_MAX + 1, [PAYLOAD_BYTES_MAX, 1]],
      [300_000, [PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX, 300_000 - 2 * PAYLOAD_BYTES_MAX]],
    ] as const) {
      const bytes = Buffer.from(Array.from({ length: size }, (_, i) => (i * i) >> 3))
      const wrapped = format.wrap(bytes, 0, size, true)
      assert.deepEqual(opened(format, wrapped), { carried: bytes, lengths: [...lengths] })
      assert.equal(selfContained(wrapped), lengths.length === 1)
      assert.equal(selfContained(format.wrap(bytes, 0, size, false)), false)
    }
  })

  test(`${name}: any byte that was changed is noticed`, () => {
    const bytes = Buffer.from('a row, a row, a row, a row'.repeat(10))
    const wrapped = format.wrap(bytes, 0, bytes.length, true)
    for (let at = 0; at < wrapped.length; at++) {
      const damaged = Buffer.from(wrapped)
      damaged[at]! ^= 0x10
      assert.throws(() => opened(format, damaged), ProtocolError, `byte ${at}`)
    }
  })
}

test('a payload that becomes less than its header says is refused', () => {
  const format = new SegmentFormat(true)
  const bytes = Buffer.alloc(200, 'ab')
  const wrapped = format.wrap(bytes, 0, bytes.length, true)
  assert.equal(opened(format, wrapped).carried.length, 200)
  wrapped.writeUInt16LE(wrapped.readUInt16LE(3) + 1, 3)
  wrapped.writeUIntLE(headerChecksum(wrapped, 0, 5), 5, 3)
  assert.throws(() => opened(format, wrapped), /can not be decompressed/)
})
