import { RESERVED } from './keywords.ts'
import type { Reference, Spot } from './tree.ts'

/** The bytes `[start, end)` of a text become `text`. Where both are the same, it is inserted. */
export interface Edit extends Spot {
  readonly text: string
}

/** The text `[at, end)` with all edits made; they must not overlap. What is not edited stays as it was, comments and spaces included. */
export function splice(bytes: Buffer, edits: readonly Edit[], at = 0, end = bytes.length): Buffer {
  const pieces: Buffer[] = []
  let from = at
  for (const edit of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (edit.start < from || edit.end > end) throw new RangeError(`an edit at ${edit.start} overlaps, or is outside`)
    pieces.push(bytes.subarray(from, edit.start), Buffer.from(edit.text))
    from = edit.end
  }
  pieces.push(bytes.subarray(from, end))
  return Buffer.concat(pieces)
}

/** A name as it is written: in quotes unless it needs none. */
export function quoted(name: string): string {
  return /^[a-z][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** Whatever is in the keyspace `from` is looked for in `to`. What has no keyspace before it stays. */
export function renameKeyspace(statement: Named, from: string, to: string): Edit[] {
  const edits: Edit[] = []
  for (const { keyspace } of statement.references)
    if (keyspace !== null && keyspace.text === from) edits.push({ ...spot(keyspace), text: quoted(to) })
  return edits
}

/** What has no keyspace before it gets one, as `USE` would give it. Functions may be the server's own and stay. */
export function qualify(statement: Named, keyspace: string): Edit[] {
  const edits: Edit[] = []
  for (const { of, keyspace: own, start } of statement.references)
    if (own === null && of !== 'function') edits.push({ start, end: start, text: `${quoted(keyspace)}.` })
  return edits
}

interface Named {
  readonly references: readonly Reference[]
}

const spot = ({ start, end }: Spot): Spot => ({ start, end })

/** A statement of which rows are chosen by a WHERE. */
interface Restricted {
  readonly table: Reference
  readonly where: Spot | null
}

/** One more thing that must hold: `relation` is CQL text. */
export function restrict({ table, where }: Restricted, relation: string): Edit {
  if (where !== null) return { start: where.end, end: where.end, text: ` AND ${relation}` }
  return { start: table.end, end: table.end, text: ` WHERE ${relation}` }
}
