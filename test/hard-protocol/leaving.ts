import { Frame } from '../../src/core/frame.ts'
import type { Enclosure } from '../../src/core/protocol.ts'
import { WITH_HEADER } from './cutter.ts'
import { encode, wrap } from './format.ts'

/** The frame with another stream: in its place where its bytes are lent, else as a copy. */
export function retag(frame: Frame, stream: number): Frame {
  if (frame.code !== WITH_HEADER) return frame
  const tagged = frame.borrowed && frame.edits === null ? frame : copyOf(frame, Buffer.from(frame.toBuffer()))
  tagged.bytes.writeUInt16BE(stream, tagged.start + 2)
  return tagged
}

/** Segments that carry whole messages side by side. */
export const segments: Enclosure = {
  enclose: (bytes, start, end) => wrap(bytes.subarray(start, end)),
}

/** What is no whole message leaves in segments of its own where segments are spoken. */
export function wrapped(frame: Frame): Frame {
  return copyOf(frame, wrap(frame.toBuffer()))
}

function copyOf(frame: Frame, bytes: Buffer): Frame {
  const copy = new Frame(bytes, 0, bytes.length, frame.kind, frame.code, false)
  copy.flags = frame.flags
  copy.stream = frame.stream
  return copy
}

/** A message of the proxy's own. */
export function replyFrame(kind: number, text: string, stream: number): Frame {
  const bytes = encode(kind, text, stream)
  const frame = new Frame(bytes, 0, bytes.length, kind, 1, false)
  frame.stream = stream
  return frame
}
