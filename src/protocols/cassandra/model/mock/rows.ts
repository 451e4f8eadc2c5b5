import type { CqlType } from '../../body/cql-type.ts'
import { metadataOf, type Column } from '../../body/results.ts'
import type { Response } from '../../body/responses.ts'
import { decodeValue } from '../../body/values.ts'
import type { Clause, Delete, Insert, Name, Relation, Select, Selector, Update } from '../../cql/tree.ts'
import { MockError } from './mock-error.ts'
import { compareValues, type MockRow, type MockTable, type TableColumn } from './table.ts'
import { boundTo, valueOf, type Bound } from './terms.ts'

// What statements do with the rows of a table. `text` is what their places lie in.

const INT: CqlType = { type: 'int' }
const APPLIED = '[applied]'

export function columnOf(table: MockTable, name: Name): TableColumn {
  const column = table.byName.get(name.text)
  if (column === undefined)
    throw new MockError(`Undefined column name ${name.text} in table ${table.keyspace}.${table.name}`)
  return column
}

const unknown = (text: Buffer, { start, end }: { start: number; end: number }) =>
  new MockError(`the mock does not know ${text.toString('utf8', start, end)}`)

export function rowsOf(columns: readonly Column[], rows: readonly (readonly (Buffer | null)[])[]): Response {
  return { type: 'rows', metadata: metadataOf(columns), rows }
}

const COUNT = /^count$/

/** A column that a SELECT brings, and which of the table it comes from; of `count` none. */
interface Selected {
  readonly column: Column
  readonly from: string | null
}

function selected(table: MockTable, text: Buffer, selector: Selector): Selected {
  const { term, alias } = selector
  const { keyspace, name } = table
  if (term.term === 'name') {
    const column = columnOf(table, term.name)
    return { column: { keyspace, table: name, name: alias?.text ?? column.name, type: column.type }, from: column.name }
  }
  if (term.term !== 'call' || !COUNT.test(term.function.name?.text ?? '')) throw unknown(text, selector)
  return { column: { keyspace, table: name, name: alias?.text ?? 'count', type: { type: 'bigint' } }, from: null }
}

function allSelected(table: MockTable, text: Buffer, { selectors }: Select): readonly Selected[] {
  if (selectors.length === 0) return table.columns.map((column) => ({ column, from: column.name }))
  return selectors.map((each) => selected(table, text, each))
}

export function selectedColumns(table: MockTable, text: Buffer, statement: Select): readonly Column[] {
  return allSelected(table, text, statement).map(({ column }) => column)
}

export function select(table: MockTable, text: Buffer, statement: Select, bound: Bound): Response {
  const { json, groupBy, orderBy, limit, perPartitionLimit, distinct } = statement
  if (json || groupBy.length > 0 || perPartitionLimit !== null) throw unknown(text, statement)
  const found = [...matching(table, text, statement.where, bound)]
  if (orderBy[0]?.descending === true) found.reverse()
  const most = limit === null ? null : valueOf(text, limit, '[limit]', INT, bound)
  const rows = most ? found.slice(0, most.readInt32BE()) : found
  const sources = allSelected(table, text, statement)
  const columns = sources.map(({ column }) => column)
  if (sources.some(({ from }) => from === null)) {
    const count = Buffer.alloc(8)
    count.writeBigInt64BE(BigInt(found.length))
    return rowsOf(columns, [sources.map(({ from }) => (from === null ? count : (rows[0]?.get(from) ?? null)))])
  }
  const brought = rows.map((row) => sources.map(({ from }) => row.get(from!) ?? null))
  if (!distinct) return rowsOf(columns, brought)
  const seen = new Map(brought.map((row) => [row.map((value) => value?.toString('hex')).join(), row]))
  return rowsOf(columns, [...seen.values()])
}

function* matching(table: MockTable, text: Buffer, where: Clause | null, bound: Bound): Generator<MockRow, void, void> {
  const relations = where?.relations ?? []
  const key = keyFrom(table, text, relations, bound)
  const isWhole = table.primaryKey.every(({ name }) => key.has(name))
  const one = isWhole ? table.find(key) : null
  const candidates = !isWhole ? table.rows() : one === null ? [] : [one]
  for (const row of candidates) if (relations.every((relation) => holds(table, text, relation, row, bound))) yield row
}

/** Columns of the key that must be equal to one value. */
function keyFrom(table: MockTable, text: Buffer, relations: readonly Relation[], bound: Bound): MockRow {
  const key: MockRow = new Map()
  for (const { on, operator, columns, values } of relations) {
    if (on !== 'column' || operator !== '=') continue
    const { name, type, position } = columnOf(table, columns[0]!)
    if (position < 0) continue
    const value = valueOf(text, values[0]!, name, type, bound)
    if (!value) throw new MockError(`Invalid null value in condition for column ${name}`)
    key.set(name, value)
  }
  return key
}

const ORDERS: Partial<Record<Relation['operator'], (order: number) => boolean>> = {
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '>': (order) => order > 0,
  '>=': (order) => order >= 0,
}

