import { DETERMINISTIC, RANDOM } from './data-key.ts'
import { placeOf } from './sealed-value.ts'

/** A column whose values are encrypted. */
export interface ProtectedColumn {
  readonly keyspace: string
  readonly table: string
  readonly name: string
  /** RANDOM or DETERMINISTIC. */
  readonly mode: number
  /** What its values are bound to. */
  readonly place: Buffer
  /** What texts call it. */
  readonly label: string
}

export interface ProtectedTable {
  readonly keyspace: string
  readonly name: string
  readonly columns: ReadonlyMap<string, ProtectedColumn>
}

type ColumnLists = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

/** What of Cassandra is protected. Names are those of the server: in lower case, unless they were made in quotes. */
export class ProtectedTables {
  readonly #byKeyspace = new Map<string, Map<string, ProtectedTable>>()
  readonly #names: readonly string[]

  /** Throws where a column is said twice. */
  constructor(columns: ColumnLists, searchable: ColumnLists) {
    this.#add(columns, RANDOM)
    this.#add(searchable, DETERMINISTIC)
    this.#names = [...new Set([...this.#byKeyspace.values()].flatMap((tables) => [...tables.keys()]))].map((name) =>
      name.toLowerCase(),
    )
  }

  #add(lists: ColumnLists, mode: number): void {
    for (const [keyspace, tables] of Object.entries(lists)) {
      for (const [table, names] of Object.entries(tables)) {
        const columns = this.#columnsOf(keyspace, table)
        for (const name of names) {
          const column = {
            keyspace,
            table,
            name,
            mode,
            place: placeOf('cassandra', keyspace, table, name),
            label: `${keyspace}.${table}.${name}`,
          }
          if (columns.has(name)) throw new Error(`the column ${column.label} is protected twice`)
          columns.set(name, column)
        }
      }
    }
  }

  #columnsOf(keyspace: string, name: string): Map<string, ProtectedColumn> {
    const tables = this.#byKeyspace.get(keyspace) ?? new Map<string, ProtectedTable>()
    this.#byKeyspace.set(keyspace, tables)
    const found = tables.get(name) ?? { keyspace, name, columns: new Map<string, ProtectedColumn>() }
    tables.set(name, found)
    return found.columns as Map<string, ProtectedColumn>
  }

  get isEmpty(): boolean {
    return this.#names.length === 0
  }

  find(keyspace: string, table: string): ProtectedTable | null {
    return this.#byKeyspace.get(keyspace)?.get(table) ?? null
  }

  /** Is there a table of that name in some keyspace? */
  hasNamed(table: string): boolean {
    for (const tables of this.#byKeyspace.values()) if (tables.has(table)) return true
    return false
  }

  column(keyspace: string, table: string, name: string): ProtectedColumn | null {
    return this.find(keyspace, table)?.columns.get(name) ?? null
  }

  /** False: no protected table's name stands in the text `bytes[start, end)`, in whatever case, so that it is about none of them. */
  mayConcern(bytes: Buffer, start: number, end: number): boolean {
    const text = bytes.toString('latin1', start, end).toLowerCase()
    for (const name of this.#names) if (text.includes(name)) return true
    return false
  }
}
