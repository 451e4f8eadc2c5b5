import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_LAST, Frame } from './frame.ts'
import { PARTS_HIGH_BYTES, PARTS_LOW_BYTES, Parts } from './parts.ts'

function part(size: number, fill: string, last = false): Frame {
  const frame = new Frame(Buffer.alloc(size, fill), 0, size, 0, 0, true)
  frame.flags = last ? FRAME_LAST : 0
  return frame
}

test('parts come out in order, owned, and the last one ends the pipe', () => {
  const parts = new Parts()
  let told = 0
  parts.onPart = () => told++
  const lent = part(4, 'a')
  const { bytes } = lent
  assert.equal(parts.push(lent), true)
  bytes.fill('z')
  assert.equal(parts.ended, false)
  parts.push(part(3, 'b', true))
  assert.equal(parts.ended, true)
  assert.equal(parts.bytes, 7)
  assert.equal(told, 2)
  assert.equal(parts.shift()!.toBuffer().toString(), 'aaaa')
  assert.equal(parts.shift()!.toBuffer().toString(), 'bbb')
  assert.equal(parts.shift(), null)
  assert.equal(parts.bytes, 0)
  assert.equal(parts.empty, true)
})

test('above the high mark push says stop, and goes on saying so until the low mark', () => {
  const parts = new Parts()
  let drains = 0
  parts.onDrain = () => drains++
  const size = PARTS_HIGH_BYTES / 4
  for (let i = 0; i < 4; i++) assert.equal(parts.push(part(size, 'a')), true, 'up to the mark')
  assert.equal(parts.push(part(1, 'b')), false, 'over the mark')
  parts.shift()
  assert.equal(parts.push(part(1, 'c')), false, 'between the marks it still says stop')
  assert.equal(drains, 0)
  while (parts.bytes > PARTS_LOW_BYTES) {
    assert.equal(drains, 0, `${parts.bytes} bytes still wait`)
    parts.shift()
  }
  assert.equal(drains, 1)
  for (let left = parts.shift(); left !== null; left = parts.shift());
  assert.equal(drains, 1, 'told once')
  assert.equal(parts.push(part(1, 'd')), true)
})

test('a consumer that takes at once gets parts borrowed, and none of them waits', () => {
  const parts = new Parts()
  const taken: string[] = []
  parts.take = (frame) => {
    assert.equal(frame.borrowed, true)
    taken.push(frame.toBuffer().toString())
    return true
  }
  parts.push(part(2, 'a'))
  parts.push(part(2, 'b', true))
  assert.deepEqual(taken, ['aa', 'bb'])
  assert.equal(parts.empty, true)
  assert.equal(parts.ended, true)
})

test('a consumer that refuses one is not offered the next before it has shifted what waits', () => {
  const parts = new Parts()
  const taken: string[] = []
  let ready = false
  parts.take = (frame) => {
    if (ready) taken.push(frame.toBuffer().toString())
    return ready
  }
  parts.push(part(1, 'a'))
  ready = true
  parts.push(part(1, 'b'))
  assert.equal(taken.length, 0, 'b must not overtake a')
  taken.push(parts.shift()!.toBuffer().toString(), parts.shift()!.toBuffer().toString())
  parts.push(part(1, 'c'))
  assert.deepEqual(taken, ['a', 'b', 'c'])
})

test('an abort drops what waits, tells the consumer once, and lets a stopped producer go on into nothing', () => {
  const parts = new Parts()
  let told = 0
  let drains = 0
  parts.push(part(PARTS_HIGH_BYTES + 1, 'a'))
  parts.onPart = () => told++
  parts.onDrain = () => drains++
  const error = new Error('the client left')
  parts.abort(error)
  parts.abort(new Error('again'))
  assert.equal(parts.error, error)
  assert.equal(told, 1)
  assert.equal(drains, 1)
  assert.equal(parts.bytes, 0)
  assert.equal(parts.shift(), null)
  assert.equal(parts.push(part(PARTS_HIGH_BYTES + 1, 'b')), true)
  assert.equal(parts.bytes, 0, 'nothing is kept after an abort')
})

test('a producer that goes on in onDrain finds the pipe open', () => {
  const parts = new Parts()
  parts.push(part(PARTS_HIGH_BYTES + 1, 'a'))
  parts.onDrain = () => assert.equal(parts.push(part(10, 'b', true)), true)
  assert.equal(parts.shift()!.size, PARTS_HIGH_BYTES + 1)
  assert.equal(parts.shift()!.toBuffer().toString(), 'b'.repeat(10))
  assert.equal(parts.shift(), null)
})
