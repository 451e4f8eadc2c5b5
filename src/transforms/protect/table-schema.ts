import { CorruptError } from '../../protocols/cassandra/corrupt-error.ts'
import { askColumns, type Call, type ColumnRow } from '../../protocols/cassandra/table-rows.ts'
import type { Clock } from '../../world/world.ts'
import { holdsSealed, wrongType } from './cql-plan.ts'
import { RANDOM } from './data-key.ts'
import type { ProtectedColumn, ProtectedTable } from './protected-tables.ts'
import { Refusal, UnavailableError } from './refusal.ts'

/** How encrypted values are written: as bytes, or as Base64. */
export type ColumnType = 'blob' | 'text'

/** So long what was asked about a table is believed. A change that is heard of ends that. */
const AGE_MS_MAX = 60_000

interface Known {
  readonly columns: ReadonlyMap<string, ColumnRow>
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
  async learn(table: ProtectedTable, version: number, call: Call): Promise<void> {
    const columns = await askColumns(table, version, call).catch((error: Error) => {
      // A reply that can't be read is not the server's to explain.
      if (error instanceof CorruptError) throw error
      throw new UnavailableError(`the columns of the protected table ${table.keyspace}.${table.name} could not be asked for: ${error.message}`) // prettier-ignore
    })
    if (columns.length === 0) throw new Refusal(`unconfigured table ${table.name}: in the keyspace ${table.keyspace} there is none, or it may not be seen`) // prettier-ignore
    const byName = new Map(columns.map((column) => [column.name, column]))
    this.#known.set(table, { columns: byName, atMs: this.#clock.now() })
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
