import { FRAME_HEAD, FRAME_LAST, type Frame } from '../../core/frame.ts'
import { CR, ZERO } from './resp.ts'
import type { Request } from './values.ts'

/** The arguments of a request as views of the frame's bytes. */
export function decodeArguments(frame: Frame): Request {
  const bytes = frame.edits === null ? frame.bytes : frame.toBuffer()
  const end = frame.edits === null ? frame.end : bytes.length
  const args: Buffer[] = []
  const complete = (frame.flags & FRAME_LAST) !== 0
  if ((frame.flags & FRAME_HEAD) === 0) return { type: 'request', args, complete: false }
  let at = nextLine(bytes, frame.edits === null ? frame.start : 0, end)
  while (at < end) {
    const start = nextLine(bytes, at, end)
    const stop = start + lengthAt(bytes, at + 1, end)
    if (start > end || stop + 2 > end) break
    args.push(bytes.subarray(start, stop))
    at = stop + 2
  }
  return { type: 'request', args, complete }
}

/** Offsets of an argument from the start of a whole request's original bytes: its header, its bytes, and behind them. */
export function argumentRange(frame: Frame, index: number): { header: number; start: number; end: number } {
  const { bytes, end } = frame
  let at = nextLine(bytes, frame.start, end)
  for (let i = 0; at < end; i++) {
    const start = nextLine(bytes, at, end)
    const stop = start + lengthAt(bytes, at + 1, end)
    if (stop + 2 > end) break
    if (i === index) return { header: at - frame.start, start: start - frame.start, end: stop - frame.start }
    at = stop + 2
  }
  throw new RangeError(`the request has no argument ${index}`)
}

/** The digits at `at` as a number. */
export function lengthAt(bytes: Buffer, at: number, end: number): number {
  let length = 0
  for (let p = at; p < end && bytes[p] !== CR; p++) length = length * 10 + bytes[p] - ZERO
  return length
}

/** Where the line behind the one at `at` begins; beyond `end` where it is torn. */
export function nextLine(bytes: Buffer, at: number, end: number): number {
  let p = at
  while (p < end && bytes[p] !== CR) p++
  return p + 2
}
