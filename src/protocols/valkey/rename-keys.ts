import type { Edit, Frame } from '../../core/frame.ts'
import { argumentsOf } from './body.ts'
import { encodeRequest } from './encode.ts'
import { certainKeyIndices } from './keys.ts'
import { BULK } from './resp.ts'
import { splice } from './splice.ts'
import type { Request } from './values.ts'

/** Gives each key of a request the name that `rename` makes of it, in one pass; values are not copied. Both are strings of bytes. */
export function renameKeys(frame: Frame, rename: (key: string) => string): void {
  const before = argumentsOf(frame)
  const args = before.slice()
  const changed: number[] = []
  for (const index of certainKeyIndices(frame)) {
    const key = before[index]!.toString('latin1')
    const renamed = rename(key)
    if (renamed === key) continue
    args[index] = Buffer.from(renamed, 'latin1')
    changed.push(index)
  }
  if (changed.length === 0) return
  // The head of a large request has few keys, which stand first.
  if (!frame.whole) for (const index of changed) splice(frame, index, args[index]!)
  else if (frame.edits === null) edit(frame, before, args, changed)
  else rewrite(frame, args)
}

/** Notes the changes, in a frame whose arguments `before` are views of its bytes. */
function edit(frame: Frame, before: readonly Buffer[], args: readonly Buffer[], changed: readonly number[]): void {
  const edits: Edit[] = []
  const origin = frame.bytes.byteOffset
  for (const index of changed) {
    const old = before[index]!
    const bytes = args[index]!
    const at = old.byteOffset - origin
    const start = at - frame.start
    const end = start + old.length
    if (bytes.length !== old.length) {
      const header = frame.bytes.lastIndexOf(BULK, at - 1) - frame.start
      edits.push({ start: header, end: start, bytes: Buffer.from(`$${bytes.length}\r\n`) })
    }
    edits.push({ start, end, bytes })
  }
  frame.edits = edits
  frame.body = { ...(frame.body as Request), args }
}

/** Gives the frame new bytes: earlier changes have moved its arguments. */
function rewrite(frame: Frame, args: readonly Buffer[]): void {
  const { bytes, start, end } = encodeRequest(args)
  frame.bytes = bytes
  frame.start = start
  frame.end = end
  frame.edits = null
  frame.body = null
}
