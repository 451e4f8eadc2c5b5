import type { Edit, Frame } from '../../core/frame.ts'
import { codeOfArguments } from './commands.ts'
import { argumentRange, decodeArguments } from './decode-request.ts'
import { REQUEST } from './resp.ts'
import type { Request } from './values.ts'

/**
 * Replaces argument `index` of a request by `bytes`, which belong to the frame from then on, and mends the length before them.
 * Nothing is copied, however large the request. Throws RangeError where there is no such argument.
 */
export function splice(frame: Frame, index: number, bytes: Buffer): void {
  if (frame.kind !== REQUEST) throw new TypeError('only arguments of requests can be replaced in place')
  const { header, start, end } = argumentRange(frame, index)
  const edits: Edit[] = (frame.edits ?? []).filter((edit) => edit.start < header || edit.start >= end + 2)
  if (bytes.length !== end - start)
    edits.push({ start: header, end: start, bytes: Buffer.from(`$${bytes.length}\r\n`) })
  edits.push({ start, end, bytes })
  frame.edits = edits.sort((a, b) => a.start - b.start)
  const body = frame.body as Request | null
  if (body !== null) frame.body = { ...body, args: body.args.with(index, bytes) }
  // The command may be another one now.
  if (index < 2) frame.code = codeOfArguments(decodeArguments(frame).args)
}
