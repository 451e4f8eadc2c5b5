import type { Frame } from '../../core/frame.ts'
import { lengthAt, nextLine } from './decode-request.ts'

/** Arguments that the request announces, its name included. */
export function argumentCount(frame: Frame): number {
  return lengthAt(frame.bytes, frame.start + 1, frame.end)
}

/**
 * Argument `index` of a request, its name being 0, as a view of the frame's bytes, or null where the frame does not have it
 * whole. For the odd look at one argument; `body` decodes them all.
 */
export function argument(frame: Frame, index: number): Buffer | null {
  const bytes = frame.edits === null ? frame.bytes : frame.toBuffer()
  const end = frame.edits === null ? frame.end : bytes.length
  let at = nextLine(bytes, frame.edits === null ? frame.start : 0, end)
  for (let i = 0; at < end; i++) {
    const start = nextLine(bytes, at, end)
    const stop = start + lengthAt(bytes, at + 1, end)
    if (stop + 2 > end) return null
    if (i === index) return bytes.subarray(start, stop)
    at = stop + 2
  }
  return null
}

/** Is argument `index` this word, in any case? `word` is in lower case. */
export function argumentIs(frame: Frame, index: number, word: string): boolean {
  const bytes = argument(frame, index)
  return bytes !== null && bytes.length === word.length && bytes.toString('latin1').toLowerCase() === word
}
