import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cutter, HEAD_BYTES, type Format } from './cutter.ts'

/** `length (16 bits), bytes`. */
const format: Format = { headerBytes: 2, size: (bytes, at) => 2 + bytes.readUInt16BE(at) }

function message(text: string): Buffer {
  const bytes = Buffer.from(text)
  const header = Buffer.alloc(2)
  header.writeUInt16BE(bytes.length)
  return Buffer.concat([header, bytes])
}

test('messages are the same however their bytes come, and whenever what is left is kept', () => {
  const texts = fc.array(fc.string({ maxLength: 30 }), { maxLength: 20 })
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 })
  const stops = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(texts, sizes, stops, (sent, chunks, quanta) => {
      const all = Buffer.concat(sent.map(message))
      const cutter = new Cutter(format, 1000)
      const found: string[] = []
      const text = () => cutter.bytes.toString('utf8', cutter.start + 2, cutter.end)
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const size = chunks[turn % chunks.length]!
        const lent = Buffer.from(all.subarray(at, at + size))
        cutter.push(lent, 0, lent.length)
        // A quantum: some of what is there is cut, the rest is kept and more comes.
        for (let left = quanta[turn % quanta.length]!; left > 0 && cutter.next(); left--) found.push(text())
        cutter.keep()
        lent.fill(0xee)
        at += size
      }
      while (cutter.next()) found.push(text())
      assert.deepEqual(found, sent)
      assert.equal(cutter.pending, 0)
    }),
  )
})

test('what is too large to be put together is announced, and taken as it comes', () => {
  const cutter = new Cutter(format, 10)
  const large = message('0123456789')
  cutter.push(large, 0, 1)
  assert.equal(cutter.next(), false)
  assert.equal(cutter.announced, 0)
  cutter.keep()
  cutter.push(large, 1, 5)
  assert.equal(cutter.next(), false)
  assert.equal(cutter.announced, 12)
  const pieces: string[] = []
  while (cutter.take(cutter.announced)) pieces.push(cutter.bytes.toString('latin1', cutter.start, cutter.end))
  assert.equal(pieces.join(''), large.toString('latin1', 0, 5))
})

test('what is too large begins with enough to tell what it is about, however it comes', () => {
  const large = message('0123456789'.repeat(20))
  for (let torn = 1; torn < HEAD_BYTES; torn++) {
    const cutter = new Cutter(format, 100)
    cutter.push(large, 0, torn)
    assert.equal(cutter.next(), false)
    assert.ok(cutter.piece < HEAD_BYTES)
    cutter.keep()
    cutter.push(large, torn, large.length - 1)
    assert.equal(cutter.next(), false)
    assert.ok(cutter.piece >= HEAD_BYTES, `${cutter.piece} of what was torn behind ${torn}`)
  }
})
