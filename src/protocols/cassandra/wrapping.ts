// Hot path
import { Frame } from '../../core/frame.ts'
import type { SegmentFormat } from './segment.ts'

/** A frame in outer frames of its own, which say whether it is a whole envelope. */
export function wrapped(frame: Frame, segments: SegmentFormat): Frame {
  const edited = frame.edits === null ? null : frame.toBuffer()
  const bytes =
    edited === null
      ? segments.wrap(frame.bytes, frame.start, frame.end, frame.whole)
      : segments.wrap(edited, 0, edited.length, frame.whole)
  const leaving = new Frame(bytes, 0, bytes.length, frame.kind, frame.code, false)
  leaving.flags = frame.flags
  leaving.stream = frame.stream
  return leaving
}
