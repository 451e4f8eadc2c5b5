import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_HEAD, FRAME_LAST, Frame, type Edit } from './frame.ts'

function borrowed(text: string, around = '..'): Frame {
  const bytes = Buffer.from(around + text + around)
  return new Frame(bytes, around.length, around.length + text.length, 1, 2, true)
}

test('a borrowed frame that was owned no longer sees what the lender writes', () => {
  const frame = borrowed('hello')
  const lent = frame.bytes
  assert.equal(frame.own(), frame)
  lent.fill(0xee)
  assert.equal(frame.toBuffer().toString(), 'hello')
  assert.equal(frame.borrowed, false)
  const { bytes } = frame
  frame.own()
  assert.equal(frame.bytes, bytes, 'owning twice copies once')
})

test('a frame that is owned already is not copied', () => {
  const bytes = Buffer.from('hello')
  const frame = new Frame(bytes, 1, 4, 0, 0, false)
  assert.equal(frame.own().bytes, bytes)
  assert.equal(frame.toBuffer().toString(), 'ell')
})

const edited: [edits: [start: number, end: number, bytes: string][], text: string][] = [
  [[], '0123456789'],
  [[[0, 0, 'x']], 'x0123456789'],
  [[[10, 10, 'x']], '0123456789x'],
  [[[2, 4, '']], '01456789'],
  [[[0, 10, 'all new']], 'all new'],
  [
    [
      [1, 2, 'LONGER'],
      [2, 3, ''],
      [8, 10, '!'],
    ],
    '0LONGER34567!',
  ],
]

for (const [edits, text] of edited) {
  test(`edits ${JSON.stringify(edits)} leave as ${text}, before and after the frame was owned`, () => {
    const frame = borrowed('0123456789')
    frame.edits =
      edits.length === 0 ? null : edits.map(([start, end, bytes]): Edit => ({ start, end, bytes: Buffer.from(bytes) }))
    assert.equal(frame.toBuffer().toString(), text)
    assert.equal(frame.size, text.length)
    frame.own()
    assert.equal(frame.toBuffer().toString(), text)
    assert.equal(frame.size, text.length)
  })
}

test('only a frame that starts and ends its message is whole', () => {
  const frame = borrowed('x')
  assert.equal(frame.whole, true)
  for (const flags of [0, FRAME_HEAD, FRAME_LAST]) {
    frame.flags = flags
    assert.equal(frame.whole, false)
  }
})
