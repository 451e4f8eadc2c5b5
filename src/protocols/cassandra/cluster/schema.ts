import type { CqlType, Field } from '../body/cql-type.ts'
import type { KeyColumn } from '../cql/partition-key.ts'
import { parseTypeName, resolveType } from '../cql/type-name.ts'
import type { Replication } from '../replicas.ts'
import type { ColumnRow } from '../table-rows.ts'

/** A column of a partition key, as system_schema.columns tells of it. */
export interface KeyRow extends Pick<ColumnRow, 'name' | 'position' | 'type'> {
  readonly keyspace: string
  readonly table: string
}

/** A type of the users', as system_schema.types tells of it. */
export interface TypeRow {
  readonly keyspace: string
  readonly name: string
  readonly fieldNames: readonly string[]
  readonly fieldTypes: readonly string[]
}

type UsersType = Extract<CqlType, { type: 'udt' }>

/** What is known of the keyspaces of a cluster, and of the partition keys of their tables. Immutable. */
export class Schema {
  /** Null: no replicas can be told. */
  readonly replications: ReadonlyMap<string, Replication | null>
  readonly #keys = new Map<string, KeyRow[]>()
  readonly #types = new Map<string, TypeRow>()
  readonly #columns = new Map<string, readonly KeyColumn[] | null>()

  constructor(replications: ReadonlyMap<string, Replication | null>, keys: Iterable<KeyRow>, types: Iterable<TypeRow>) {
    this.replications = replications
    for (const row of keys) {
      const path = pathOf(row.keyspace, row.table)
      const rows = this.#keys.get(path)
      if (rows === undefined) this.#keys.set(path, [row])
      else rows.push(row)
    }
    for (const row of types) this.#types.set(pathOf(row.keyspace, row.name), row)
  }

  /** The partition key of a table or view, in its order; null where that is not known. */
  keyColumns(keyspace: string, table: string): readonly KeyColumn[] | null {
    const path = pathOf(keyspace, table)
    let columns = this.#columns.get(path)
    if (columns === undefined) {
      columns = this.#keyColumns(keyspace, this.#keys.get(path) ?? [])
      this.#columns.set(path, columns)
    }
    return columns
  }

  #keyColumns(keyspace: string, rows: readonly KeyRow[]): readonly KeyColumn[] | null {
    const columns: KeyColumn[] = []
    for (const { name, type: text } of [...rows].sort((a, b) => a.position - b.position)) {
      const type = this.#type(text, keyspace)
      if (type === null) return null
      columns.push({ name, type })
    }
    return columns.length === 0 ? null : columns
  }

  #type(text: string, keyspace: string): CqlType | null {
    const name = parseTypeName(text)
    return name === null ? null : resolveType(name, (of, type) => this.#usersType(of ?? keyspace, type))
  }

  #usersType(keyspace: string, name: string): UsersType | null {
    const row = this.#types.get(pathOf(keyspace, name))
    if (row === undefined) return null
    const fields: Field[] = []
    for (const [index, field] of row.fieldNames.entries()) {
      const type = this.#type(row.fieldTypes[index] ?? '', keyspace)
      if (type === null) return null
      fields.push({ name: field, type })
    }
    return { type: 'udt', keyspace, name, fields }
  }
}

/** No name has a zero byte in it. */
function pathOf(keyspace: string, name: string): string {
  return `${keyspace}\0${name}`
}
