import type { CqlType } from '../body/cql-type.ts'
import { encodeLiteral } from '../values/literal.ts'
import type { Marker, Statement, Term } from './tree.ts'

/** A column of a partition key. */
export interface KeyColumn {
  readonly name: string
  readonly type: CqlType
}

/** A part of a partition key: its bytes, or the marker that its value is bound to. */
export type KeyPart = Buffer | Marker

/** The partition that a statement is about. */
export interface PartitionKey {
  /** The keyspace of its table as the statement names it; null: it names none. */
  readonly keyspace: string | null
  readonly columns: readonly KeyColumn[]
  /** One for each of the columns. */
  readonly parts: readonly KeyPart[]
}

/**
 * The one partition that a statement, whose text is `bytes`, is about; of a batch that of the first statement which has one in `keyOf`'s
 * table. Null where that can't be told: several partitions, a call, JSON.
 * @param keyOf The columns of the partition key of a table, in their order; null where it is not known.
 */
export function partitionKey(
  bytes: Buffer,
  statement: Statement,
  keyOf: (keyspace: string | null, table: string) => readonly KeyColumn[] | null,
): PartitionKey | null {
  if (statement.type === 'batch') {
    for (const each of statement.statements) {
      const key = partitionKey(bytes, each, keyOf)
      if (key !== null) return key
    }
    return null
  }
  if (statement.type === 'create table' || statement.type === 'other') return null
  const keyspace = statement.table.keyspace?.text ?? null
  const columns = keyOf(keyspace, statement.table.name!.text)
  if (columns === null) return null
  const given = termsByColumn(statement)
  const parts: KeyPart[] = []
  for (const column of columns) {
    const term = given.get(column.name)
    const part = term === undefined ? undefined : partOf(bytes, term, column.type)
    if (part === undefined || part === null) return null
    parts.push(part)
  }
  return { keyspace, columns, parts }
}

function partOf(bytes: Buffer, term: Term, type: CqlType): KeyPart | null | undefined {
  const inner = term.term === 'hint' ? term.of : term
  return inner.term === 'marker' ? inner.marker : encodeLiteral(bytes, term, type)
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
