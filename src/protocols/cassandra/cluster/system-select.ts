import type { Parameters } from '../body/requests.ts'
import type { Column } from '../body/results.ts'
import { classify } from '../cql/classify.ts'
import { parseStatement } from '../cql/parse.ts'
import { SELECT } from '../cql/statement-kinds.ts'
import type { Select } from '../cql/tree.ts'
import type { SystemTable } from './system-rows.ts'

/** A SELECT from a table that tells of nodes. */
export interface SystemSelect {
  readonly table: SystemTable
  readonly text: Buffer
  /** Null where the text could not be parsed: the server tells what it selects. */
  readonly select: Select | null
  /** What was prepared has names for its markers, */
  readonly markers: readonly Pick<Column, 'name'>[]
  /** and columns, where replies do not tell them. */
  readonly columns: readonly Column[] | null
}

/** A request for the rows of such a table. */
export interface SystemQuery extends SystemSelect {
  readonly parameters: Parameters
}

const TABLES: ReadonlySet<string> = new Set(['local', 'peers', 'peers_v2'] satisfies SystemTable[])

/** The table of nodes that the text `bytes[start, end)` may select from, and the keyspace that it names; null where it is about something else. */
export function systemTable(
  bytes: Buffer,
  start: number,
  end: number,
): { readonly table: SystemTable; readonly keyspace: string | null } | null {
  const { kind, keyspace, table } = classify(bytes, start, end)
  if (kind !== SELECT || table === null || !TABLES.has(table)) return null
  return keyspace === null || keyspace === 'system' ? { table: table as SystemTable, keyspace } : null
}

/**
 * What a text selects of the nodes; null where it is about something else.
 * @param keyspace That of names without one.
 */
export function systemSelect(text: Buffer, keyspace: string | null): SystemSelect | null {
  const found = systemTable(text, 0, text.length)
  if (found === null || (found.keyspace ?? keyspace) !== 'system') return null
  const statement = parseStatement(text)
  const select = statement.type === 'select' ? statement : null
  return { table: found.table, text, select, markers: [], columns: null }
}
