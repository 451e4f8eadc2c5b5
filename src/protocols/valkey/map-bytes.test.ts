import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_WHOLE, Frame } from '../../core/frame.ts'
import { replyOf } from './body.ts'
import { encodeReply } from './encode-reply.ts'
import { mapBytes } from './map-bytes.ts'

function reply(text: string): Frame {
  const bytes = Buffer.from(text)
  const frame = new Frame(bytes, 0, bytes.length, bytes[0]!, 0, false)
  frame.flags = FRAME_WHOLE
  return frame
}

const upper = (bytes: Buffer) => Buffer.from(bytes.toString().toUpperCase())

const CHANGED: readonly (readonly [before: string, after: string])[] = [
  ['$1\r\na\r\n', '$1\r\nA\r\n'],
  ['=5\r\ntxt:a\r\n', '=5\r\ntxt:A\r\n'],
  ['*2\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n', '*2\r\n$1\r\nA\r\n*1\r\n$1\r\nB\r\n'],
  ['%1\r\n$1\r\na\r\n$1\r\nb\r\n', '%1\r\n$1\r\nA\r\n$1\r\nB\r\n'],
  ['~1\r\n$1\r\na\r\n', '~1\r\n$1\r\nA\r\n'],
  ['+a\r\n', '+a\r\n'],
  ['-ERR a\r\n', '-ERR a\r\n'],
  ['*3\r\n:1\r\n$-1\r\n$1\r\na\r\n', '*3\r\n:1\r\n$-1\r\n$1\r\nA\r\n'],
]
for (const [before, after] of CHANGED) {
  test(`${JSON.stringify(before)} becomes ${JSON.stringify(after)}`, () => {
    assert.equal(
      encodeReply(mapBytes(replyOf(reply(before)), upper))
        .toBuffer()
        .toString(),
      after,
    )
  })
  test(`${JSON.stringify(before)} that stays as it is is the same object`, () => {
    const value = replyOf(reply(before))
    assert.equal(
      mapBytes(value, (bytes) => bytes),
      value,
    )
  })
}
