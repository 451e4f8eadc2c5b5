import type { KeyColumn } from '../../protocols/cassandra/cql/partition-key.ts'
import { parseTypeName, resolveType } from '../../protocols/cassandra/cql/type-name.ts'
import { askColumns, askOfTable, type Call } from '../../protocols/cassandra/table-rows.ts'

/** What the server says of a table. */
export interface TableFacts {
  readonly partitionKey: readonly KeyColumn[]
  readonly clusteringKey: readonly string[]
  readonly isCacheable: boolean
  /** Why nothing of it is cached. */
  readonly reason: string
}

/** Rejects where the server does not answer with rows. */
export async function askFacts(
  table: { readonly keyspace: string; readonly name: string },
  version: number,
  call: Call,
): Promise<TableFacts> {
  const [tables, columns] = await Promise.all([
    askOfTable('default_time_to_live FROM system_schema.tables', table, version, call),
    askColumns(table, version, call),
  ])
  const keyOf = (of: string) => columns.filter(({ kind }) => kind === of).sort((a, b) => a.position - b.position)
  const partitionKey: KeyColumn[] = []
  for (const column of keyOf('partition_key')) {
    const parsed = parseTypeName(column.type)
    const type = parsed === null ? null : resolveType(parsed, () => null)
    if (type === null) return uncacheable(`its key has a column of the type ${column.type}`)
    partitionKey.push({ name: column.name, type })
  }
  // Views have columns, and are no tables; what is written to their tables does not name them.
  if (tables.length === 0 || partitionKey.length === 0) return uncacheable('the server has no table of this name')
  if (Number(tables[0]!['default_time_to_live']) !== 0)
    return uncacheable('its rows expire (default_time_to_live), which no statement tells')
  return {
    partitionKey,
    clusteringKey: keyOf('clustering').map((column) => column.name),
    isCacheable: true,
    reason: '',
  }
}

function uncacheable(reason: string): TableFacts {
  return { partitionKey: [], clusteringKey: [], isCacheable: false, reason }
}
