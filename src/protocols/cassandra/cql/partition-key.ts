import type { CqlType } from '../body/cql-type.ts'
import { routingKey } from '../token.ts'
import { encodeLiteral } from '../values/literal.ts'
import type { Marker, Statement, Term } from './tree.ts'

/** A column of a partition key. */
export interface KeyColumn {
  readonly name: string
  readonly type: CqlType
}

/** The value that came with the statement for a marker; undefined where none did. */
export type Bound = (marker: Marker) => Buffer | null | undefined

/**
 * The bytes of the one partition that a statement is about, for `Partitioner.token`, from its text `bytes` and its bound values. Of a batch
 * that of the first statement which has one in `keyOf`'s table. Null where that can't be told: several partitions, a call, JSON.
 * @param keyOf The columns of the partition key of a table, in their order; null where it is not known.
 */
export function partitionKey(
  bytes: Buffer,
  statement: Statement,
  keyOf: (keyspace: string | null, table: string) => readonly KeyColumn[] | null,
  bound: Bound,
): Buffer | null {
  if (statement.type === 'batch') {
    for (const each of statement.statements) {
      const key = partitionKey(bytes, each, keyOf, bound)
      if (key !== null) return key
    }
    return null
  }
  if (statement.type === 'create table' || statement.type === 'other') return null
  const { keyspace, name } = statement.table
  const columns = keyOf(keyspace?.text ?? null, name!.text)
  if (columns === null) return null
  const given = termsByColumn(statement)
  const values: Buffer[] = []
  for (const column of columns) {
    const term = given.get(column.name)
    const value = term === undefined ? undefined : valueOf(bytes, term, column.type, bound)
    if (value === undefined || value === null) return null
    values.push(value)
  }
  return routingKey(values)
}

function valueOf(bytes: Buffer, term: Term, type: CqlType, bound: Bound): Buffer | null | undefined {
  const inner = term.term === 'hint' ? term.of : term
  return inner.term === 'marker' ? bound(inner.marker) : encodeLiteral(bytes, term, type)
}

type OfRows = Extract<Statement, { type: 'select' | 'insert' | 'update' | 'delete' }>

/** What columns are said to be equal to. */
function termsByColumn(statement: OfRows): ReadonlyMap<string, Term> {
  const terms = new Map<string, Term>()
  if (statement.type === 'insert') {
    for (const [index, column] of statement.columns.entries()) {
      const value = statement.values[index]
      if (value !== undefined) terms.set(column.text, value)
    }
    return terms
  }
  for (const { on, columns, operator, values } of statement.where?.relations ?? []) {
    const isOne = values.length === 1 && (operator === '=' || operator === 'IN')
    if (on === 'column' && isOne) terms.set(columns[0]!.text, values[0]!)
    // `(a, b) = (1, 2)`
    const [tuple] = values
    if (on === 'tuple' && operator === '=' && tuple?.term === 'tuple')
      for (const [index, column] of columns.entries()) if (tuple.items[index] !== undefined) terms.set(column.text, tuple.items[index]) // prettier-ignore
  }
  return terms
}
