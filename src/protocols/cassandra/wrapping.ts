// Hot path
import { Frame } from '../../core/frame.ts'
import type { SegmentFormat } from './segment.ts'

/** The head of a large envelope, or a part of it, in outer frames of its own. */
export function wrapped(frame: Frame, segments: SegmentFormat): Frame {
  const edited = frame.edits === null ? null : frame.toBuffer()
  const bytes =
    edited === null
      ? segments.wrap(frame.bytes, frame.start, frame.end, false)
      : segments.wrap(edited, 0, edited.length, false)
  const leaving = new Frame(bytes, 0, bytes.length, frame.kind, frame.code, false)
  leaving.flags = frame.flags
  leaving.stream = frame.stream
  return leaving
}
