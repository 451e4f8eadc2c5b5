import { UNSET, type BoundValue, type Parameters } from '../../protocols/cassandra/body/requests.ts'
import { partitionKey } from '../../protocols/cassandra/cql/partition-key.ts'
import type { Marker, Term } from '../../protocols/cassandra/cql/tree.ts'
import { routingKey } from '../../protocols/cassandra/token.ts'
import type { RowsRead, RowsWritten } from './plan.ts'

export type Values = Parameters['values']

/** The value that came for a marker, which stands for one of this column; undefined where none did. */
type Bound = (marker: Marker, column: string) => Buffer | null | undefined

/** Values by their markers: as the server gives them out, by place or by name; a `?` has the name of the column that it stands for. */
function boundBy(values: Values, markers: readonly Marker[]): Bound {
  if (values === null) return () => undefined
  const given = (value: BoundValue | undefined) => (value === UNSET ? undefined : value)
  if (values instanceof Map) {
    const byName = values as ReadonlyMap<string, BoundValue>
    return (marker, column) => given(byName.get(marker.name?.text ?? column))
  }
  const byPlace = values as readonly BoundValue[]
  // Whether a name that stands there twice takes one value or two is the version's of the server to say.
  const names = markers.flatMap(({ name }) => (name === null ? [] : [name.text]))
  if (new Set(names).size !== names.length) return () => undefined
  return (marker) => given(byPlace[marker.index])
}

/** The bytes of the one partition that is read or written; null where that can't be told. */
export function partitionOf(rows: RowsRead | RowsWritten, values: Values): Buffer | null {
  const { table, statement, text, markers } = rows
  const key = partitionKey(text, statement, () => table.partitionKey)
  if (key === null) return null
  const bound = boundBy(values, markers)
  const parts: Buffer[] = []
  for (const [i, part] of key.parts.entries()) {
    const bytes = Buffer.isBuffer(part) ? part : bound(part, key.columns[i]!.name)
    if (bytes === undefined || bytes === null) return null
    parts.push(bytes)
  }
  return routingKey(parts)
}

/** Longest time that a row may be given, twenty years, in milliseconds: MAX_TTL of Attributes.java. */
const TTL_MS_MAX = 20 * 365 * 24 * 60 * 60 * 1000
/** The clocks of nodes differ. */
const SLACK_MS = 5000

/** Milliseconds after which what a statement writes is gone, at the latest; 0: it stays. */
export function expiryMs({ statement, text, markers }: RowsWritten, values: Values, isShifted: boolean): number {
  const term = statement.type === 'delete' ? null : (statement.using?.ttl ?? null)
  if (term === null) return 0
  const seconds = secondsOf(term, text, boundBy(values, markers))
  if (seconds === 0) return 0
  return seconds === null || isShifted ? TTL_MS_MAX : Math.min(seconds * 1000 + SLACK_MS, TTL_MS_MAX)
}

/** Null: nobody knows. */
function secondsOf(term: Term, text: Buffer, bound: Bound): number | null {
  if (term.term === 'literal') {
    const seconds = Number(text.toString('latin1', term.start, term.end))
    return Number.isInteger(seconds) && seconds >= 0 ? seconds : null
  }
  if (term.term !== 'marker') return null
  const value = bound(term.marker, '[ttl]')
  // Null is none, and so is what was left out.
  if (value === null) return 0
  return value?.length === 4 ? Math.max(0, value.readInt32BE()) : null
}
