import { UNSET, type BoundValue, type Parameters } from '../../protocols/cassandra/body/requests.ts'
import { Writer } from '../../protocols/cassandra/body/writer.ts'
import { CorruptError } from '../../protocols/cassandra/corrupt-error.ts'
import { splice, type Edit } from '../../protocols/cassandra/cql/edits.ts'
import { Reader } from '../../protocols/cassandra/reader.ts'
import { unquoted } from '../../protocols/cassandra/values/literal.ts'
import type { Plan, PlannedLiteral, PlannedMarker } from './cql-plan.ts'
import { RANDOM } from './data-key.ts'
import type { ProtectedColumn } from './protected-tables.ts'
import { Refusal } from './refusal.ts'
import type { Sealer } from './sealer.ts'
import type { ColumnType } from './table-schema.ts'

/** Seals values of columns, once types and keys are there. */
export interface ColumnSealer {
  readonly sealer: Sealer
  typeOf(column: ProtectedColumn): ColumnType
}

/** A key that was there when it was looked for is not there any more: it is used up. */
export class KeyMissing extends Error {
  readonly mode: number
  constructor(mode: number) {
    super('the key is not there')
    this.mode = mode
  }
}

function sealed({ sealer }: ColumnSealer, column: ProtectedColumn, value: Buffer, type: ColumnType): Buffer {
  const found = sealer.seal(column, value, type === 'text')
  if (found === null) throw new KeyMissing(column.mode)
  return found
}

/** The text with its literals sealed. */
export function sealLiterals(bytes: Buffer, { literals }: Plan, columns: ColumnSealer): Buffer {
  if (literals.length === 0) return bytes
  return splice(
    bytes,
    literals.map((literal) => editOf(bytes, literal, columns)),
  )
}

function editOf(bytes: Buffer, { column, type, start, end }: PlannedLiteral, columns: ColumnSealer): Edit {
  const written = columns.typeOf(column)
  const text = bytes.toString('utf8', start, end)
  if (type === 'blob' && written === 'text') throw new Refusal(`${column.label} is a text, and can't be set to a blob`)
  const value = type === 'blob' ? hexOf(text, column) : Buffer.from(unquoted(text))
  const bytesOf = sealed(columns, column, value, written)
  return { start, end, text: written === 'blob' ? `0x${bytesOf.toString('hex')}` : `'${bytesOf.toString('latin1')}'` }
}

function hexOf(text: string, column: ProtectedColumn): Buffer {
  if (text.length % 2 !== 0) throw new Refusal(`what ${column.label} is set to is no whole number of bytes`)
  return Buffer.from(text.slice(2), 'hex')
}

/** Literals of a statement that is to be prepared must be written alike whenever that is done: its id is made of its text. */
export function checkPreparable({ literals }: Plan): void {
  const random = literals.find(({ column }) => column.mode === RANDOM)
  if (random !== undefined) throw new Refusal(`${random.column.label} is protected: in a statement that is prepared it must be a bound value`) // prettier-ignore
}

/** The values with those of protected columns sealed. */
export function sealBound(values: Parameters['values'], plan: Plan, columns: ColumnSealer): Parameters['values'] {
  if (plan.markers.length === 0) return values
  if (values instanceof Map) return sealNamed(values as ReadonlyMap<string, BoundValue>, plan, columns)
  return sealPositional((values ?? []) as readonly BoundValue[], plan, columns)
}

export function sealPositional(values: readonly BoundValue[], { markers }: Plan, columns: ColumnSealer): BoundValue[] {
  const result = values.slice()
  for (const planned of markers) {
    const { index } = planned.marker
    const value = values[index]
    if (value === undefined) throw new Refusal(`there is no value for ${planned.column.label}`)
    result[index] = sealedBound(value, planned, columns)
  }
  return result
}

/** By the names of markers; one without a name has that of its column. */
function sealNamed(
  values: ReadonlyMap<string, BoundValue>,
  plan: Plan,
  columns: ColumnSealer,
): Map<string, BoundValue> {
  if (plan.hasUnnamed && plan.markers.some(({ marker }) => marker.name === null))
    throw new Refusal(
      'which named values of this batch are for protected columns can not be told: give its markers names',
    )
  const result = new Map(values)
  const used = new Map<string, PlannedMarker>()
  for (const planned of plan.markers) {
    const { column, marker, isList } = planned
    const name = marker.name?.text ?? (isList ? `in(${column.name})` : column.name)
    const value = values.get(name)
    if (value === undefined) throw new Refusal(`there is no value of the name ${JSON.stringify(name)}, for ${column.label}`) // prettier-ignore
    const other = used.get(name)
    if (plan.otherNames.has(name) || (other !== undefined && (other.column !== column || other.isList !== isList)))
      throw new Refusal(`the value ${JSON.stringify(name)} is used for ${column.label}, which is protected, and elsewhere: give it two names`) // prettier-ignore
    if (other === undefined) result.set(name, sealedBound(value, planned, columns))
    used.set(name, planned)
  }
  return result
}

function sealedBound(value: BoundValue, { column, isList }: PlannedMarker, columns: ColumnSealer): BoundValue {
  if (value === null || value === UNSET) return value
  const type = columns.typeOf(column)
  if (!isList) return sealed(columns, column, value, type)
  try {
    const reader = new Reader(value)
    const writer = new Writer()
    const count = reader.length()
    writer.int(count)
    for (let i = 0; i < count; i++) {
      const item = reader.value()
      writer.value(item === null ? null : sealed(columns, column, item, type))
    }
    return writer.bytes
  } catch (error) {
    if (error instanceof CorruptError) throw new Refusal(`what is bound to ${column.label} IN ? is no list`)
    throw error
  }
}
