import type { CqlType } from '../../body/cql-type.ts'
import type { Column } from '../../body/results.ts'
import { decodeValue, type Value } from '../../body/values.ts'
import { isSimpleName, type TypeName } from '../../cql/type-name.ts'

export type ColumnKind = 'partition_key' | 'clustering' | 'static' | 'regular'

export interface TableColumn extends Column {
  readonly kind: ColumnKind
  /** Its place in the key it is part of; -1 where it is in none. */
  readonly position: number
  /** As it is written. */
  readonly typeText: string
}

/** Values by the names of their columns; what is absent is null. */
export type MockRow = Map<string, Buffer>

/** Rows of one partition by their clustering key. Those of a table without one have one row. */
interface Partition {
  readonly statics: MockRow
  readonly rows: Map<string, MockRow>
}

/** A table and what is in it. */
export class MockTable {
  readonly keyspace: string
  readonly name: string
  /** In the order of `*`: the key, then the others by name. */
  readonly columns: readonly TableColumn[]
  readonly byName: ReadonlyMap<string, TableColumn>
  readonly partitionKey: readonly TableColumn[]
  readonly clusteringKey: readonly TableColumn[]
  /** Both. */
  readonly primaryKey: readonly TableColumn[]
  readonly #partitions = new Map<string, Partition>()

  constructor(keyspace: string, name: string, columns: readonly TableColumn[]) {
    const order: readonly ColumnKind[] = ['partition_key', 'clustering', 'static', 'regular']
    this.keyspace = keyspace
    this.name = name
    this.columns = [...columns].sort(
      (a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || a.position - b.position || (a.name < b.name ? -1 : 1),
    )
    this.byName = new Map(columns.map((column) => [column.name, column]))
    this.partitionKey = this.columns.filter(({ kind }) => kind === 'partition_key')
    this.clusteringKey = this.columns.filter(({ kind }) => kind === 'clustering')
    this.primaryKey = [...this.partitionKey, ...this.clusteringKey]
  }

  /** The row with this key, static columns included; null where there is none. */
  find(key: MockRow): MockRow | null {
    const partition = this.#partitions.get(keyText(this.partitionKey, key))
    const row = partition?.rows.get(keyText(this.clusteringKey, key))
    return row === undefined ? null : new Map([...partition!.statics, ...row])
  }

  /** Writes values, those of the key among them; null removes one. */
  write(values: ReadonlyMap<string, Buffer | null>): void {
    const key = new Map([...values].filter((entry): entry is [string, Buffer] => entry[1] !== null))
    const place = keyText(this.partitionKey, key)
    let partition = this.#partitions.get(place)
    if (partition === undefined) this.#partitions.set(place, (partition = { statics: new Map(), rows: new Map() }))
    const clustering = keyText(this.clusteringKey, key)
    let row = partition.rows.get(clustering)
    if (row === undefined) partition.rows.set(clustering, (row = new Map()))
    for (const [name, value] of values) {
      const into = this.byName.get(name)!.kind === 'static' ? partition.statics : row
      if (value === null) into.delete(name)
      else into.set(name, value)
    }
  }

  remove(row: MockRow): void {
    const place = keyText(this.partitionKey, row)
    const partition = this.#partitions.get(place)
    partition?.rows.delete(keyText(this.clusteringKey, row))
    if (partition?.rows.size === 0) this.#partitions.delete(place)
  }

  clear(): void {
    this.#partitions.clear()
  }

  /** All rows, partition by partition, each in the order of its clustering key. */
  *rows(): Generator<MockRow, void, void> {
    for (const { statics, rows } of this.#partitions.values())
      for (const row of [...rows.values()].sort((a, b) => this.#compare(a, b))) yield new Map([...statics, ...row])
  }

  #compare(a: MockRow, b: MockRow): number {
    for (const { name, type } of this.clusteringKey) {
      const order = compareValues(type, a.get(name) ?? null, b.get(name) ?? null)
      if (order !== 0) return order
    }
    return 0
  }
}

const keyText = (columns: readonly TableColumn[], row: ReadonlyMap<string, Buffer>) =>
  columns.map(({ name }) => row.get(name)?.toString('hex') ?? '').join()

/** As a server sorts them, but for decimals and UUIDs, which are sorted by their bytes. */
export function compareValues(type: CqlType, a: Buffer | null, b: Buffer | null): number {
  const [one, other] = [sortable(decodeValue(type, a)), sortable(decodeValue(type, b))]
  if (one !== null && other !== null && typeof one === typeof other) return one < other ? -1 : one > other ? 1 : 0
  return Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0))
}

const sortable = (value: Value) =>
  typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean' ? value : null

/** A type as system_schema tells it. */
export function typeText(type: TypeName): string {
  const inner = innerText(type)
  return type.frozen ? `frozen<${inner}>` : inner
}

function innerText(type: TypeName): string {
  if (isSimpleName(type)) return type.type
  switch (type.type) {
    case 'list':
    case 'set':
      return `${type.type}<${typeText(type.of)}>`
    case 'map':
      return `map<${typeText(type.keys)}, ${typeText(type.values)}>`
    case 'tuple':
      return `tuple<${type.of.map(typeText).join(', ')}>`
    case 'vector':
      return `vector<${typeText(type.of)}, ${type.size}>`
    case 'udt':
      return type.name
    case 'custom':
      return `'${type.name}'`
  }
}
