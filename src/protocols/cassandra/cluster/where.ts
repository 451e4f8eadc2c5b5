import type { CqlType } from '../body/cql-type.ts'
import type { BoundValue } from '../body/requests.ts'
import { decodeValue, type Value } from '../body/values.ts'
import type { Clause, Marker, Relation, Term } from '../cql/tree.ts'
import { Reader } from '../reader.ts'
import { encodeLiteral } from '../values/literal.ts'
import type { Row } from './system-rows.ts'

/** What a statement came with: its text, its bound values, and the types of the table's columns. */
export interface Given {
  readonly text: Buffer
  readonly values: readonly BoundValue[] | ReadonlyMap<string, BoundValue> | null
  /** Names of the markers, by their places; of those that have none in the text. */
  readonly markers: readonly { readonly name: string }[]
  readonly types: ReadonlyMap<string, CqlType>
}

/** Must a row be in the result? */
export type Test = (row: Row) => boolean

export interface Filter {
  readonly accepts: Test
  /** What of the clause can't be told of a row here. */
  readonly ignored: readonly Relation[]
}

/** The rows that a WHERE chooses. */
export function filterOf(clause: Clause | null, given: Given): Filter {
  const tests: Test[] = []
  const ignored: Relation[] = []
  for (const relation of clause?.relations ?? []) {
    const test = testOf(relation, given)
    if (test === null) ignored.push(relation)
    else tests.push(test)
  }
  return { accepts: (row) => tests.every((test) => test(row)), ignored }
}

/** The value for a marker; undefined where none came. */
export function boundValue(marker: Marker, { values, markers }: Given): Buffer | null | undefined {
  const name = marker.name?.text ?? markers[marker.index]?.name ?? ''
  const value = Array.isArray(values)
    ? values[marker.index]
    : (values as ReadonlyMap<string, BoundValue> | null)?.get(name)
  return Buffer.isBuffer(value) || value === null ? value : undefined
}

function valueOf(term: Term, type: CqlType, given: Given): Buffer | null | undefined {
  const inner = term.term === 'hint' ? term.of : term
  return inner.term === 'marker' ? boundValue(inner.marker, given) : encodeLiteral(given.text, term, type)
}

/** Null where it can't be told. */
function testOf(relation: Relation, given: Given): Test | null {
  const { on, columns, operator } = relation
  const name = columns[0]?.text ?? ''
  const type = given.types.get(name)
  if (on !== 'column' || type === undefined) return null
  if (operator.includes('CONTAINS')) return containsTest(relation, name, type, given)
  if (operator === 'IS NOT NULL') return (row) => isThere(row.get(name))
  const operands = operandsOf(relation, type, given)
  if (operands === null) return null
  const compare = comparisonOf(type)
  const isIn = (cell: Buffer) => operands.some((operand) => operand.equals(cell))
  if (operator === 'IN' || operator === '=') return onCell(name, isIn)
  if (operator === 'NOT IN' || operator === '!=') return onCell(name, (cell) => !isIn(cell))
  if (compare === null) return null
  const [low, high] = operands
  if (operator === 'BETWEEN') return onCell(name, (cell) => compare(cell, low!) >= 0 && compare(cell, high!) <= 0)
  const holds = ORDERS[operator]
  return holds === undefined ? null : onCell(name, (cell) => holds(compare(cell, low!)))
}

const ORDERS: Readonly<Partial<Record<string, (difference: number) => boolean>>> = {
  '<': (difference) => difference < 0,
  '<=': (difference) => difference <= 0,
  '>': (difference) => difference > 0,
  '>=': (difference) => difference >= 0,
}

/** Nothing is true of what is not there. */
function onCell(name: string, holds: (cell: Buffer) => boolean): Test {
  return (row) => {
    const cell = row.get(name)
    return isThere(cell) && holds(cell)
  }
}

function isThere(cell: Buffer | null | undefined): cell is Buffer {
  return cell !== null && cell !== undefined
}

/** What the column is compared with; null where one can't be told. */
function operandsOf(relation: Relation, type: CqlType, given: Given): Buffer[] | null {
  if (relation.list !== null) return listOf(boundValue(relation.list, given))
  const operands: Buffer[] = []
  for (const term of relation.values) {
    const value = valueOf(term, type, given)
    if (!isThere(value)) return null
    operands.push(value)
  }
  return operands
}

/** The elements of a list, as the protocol has them. */
function listOf(bytes: Buffer | null | undefined): Buffer[] | null {
  if (!isThere(bytes)) return null
  const reader = new Reader(bytes)
  const items: Buffer[] = []
  for (let count = reader.length(); count > 0; count--) items.push(reader.value() ?? Buffer.alloc(0))
  return items
}

const NUMBERS: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'int', 'bigint', 'timestamp'])
const BYTES: ReadonlySet<string> = new Set(['text', 'ascii', 'inet', 'uuid', 'blob'])

/** In the server's order; null for types that have none here. */
export function comparisonOf(type: CqlType): ((a: Buffer, b: Buffer) => number) | null {
  if (NUMBERS.has(type.type)) {
    const number = (bytes: Buffer) => decodeValue(type, bytes) as number | bigint
    return (a, b) => (number(a) < number(b) ? -1 : number(a) > number(b) ? 1 : 0)
  }
  return BYTES.has(type.type) ? (a, b) => a.compare(b) : null
}

function containsTest({ operator, values }: Relation, name: string, type: CqlType, given: Given): Test | null {
  const isOfKey = operator.endsWith('KEY')
  const of =
    type.type === 'map'
      ? isOfKey
        ? type.keys
        : type.values
      : type.type === 'set' || type.type === 'list'
        ? type.of
        : null
  const value = of === null ? undefined : valueOf(values[0]!, of, given)
  if (!isThere(value)) return null
  const isNegated = operator.startsWith('NOT')
  return onCell(name, (cell) => elementsOf(type, cell, isOfKey).some((each) => each.equals(value)) !== isNegated)
}

function elementsOf(type: CqlType, cell: Buffer, ofKeys: boolean): Buffer[] {
  const pieces = (decodeValue(blobsOf(type), cell) as readonly Value[]).flat()
  if (type.type !== 'map') return pieces as Buffer[]
  return pieces.filter((_, index) => (index % 2 === 0) === ofKeys) as Buffer[]
}

/** The elements stay as they are. */
function blobsOf(type: CqlType): CqlType {
  const of = { type: 'blob' } as const
  return type.type === 'map' ? { type: 'map', keys: of, values: of } : { type: 'list', of }
}
