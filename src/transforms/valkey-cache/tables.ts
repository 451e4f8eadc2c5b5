import type { Log } from '../../core/kind.ts'
import { parseStatement } from '../../protocols/cassandra/cql/parse.ts'
import type { KeyColumn } from '../../protocols/cassandra/cql/partition-key.ts'
import type { Reference } from '../../protocols/cassandra/cql/tree.ts'
import type { Call } from '../../protocols/cassandra/table-rows.ts'
import type { World } from '../../world/world.ts'
import { cqlName } from './names.ts'
import { askFacts, type TableFacts } from './table-facts.ts'

/** The keyspace that was chosen with USE; null: none; undefined: it is not known. */
export type Keyspace = string | null | undefined

/** What a topology says of a table: the names of its key's columns. */
export interface TableOptions {
  readonly partition_key: readonly string[]
  readonly range_key: readonly string[]
}

/** So long what the server says of a table is believed without asking again; and so long it is not asked again after it did not say. */
const FACTS_MS = 60_000
const RETRY_MS = 1000

/** A table whose rows are cached. */
export class CachedTable {
  readonly keyspace: string
  readonly name: string
  /** Its key in Valkey; those of its partitions begin with it. */
  readonly key: string
  readonly options: TableOptions
  /** Null: not known, or nothing of it may be cached. */
  facts: TableFacts | null = null
  /** Milliseconds of the clock from which on it is to be asked for again. */
  askAtMs = 0
  /** What was logged of it last. */
  logged = ''

  constructor(keyspace: string, name: string, prefix: string, options: TableOptions) {
    this.keyspace = keyspace
    this.name = name
    this.key = `${prefix}${cqlName(keyspace)}.${cqlName(name)}`
    this.options = options
  }

  /** The columns of its partition key in their order; null where they are not known, or nothing of it may be cached. */
  get partitionKey(): readonly KeyColumn[] | null {
    return this.facts?.isCacheable === true ? this.facts.partitionKey : null
  }
}

/** The keyspace and name that `ks.table` stands for, as CQL reads it; null where it is none. */
export function tableNamed(text: string): { readonly keyspace: string; readonly name: string } | null {
  const statement = parseStatement(Buffer.from(`TRUNCATE TABLE ${text}`))
  const [table, ...others] = statement.type === 'other' ? statement.references : []
  if (table === undefined || others.length > 0 || table.keyspace === null || table.name === null) return null
  return { keyspace: table.keyspace.text, name: table.name.text }
}

/** The tables of a topology, and what is known of them. One for all sessions of a thread. */
export class Tables {
  readonly all: readonly CachedTable[]
  readonly #world: World
  readonly #log: Log
  readonly #byName = new Map<string, CachedTable>()

  constructor(schema: Readonly<Record<string, TableOptions>>, prefix: string, world: World, log: Log) {
    this.#world = world
    this.#log = log
    for (const [text, options] of Object.entries(schema)) {
      const { keyspace, name } = tableNamed(text)!
      const table = new CachedTable(keyspace, name, prefix, options)
      this.#byName.set(placeOf(keyspace, name), table)
    }
    this.all = [...this.#byName.values()]
  }

  find(keyspace: string, name: string): CachedTable | null {
    return this.#byName.get(placeOf(keyspace, name)) ?? null
  }

  /** Those that a name may stand for: at most one, unless the keyspace is not known. */
  named(reference: Reference, keyspace: Keyspace): readonly CachedTable[] {
    const name = reference.name!.text
    const of = reference.keyspace?.text ?? keyspace
    if (of === undefined) return this.all.filter((table) => table.name === name)
    const found = of === null ? null : this.find(of, name)
    return found === null ? [] : [found]
  }

  /** One that it is time to ask the server about; null: there is none. */
  get due(): CachedTable | null {
    const nowMs = this.#world.clock.now()
    for (const table of this.all) if (nowMs >= table.askAtMs) return table
    return null
  }

  /** The schema may have changed: what is known of the tables is not relied on. */
  forget(): void {
    for (const table of this.all) {
      table.facts = null
      table.askAtMs = 0
    }
  }

  /**
   * Asks the server about the table, by `call`, in version `version` of the protocol. `onChanged` is called where it was something else
   * before. Where the server does not say it nothing of the table is cached for a while.
   */
  async learn(table: CachedTable, version: number, call: Call, onChanged: () => void): Promise<void> {
    const { clock } = this.#world
    // Nobody else asks meanwhile.
    table.askAtMs = Infinity
    try {
      const facts = await askFacts(table, version, call)
      table.askAtMs = clock.now() + FACTS_MS
      const before = table.facts
      if (before !== null && JSON.stringify(before) !== JSON.stringify(facts)) onChanged()
      table.facts = facts
      const problem = problemOf(table, facts)
      if (problem !== null && problem !== table.logged) this.#log.warn(problem)
      table.logged = problem ?? ''
    } catch (error) {
      table.askAtMs = clock.now() + RETRY_MS
      table.facts = null
      this.#log.debug(`${table.key} is not cached for now: what it is like is not known`, { error: String(error) })
    }
  }
}

/** What an operator should know of it; null: all is as he told. */
function problemOf(
  { keyspace, name, options }: CachedTable,
  { partitionKey, clusteringKey, isCacheable, reason }: TableFacts,
): string | null {
  const place = placeOf(keyspace, name)
  if (!isCacheable) return `nothing of ${place} is cached: ${reason}`
  const { partition_key: partition, range_key: range } = options
  const names = partitionKey.map((column) => column.name)
  if (isEqual(names, partition) && isEqual(clusteringKey, range)) return null
  const told = (one: readonly string[], other: readonly string[]) => `(${one.join()}), (${other.join()})`
  return `caching_schema says that the key of ${place} is ${told(partition, range)}; the server's ${told(names, clusteringKey)} is used`
}

function placeOf(keyspace: string, name: string): string {
  return `${cqlName(keyspace)}.${cqlName(name)}`
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name, i) => name === other[i])
}
