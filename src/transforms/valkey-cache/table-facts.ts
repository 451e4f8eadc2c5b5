import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody, plain } from '../../protocols/cassandra/body/body.ts'
import { NO_PARAMETERS } from '../../protocols/cassandra/body/requests.ts'
import type { Result } from '../../protocols/cassandra/body/results.ts'
import type { KeyColumn } from '../../protocols/cassandra/cql/partition-key.ts'
import { parseTypeName, resolveType } from '../../protocols/cassandra/cql/type-name.ts'
import { cqlString } from './names.ts'

/** What the server says of a table. */
export interface TableFacts {
  readonly partitionKey: readonly KeyColumn[]
  readonly clusteringKey: readonly string[]
  readonly isCacheable: boolean
  /** Why nothing of it is cached. */
  readonly reason: string
}

type Cell = Buffer | null

/** Reads from the tables of the schema, which Cassandra has since version 3.0. Rejects where the server does not answer with rows. */
export async function askFacts(
  { keyspace, name }: { readonly keyspace: string; readonly name: string },
  version: number,
  call: (request: Frame) => Promise<Frame>,
): Promise<TableFacts> {
  const where = `WHERE keyspace_name = ${cqlString(keyspace)} AND table_name = ${cqlString(name)}`
  const ask = async (what: string) => rowsOf(await call(query(version, `SELECT ${what} ${where}`)))
  const [tables, columns] = await Promise.all([
    ask('default_time_to_live FROM system_schema.tables'),
    ask('column_name, kind, position, type FROM system_schema.columns'),
  ])
  const keyOf = (kind: string) =>
    columns
      .filter((row) => textOf(row[1]) === kind)
      .sort((a, b) => intOf(a[2]) - intOf(b[2]))
      .map((row) => ({ name: textOf(row[0]), type: textOf(row[3]) }))
  const partitionKey: KeyColumn[] = []
  for (const column of keyOf('partition_key')) {
    const parsed = parseTypeName(column.type)
    const type = parsed === null ? null : resolveType(parsed, () => null)
    if (type === null) return uncacheable(`its key has a column of the type ${column.type}`)
    partitionKey.push({ name: column.name, type })
  }
  // Views have columns, and are no tables; what is written to their tables does not name them.
  if (tables.length === 0 || partitionKey.length === 0) return uncacheable('the server has no table of this name')
  if (intOf(tables[0]![0]) !== 0) return uncacheable('its rows expire (default_time_to_live), which no statement tells')
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

function query(version: number, text: string): Frame {
  return encodeBody(plain(version, { type: 'query', text, parameters: NO_PARAMETERS }), 0)
}

function rowsOf(reply: Frame): readonly (readonly Cell[])[] {
  const message = bodyOf(reply).message as Result | { readonly type: 'error'; readonly message: string }
  if (message.type === 'rows') return message.rows
  throw new Error(message.type === 'error' ? message.message : `the server answered ${message.type}`)
}

function textOf(cell: Cell | undefined): string {
  return cell?.toString() ?? ''
}

function intOf(cell: Cell | undefined): number {
  return cell?.length === 4 ? cell.readInt32BE() : 0
}
