import type { Pool } from '../src/core/pool.ts'
import type { CqlType } from '../src/protocols/cassandra/body/cql-type.ts'
import type { Response } from '../src/protocols/cassandra/body/responses.ts'
import { encodeValue, type Value } from '../src/protocols/cassandra/body/values.ts'
import { parseInet } from '../src/protocols/cassandra/body/addresses.ts'
import { Writer } from '../src/protocols/cassandra/body/writer.ts'
import { CassandraModel } from '../src/protocols/cassandra/model/server.ts'
import { parseStatement } from '../src/protocols/cassandra/cql/parse.ts'
import type { Address, World } from '../src/world/world.ts'

// A cluster of nodes in a simulated world, which tell of each other as Cassandra does, for tests.

export interface PlayedNode {
  readonly address: Address
  readonly hostId: string
  readonly rack: string
  readonly datacenter?: string
  /** Null: those who are asked do not know them yet. */
  tokens: readonly string[] | null
  /** What system tables call its address, where that is not `address`. */
  readonly told?: string
}

const TYPES: Readonly<Record<string, CqlType>> = {
  host_id: { type: 'uuid' },
  schema_version: { type: 'uuid' },
  tokens: { type: 'set', of: { type: 'text' } },
  rpc_address: { type: 'inet' },
  native_address: { type: 'inet' },
  peer: { type: 'inet' },
  native_port: { type: 'int' },
  position: { type: 'int' },
  replication: { type: 'map', keys: { type: 'text' }, values: { type: 'text' } },
  field_names: { type: 'list', of: { type: 'text' } },
  field_types: { type: 'list', of: { type: 'text' } },
}

type Told = Readonly<Record<string, Value>>

export class PlayedCluster {
  readonly world: World
  readonly nodes: PlayedNode[] = []
  readonly models = new Map<PlayedNode, CassandraModel>()
  /** Texts of queries, in their order; by the address of the node. */
  asked: string[] = []
  partitioner = 'org.apache.cassandra.dht.Murmur3Partitioner'
  schemaVersion = '00000000-0000-4000-8000-000000000001'
  keyspaces: Told[] = []
  columns: Told[] = []
  types: Told[] = []
  /** Tables that these servers do not have, and columns that they can't be asked by. */
  isOld = false
  users: Readonly<Record<string, string>> | undefined

  constructor(world: World) {
    this.world = world
  }

  /** A node that joins. */
  async start(node: PlayedNode): Promise<void> {
    const answer = (text: string) => this.#answer(node, text)
    const model = new CassandraModel(this.world, { answer, ...(this.users === undefined ? {} : { users: this.users }) })
    this.nodes.push(node)
    this.models.set(node, model)
    await model.listen(node.address)
  }

  /** A node that leaves. */
  stop(node: PlayedNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    this.models.get(node)!.close()
    this.models.delete(node)
  }

  /** Those who want to know are told, by every node. */
  announceNode(event: string, change: string, node: PlayedNode): void {
    const host = parseInet(node.address.host)!
    const rest = new Writer().string(change).byte(host.length).raw(host).int(node.address.port).bytes
    for (const model of this.models.values()) model.announce(event, rest)
  }

  announceTable(change: string, keyspace: string, table: string): void {
    const rest = new Writer().string(change).string('TABLE').string(keyspace).string(table).bytes
    for (const model of this.models.values()) model.announce('SCHEMA_CHANGE', rest)
  }

  #answer(node: PlayedNode, text: string): Response | null {
    this.asked.push(`${node.address.host} ${text}`)
    const bytes = Buffer.from(text)
    const statement = parseStatement(bytes)
    if (statement.type !== 'select' || statement.table.keyspace?.text.startsWith('system') !== true) return null
    const { name } = statement.table.name ? { name: statement.table.name.text } : { name: '' }
    if (this.isOld && (name === 'peers_v2' || statement.allowsFiltering))
      return { type: 'error', code: 0x2200, message: `unconfigured table ${name}`, rest: Buffer.alloc(0) }
    const names = statement.selectors.map(({ term }) => bytes.toString('utf8', term.start, term.end))
    const columns = names.map((column) => ({ keyspace: 'system', table: name, name: column, type: TYPES[column] ?? ({ type: 'text' } as const) })) // prettier-ignore
    const rows = this.#rows(node, name, statement.allowsFiltering).map((row) => columns.map((column) => encodeValue(column.type, row[column.name] ?? null))) // prettier-ignore
    const metadata = { isGlobal: true, pagingState: null, newId: null, columns, columnCount: columns.length }
    return { type: 'rows', metadata, rows }
  }

  #rows(asked: PlayedNode, table: string, filtered: boolean): readonly Told[] {
    switch (table) {
      case 'local':
        return [this.#row(asked)]
      case 'peers':
      case 'peers_v2':
        return this.nodes.filter((node) => node !== asked).map((node) => this.#row(node))
      case 'keyspaces':
        return this.keyspaces
      case 'columns':
        return filtered ? this.columns.filter(({ kind }) => kind === 'partition_key') : this.columns
      default:
        return this.types
    }
  }

  #row({ address, hostId, rack, tokens, datacenter = 'dc1', told = address.host }: PlayedNode): Told {
    return {
      host_id: hostId,
      data_center: datacenter,
      rack,
      tokens,
      release_version: '4.1.10',
      schema_version: this.schemaVersion,
      partitioner: this.partitioner,
      rpc_address: told,
      native_address: told,
      native_port: address.port,
      peer: told,
    }
  }
}

/** Pools by where they connect to. */
export class Pools {
  readonly #open: (endpoint: Address) => Pool
  readonly all = new Map<string, Pool>()

  constructor(open: (endpoint: Address) => Pool) {
    this.#open = open
  }

  to(endpoint: Address): Pool {
    const name = `${endpoint.host}:${endpoint.port}`
    let pool = this.all.get(name)
    if (pool === undefined) this.all.set(name, (pool = this.#open(endpoint)))
    return pool
  }
}
