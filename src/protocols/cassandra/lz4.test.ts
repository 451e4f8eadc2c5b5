import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CorruptError } from './corrupt-error.ts'
import { compressBlock, compressedBytesMax, decompressBlock } from './lz4.ts'

function compressed(bytes: Buffer): Buffer {
  const out = Buffer.alloc(compressedBytesMax(bytes.length))
  return out.subarray(0, compressBlock(bytes, 0, bytes.length, out, 0))
}

function decompressed(block: Buffer, size: number): Buffer {
  const out = Buffer.alloc(size)
  return out.subarray(0, decompressBlock(block, 0, block.length, out))
}

/** Bytes that repeat themselves, as rows do. */
const texts = fc
  .array(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constantFrom('keyspace_name', 'aaaaaaaaaaaaaaaaaaaa', '\0')), {
    maxLength: 60,
  })
  .map((pieces) => Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))))

test('what was compressed decompresses to the same, whole or only its beginning', () => {
  fc.assert(
    fc.property(texts, fc.nat(), (bytes, some) => {
      const block = compressed(bytes)
      assert.ok(block.length <= compressedBytesMax(bytes.length))
      assert.deepEqual(decompressed(block, bytes.length), bytes)
      const beginning = bytes.subarray(0, some % (bytes.length + 1))
      assert.deepEqual(decompressed(block, beginning.length), beginning)
    }),
  )
})

test('a block of the reference implementation decompresses', () => {
  const block = Buffer.from('3f616263030008a030313233343536373839', 'hex')
  assert.equal(decompressed(block, 40).toString(), `${'abc'.repeat(10)}0123456789`)
})

test('long runs, and what lies further back than an offset reaches, survive', () => {
  const far = Buffer.concat([
    Buffer.from('needle in a haystack'),
    Buffer.alloc(70_000, 'x'),
    Buffer.from('needle in a haystack'),
  ])
  for (const bytes of [Buffer.alloc(131_071), far, Buffer.alloc(13, 'ab'), Buffer.alloc(0)])
    assert.deepEqual(decompressed(compressed(bytes), bytes.length), bytes)
  assert.ok(compressed(Buffer.alloc(131_071)).length < 600)
})

test('random bytes decompress to something or are refused, and nothing outside is read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(2000), (bytes, size) => {
      try {
        decompressed(Buffer.from(bytes), size)
      } catch (error) {
        assert.ok(error instanceof CorruptError)
      }
    }),
  )
})
