import { createHash } from 'node:crypto'
import type { Value } from '../body/values.ts'
import { parseReplication, type Replication } from '../replicas.ts'
import { ERROR_INVALID } from '../opcodes.ts'
import { COLUMN_FIELDS, columnRow, textIn, type TableRow } from '../table-rows.ts'
import { AnswerError, type Asking } from './asking.ts'
import { Schema, type KeyRow, type TypeRow } from './schema.ts'

const KEYSPACES = 'SELECT keyspace_name, replication FROM system_schema.keyspaces'
const COLUMNS = `SELECT keyspace_name, table_name, ${COLUMN_FIELDS} FROM system_schema.columns`
const TYPES = 'SELECT keyspace_name, type_name, field_names, field_types FROM system_schema.types'

/** What a node has in system_schema. */
export interface ToldSchema {
  readonly schema: Schema
  /** Classes of strategies that are not known here, by keyspace. */
  readonly unknownStrategies: ReadonlyMap<string, string>
  /** Two that say the same have the same. */
  readonly digest: string
}

/** Rejects where the node does not answer. */
export async function askSchema(asking: Asking): Promise<ToldSchema> {
  const keyspaces = await asking.rows(KEYSPACES)
  const columns = await keyColumns(asking)
  const types = await asking.rows(TYPES)
  const replications = new Map<string, Replication | null>()
  const unknownStrategies = new Map<string, string>()
  for (const row of keyspaces) {
    const options = new Map(listOf(row['replication']) as [string, string][])
    const replication = parseReplication(options)
    const strategy = options.get('class') ?? ''
    const keyspace = textIn(row, 'keyspace_name')
    if (replication === null && !strategy.endsWith('LocalStrategy')) unknownStrategies.set(keyspace, strategy)
    replications.set(keyspace, replication)
  }
  return {
    schema: new Schema(replications, columns.map(keyRow), types.map(typeRow)),
    unknownStrategies,
    digest: createHash('sha256')
      .update(JSON.stringify([keyspaces, columns, types]))
      .digest('base64'),
  }
}

/** Most columns are no keys; a server that can't look for those tells all. */
async function keyColumns(asking: Asking): Promise<TableRow[]> {
  try {
    return await asking.rows(`${COLUMNS} WHERE kind = 'partition_key' ALLOW FILTERING`)
  } catch (error) {
    if (!(error instanceof AnswerError) || error.code !== ERROR_INVALID) throw error
    return (await asking.rows(COLUMNS)).filter(({ kind }) => kind === 'partition_key')
  }
}

function keyRow(row: TableRow): KeyRow {
  return { keyspace: textIn(row, 'keyspace_name'), table: textIn(row, 'table_name'), ...columnRow(row) }
}

function typeRow(row: TableRow): TypeRow {
  return {
    keyspace: textIn(row, 'keyspace_name'),
    name: textIn(row, 'type_name'),
    fieldNames: listOf(row['field_names']) as string[],
    fieldTypes: listOf(row['field_types']) as string[],
  }
}

function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? (value as readonly Value[]) : []
}
