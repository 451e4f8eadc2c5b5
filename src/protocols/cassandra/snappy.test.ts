import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CorruptError } from './corrupt-error.ts'
import { decompressSnappy, snappyLength } from './snappy.ts'

function decompressed(block: Buffer, max = 1 << 20): Buffer {
  const { length, at } = snappyLength(block, 0, block.length)
  const out = Buffer.alloc(Math.min(length, max))
  return out.subarray(0, decompressSnappy(block, at, block.length, out))
}

/** Blocks by the elements that they are made of, and what they stand for. */
const BLOCKS: readonly (readonly [name: string, hex: string, text: string])[] = [
  ['nothing', '00', ''],
  ['a literal', '0508' + '616263' + '0461' + '62'.slice(0, 2), 'abcab'],
  ['a copy with a one-byte offset', '0908' + '616263' + '0903', 'abcabcabc'],
  ['a copy with a two-byte offset', '0908' + '616263' + '160300', 'abcabcabc'],
  ['a copy with a four-byte offset', '0908' + '616263' + '1703000000', 'abcabcabc'],
  ['a copy that overlaps itself', '0800' + '61' + '0d01', 'aaaaaaaa'],
  ['a literal with a length of one byte', '40f03f' + '61'.repeat(64), 'a'.repeat(64)],
  ['a literal with a length of two bytes', '40f43f00' + '61'.repeat(64), 'a'.repeat(64)],
]

for (const [name, hex, text] of BLOCKS) {
  test(`${name} decompresses, whole or only its beginning`, () => {
    const block = Buffer.from(hex, 'hex')
    assert.equal(decompressed(block).toString(), text)
    for (let size = 0; size <= text.length; size++)
      assert.equal(decompressed(block, size).toString(), text.slice(0, size))
  })
}

test('random bytes decompress to something or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        decompressed(Buffer.from(bytes), 10_000)
      } catch (error) {
        assert.ok(error instanceof CorruptError)
      }
    }),
  )
})
