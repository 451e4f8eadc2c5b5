import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody, plain } from './body/body.ts'
import { NO_PARAMETERS } from './body/requests.ts'
import type { Response } from './body/responses.ts'
import { decodeValue, type Value } from './body/values.ts'

/** A row, by the names of its columns. */
export type TableRow = Readonly<Record<string, Value>>

/** The rows of a reply that tells their columns. */
export function tableRows({ metadata, rows }: Extract<Response, { type: 'rows' }>): TableRow[] {
  const columns = metadata.columns ?? []
  return rows.map((row) =>
    Object.fromEntries(columns.map(({ name, type }, index) => [name, decodeValue(type, row[index] ?? null)])),
  )
}

/** A text, a UUID or an address; '' where there is none. */
export function textIn(row: TableRow, column: string): string {
  const value = row[column]
  return typeof value === 'string' ? value : ''
}

/** A column, as system_schema.columns tells of it. */
export interface ColumnRow {
  readonly name: string
  /** partition_key, clustering, regular or static. */
  readonly kind: string
  /** Its place in the key. */
  readonly position: number
  /** As in CQL: `frozen<list<int>>`. */
  readonly type: string
}

/** What a SELECT of that table has to name. */
export const COLUMN_FIELDS = 'column_name, kind, position, type'

export function columnRow(row: TableRow): ColumnRow {
  return {
    name: textIn(row, 'column_name'),
    kind: textIn(row, 'kind'),
    position: Number(row['position']),
    type: textIn(row, 'type'),
  }
}

/** Asks a server something, and gives its reply. */
export type Call = (request: Frame) => Promise<Frame>

/**
 * What system_schema has of a table, beside what a client asks: `selected` is what stands behind SELECT, FROM and its table included. Only
 * Cassandra since version 3.0 has it. Rejects where `call` does, and with the server's own words where it does not answer with rows.
 */
export async function askOfTable(
  selected: string,
  { keyspace, name }: { readonly keyspace: string; readonly name: string },
  version: number,
  call: Call,
): Promise<TableRow[]> {
  const text = `SELECT ${selected} WHERE keyspace_name = ${cqlString(keyspace)} AND table_name = ${cqlString(name)}`
  const reply = await call(encodeBody(plain(version, { type: 'query', text, parameters: NO_PARAMETERS }), 0))
  const message = bodyOf(reply).message as Response
  if (message.type === 'rows') return tableRows(message)
  throw new Error(message.type === 'error' ? message.message : `the server answered ${message.type}`)
}

/** The columns of a table, in no order. */
export async function askColumns(
  table: { readonly keyspace: string; readonly name: string },
  version: number,
  call: Call,
): Promise<ColumnRow[]> {
  const rows = await askOfTable(`${COLUMN_FIELDS} FROM system_schema.columns`, table, version, call)
  return rows.map(columnRow)
}

/** A string as CQL writes it. */
function cqlString(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
