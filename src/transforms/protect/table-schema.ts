import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody, plain } from '../../protocols/cassandra/body/body.ts'
import { NO_PARAMETERS } from '../../protocols/cassandra/body/requests.ts'
import type { Clock } from '../../world/world.ts'
import { holdsSealed, wrongType } from './cql-plan.ts'
import { RANDOM } from './data-key.ts'
import type { ProtectedColumn, ProtectedTable } from './protected-tables.ts'
import { Refusal, UnavailableError } from './refusal.ts'

/** How encrypted values are written: as bytes, or as Base64. */
export type ColumnType = 'blob' | 'text'

/** So long what was asked about a table is believed. A change that is heard of ends that. */
const AGE_MS_MAX = 60_000

interface Column {
  /** partition_key, clustering, regular or static. */
  readonly kind: string
  readonly type: string
}

interface Known {
  readonly columns: ReadonlyMap<string, Column>
  readonly atMs: number
}

/** What the server's schema says of protected tables, for all sessions of a thread. */
export class TableSchemas {
  readonly #clock: Clock
  readonly #known = new Map<ProtectedTable, Known>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  knows(table: ProtectedTable): boolean {
    const known = this.#known.get(table)
    return known !== undefined && this.#clock.now() - known.atMs < AGE_MS_MAX
  }

  /** The schema has changed, in whatever. */
  forget(): void {
    this.#known.clear()
  }

  /** Asks for the columns of a table. Rejects with Refusal where there is no such table. */
  async learn(table: ProtectedTable, version: number, call: (request: Frame) => Promise<Frame>): Promise<void> {
    const literal = (text: string) => `'${text.replaceAll("'", "''")}'`
    const text = `SELECT column_name, kind, type FROM system_schema.columns WHERE keyspace_name = ${literal(table.keyspace)} AND table_name = ${literal(table.name)}`
    const unavailable = (why: string) => new UnavailableError(`the columns of the protected table ${table.keyspace}.${table.name} could not be asked for: ${why}`) // prettier-ignore
    const request = encodeBody(plain(version, { type: 'query', text, parameters: NO_PARAMETERS }), 0)
    const reply = await call(request).catch((error: Error) => {
      throw unavailable(error.message)
    })
    const { message } = bodyOf(reply)
    if (message.type !== 'rows')
      throw unavailable(message.type === 'error' ? message.message : `the answer is ${message.type}`)
    if (message.rows.length === 0) throw new Refusal(`unconfigured table ${table.name}: in the keyspace ${table.keyspace} there is none, or it may not be seen`) // prettier-ignore
    const columns = new Map<string, Column>()
    for (const row of message.rows) {
      const [name, kind, type] = row.map(String)
      columns.set(name!, { kind: kind!, type: type! })
    }
    this.#known.set(table, { columns, atMs: this.#clock.now() })
  }

  /** How values of the column are written. Throws Refusal where it can't hold encrypted ones. The table must be known. */
  typeOf(column: ProtectedColumn, table: ProtectedTable): ColumnType {
    const found = this.#known.get(table)!.columns.get(column.name)
    if (found === undefined) throw new Refusal(`Undefined column name ${column.name} in table ${column.keyspace}.${column.table}`) // prettier-ignore
    if (!holdsSealed(found.type)) throw wrongType(column, found.type)
    if (column.mode === RANDOM && (found.kind === 'partition_key' || found.kind === 'clustering'))
      throw new Refusal(`${column.label} is protected and part of the primary key: make it a searchable column`)
    return found.type === 'blob' ? 'blob' : 'text'
  }
}
