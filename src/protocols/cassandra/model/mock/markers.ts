import type { CqlType } from '../../body/cql-type.ts'
import type { Column } from '../../body/results.ts'
import type { Clause, Marker, Name, Statement, Term } from '../../cql/tree.ts'
import { columnOf } from './rows.ts'
import type { MockTable } from './table.ts'

/** What each marker of a statement is bound to, in their order. */
export function markersOf(statement: Statement, tableOf: (statement: Statement) => MockTable | null): Column[] {
  const found: Column[] = []
  const table = tableOf(statement)
  const { keyspace = '', name: of = '' } = table ?? {}
  const put = (marker: Marker, name: string, type: CqlType) =>
    void (found[marker.index] = { keyspace, table: of, name: marker.name?.text ?? name, type })
  const value = (term: Term | null | undefined, column: Name | string, type?: CqlType) => {
    if (term?.term !== 'marker') return
    const known = typeof column === 'string' ? null : columnOf(table!, column)
    put(term.marker, known?.name ?? (column as string), type ?? known!.type)
  }
  const clause = (where: Clause | null) => {
    for (const { columns, values, list } of where?.relations ?? []) {
      for (const each of values) value(each, columns[0]!)
      if (list !== null) {
        const { name, type } = columnOf(table!, columns[0]!)
        put(list, `in(${name})`, { type: 'list', of: type })
      }
    }
  }
  if (statement.type === 'batch') {
    for (const each of statement.statements) for (const [index, column] of Object.entries(markersOf(each, tableOf))) found[Number(index)] = column // prettier-ignore
    return found
  }
  if (statement.type === 'insert') for (const [index, column] of statement.columns.entries()) value(statement.values[index], column) // prettier-ignore
  if (statement.type === 'update') for (const each of statement.assignments) value(each.value, each.column)
  if (statement.type === 'select') value(statement.limit, '[limit]', { type: 'int' })
  if (statement.type === 'insert' || statement.type === 'update' || statement.type === 'delete') {
    value(statement.using?.ttl, '[ttl]', { type: 'int' })
    value(statement.using?.timestamp, '[timestamp]', { type: 'bigint' })
  }
  if (statement.type === 'select' || statement.type === 'update' || statement.type === 'delete') clause(statement.where)
  if (statement.type === 'update' || statement.type === 'delete') clause(statement.ifs)
  return found
}

/** Which markers are the partition key, in its order; empty where they are not all of it. */
export function keyIndices(statement: Statement, table: MockTable | null): number[] {
  if (table === null) return []
  const indices = table.partitionKey.map(({ name }) => markerOf(statement, name))
  return indices.includes(-1) ? [] : indices
}

function markerOf(statement: Statement, name: string): number {
  if (statement.type === 'insert') {
    const term = statement.values[statement.columns.findIndex(({ text }) => text === name)]
    return term?.term === 'marker' ? term.marker.index : -1
  }
  if (statement.type !== 'select' && statement.type !== 'update' && statement.type !== 'delete') return -1
  const relations = statement.where?.relations ?? []
  const relation = relations.find(({ columns, operator }) => columns[0]?.text === name && operator === '=')
  const term = relation?.values[0]
  return term?.term === 'marker' ? term.marker.index : -1
}
