import type { Frame } from '../../core/frame.ts'
import { isCompressed } from './compression.ts'
import { flagsOf, HEADER_BYTES } from './envelope.ts'
import { FLAG_COMPRESSED, PREPARE, QUERY } from './opcodes.ts'
import { statementText } from './request.ts'

const LENGTH_AT = 5

/**
 * Replaces the text of a QUERY or PREPARE, whose place is 0, by `bytes`, which belong to the frame from then on, and mends the lengths before
 * it. A compressed frame leaves uncompressed. Throws TypeError for anything else, RangeError where the text has not arrived whole.
 */
export function splice(frame: Frame, path: number, bytes: Buffer): void {
  if (path !== 0 || (frame.kind !== QUERY && frame.kind !== PREPARE))
    throw new TypeError('only the text of a QUERY or a PREPARE can be replaced in place')
  if (!frame.whole) throw new RangeError('the text of a large statement has not arrived whole')
  if (frame.edits !== null) settle(frame)
  const text = statementText(frame)
  const size = frame.end - frame.start
  const wasCompressed = isCompressed(frame)
  const plainBytes = wasCompressed ? text.bytes.length : size - HEADER_BYTES
  const header = Buffer.alloc(4)
  header.writeInt32BE(plainBytes - (text.end - text.start) + bytes.length)
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes.length)
  frame.body = null
  if (!wasCompressed) {
    // The text of a frame that is not compressed lies in it.
    const at = HEADER_BYTES + text.start
    frame.edits = [
      { start: LENGTH_AT, end: HEADER_BYTES, bytes: header },
      { start: at - 4, end: HEADER_BYTES + text.end, bytes: Buffer.concat([length, bytes]) },
    ]
    return
  }
  const before = text.bytes.subarray(0, text.start - 4)
  const behind = text.bytes.subarray(text.end)
  frame.edits = [
    { start: 1, end: 2, bytes: Buffer.from([flagsOf(frame) & ~FLAG_COMPRESSED]) },
    { start: LENGTH_AT, end: size, bytes: Buffer.concat([header, before, length, bytes, behind]) },
  ]
  frame.code &= ~(FLAG_COMPRESSED << 8)
}

/** What was replaced before is the frame's own bytes from here on. */
function settle(frame: Frame): void {
  const bytes = frame.toBuffer()
  frame.bytes = bytes
  frame.start = 0
  frame.end = bytes.length
  frame.borrowed = false
  frame.edits = null
}