function holds(table: MockTable, text: Buffer, relation: Relation, row: MockRow, bound: Bound): boolean {
  const { on, operator, columns, values, list } = relation
  if (on !== 'column') throw unknown(text, relation)
  const { name, type } = columnOf(table, columns[0]!)
  const actual = row.get(name) ?? null
  if (operator === 'IN') {
    const given = list === null ? values.map((value) => valueOf(text, value, name, type, bound)) : listed(boundTo(list, name, bound)) // prettier-ignore
    return given.some((value) => value && actual !== null && compareValues(type, actual, value) === 0)
  }
  const compare = ORDERS[operator]
  if (compare === undefined) throw unknown(text, relation)
  const value = valueOf(text, values[0]!, name, type, bound) ?? null
  if (actual === null || value === null) return operator === '=' ? actual === value : operator === '!='
  return compare(compareValues(type, actual, value))
}

function listed(value: Buffer | null | undefined): readonly Buffer[] {
  if (!value) throw new MockError('Invalid null value for IN')
  return decodeValue({ type: 'list', of: { type: 'blob' } }, value) as readonly Buffer[]
}

/** [applied], and what there is where it was not. */
function applied(table: MockTable, existing: MockRow | null, isApplied: boolean): Response {
  const column: Column = { keyspace: table.keyspace, table: table.name, name: APPLIED, type: { type: 'boolean' } }
  if (isApplied || existing === null) return rowsOf([column], [[Buffer.from([isApplied ? 1 : 0])]])
  const others = table.columns.map(({ name }) => existing.get(name) ?? null)
  return rowsOf([column, ...table.columns], [[Buffer.from([0]), ...others]])
}

export function insert(table: MockTable, text: Buffer, statement: Insert, bound: Bound): Response {
  if (statement.json !== null) throw unknown(text, statement)
  const values = new Map<string, Buffer | null>()
  for (const [index, name] of statement.columns.entries()) {
    const column = columnOf(table, name)
    const value = valueOf(text, statement.values[index]!, column.name, column.type, bound)
    if (value !== undefined) values.set(column.name, value)
  }
  const key: MockRow = new Map()
  for (const { name } of table.primaryKey) {
    const value = values.get(name)
    if (!value) throw new MockError(`Invalid null value in condition for column ${name}`)
    key.set(name, value)
  }
  const existing = statement.ifNotExists ? table.find(key) : null
  if (existing === null) table.write(values)
  return statement.ifNotExists ? applied(table, existing, existing === null) : { type: 'void' }
}

export function update(table: MockTable, text: Buffer, statement: Update, bound: Bound): Response {
  const key = keyFrom(table, text, statement.where.relations, bound)
  const existing = table.find(key)
  const isMeant = isAllowed(table, text, statement, existing, bound)
  if (isMeant !== false) {
    const values = new Map<string, Buffer | null>(key)
    for (const assignment of statement.assignments) {
      const { name, type } = columnOf(table, assignment.column)
      const value = valueOf(text, assignment.value, name, type.type === 'counter' ? { type: 'bigint' } : type, bound)
      if (value === undefined) continue
      if (assignment.key !== null || (assignment.operator !== '=' && type.type !== 'counter'))
        throw unknown(text, assignment)
      values.set(name, type.type === 'counter' ? counted(existing?.get(name), value, assignment.operator) : value)
    }
    table.write(values)
  }
  return isMeant === null ? { type: 'void' } : applied(table, existing, isMeant)
}

function counted(before: Buffer | undefined, by: Buffer | null, operator: string): Buffer {
  const sum = Buffer.alloc(8)
  const change = by === null ? 0n : by.readBigInt64BE()
  sum.writeBigInt64BE((before?.readBigInt64BE() ?? 0n) + (operator === '-=' ? -change : change))
  return sum
}

/** Null: there are no conditions. */
function isAllowed(
  table: MockTable,
  text: Buffer,
  statement: Update | Delete,
  row: MockRow | null,
  bound: Bound,
): boolean | null {
  if (statement.ifExists) return row !== null
  if (statement.ifs === null) return null
  return row !== null && statement.ifs.relations.every((relation) => holds(table, text, relation, row, bound))
}

export function remove(table: MockTable, text: Buffer, statement: Delete, bound: Bound): Response {
  const rows = [...matching(table, text, statement.where, bound)]
  const isMeant = isAllowed(table, text, statement, rows[0] ?? null, bound)
  if (isMeant !== false) {
    for (const row of rows) {
      if (statement.deletions.length === 0) table.remove(row)
      else
        table.write(
          new Map([...keyOf(table, row), ...statement.deletions.map(({ column }) => [column.text, null] as const)]),
        )
    }
  }
  return isMeant === null ? { type: 'void' } : applied(table, rows[0] ?? null, isMeant)
}

const keyOf = (table: MockTable, row: MockRow) => table.primaryKey.map(({ name }) => [name, row.get(name)!] as const)
