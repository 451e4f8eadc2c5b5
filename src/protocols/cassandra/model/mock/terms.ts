import type { BoundValue } from '../../body/requests.ts'
import type { CqlType } from '../../body/cql-type.ts'
import { encodeValue, type Value } from '../../body/values.ts'
import type { Marker, Term } from '../../cql/tree.ts'
import { encodeLiteral } from '../../values/literal.ts'
import { MockError } from './mock-error.ts'

/** The values that came with a request: in the order of the markers, or by their names. */
export type Bound = readonly BoundValue[] | ReadonlyMap<string, BoundValue> | null

/** What a marker stands for; undefined where it was left out. `column`: what it is bound to, which a client may name it by. */
export function boundTo(marker: Marker, column: string, bound: Bound): Buffer | null | undefined {
  const value = bound instanceof Map ? bound.get(marker.name?.text ?? column) : (bound as readonly BoundValue[] | null)?.[marker.index] // prettier-ignore
  if (value === undefined) throw new MockError('Invalid amount of bind variables')
  return typeof value === 'symbol' ? undefined : value
}

/** The bytes of a value for a column of this type; undefined where its marker was left out. Throws MockError. */
export function valueOf(
  text: Buffer,
  term: Term,
  column: string,
  type: CqlType,
  bound: Bound,
): Buffer | null | undefined {
  if (term.term === 'marker') return boundTo(term.marker, column, bound)
  const encoded = literal(text, term, type)
  if (encoded === undefined)
    throw new MockError(`Invalid or unknown value for ${column}: ${text.toString('utf8', term.start, term.end)}`)
  return encoded
}

/** Sets and maps too, in the order of their bytes. */
function literal(text: Buffer, term: Term, type: CqlType): Buffer | null | undefined {
  const inner = term.term === 'hint' ? term.of : term
  const of: CqlType = { type: 'blob' }
  const isEmpty =
    (inner.term === 'set' && inner.items.length === 0) || (inner.term === 'map' && inner.entries.length === 0)
  if (type.type === 'set' && (inner.term === 'set' || isEmpty)) {
    const items = inner.term === 'set' ? inner.items.map((item) => literal(text, item, type.of)) : []
    return items.some((item) => !item) ? undefined : encodeValue({ type: 'set', of }, (items as Buffer[]).sort(Buffer.compare))! // prettier-ignore
  }
  if (type.type === 'map' && (inner.term === 'map' || isEmpty)) {
    const given = inner.term === 'map' ? inner.entries : []
    const entries = given.map(
      ([key, value]) => [literal(text, key, type.keys), literal(text, value, type.values)] as const,
    )
    if (entries.some(([key, value]) => !key || !value)) return undefined
    const sorted = (entries as (readonly [Buffer, Buffer])[]).sort(([a], [b]) => Buffer.compare(a, b))
    return encodeValue({ type: 'map', keys: of, values: of }, sorted as unknown as Value)!
  }
  return encodeLiteral(text, inner, type)
}
