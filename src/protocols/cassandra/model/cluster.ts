import type { Address, World } from '../../../world/world.ts'
import { parseInet } from '../body/addresses.ts'
import type { CqlType } from '../body/cql-type.ts'
import type { Response } from '../body/responses.ts'
import { metadataOf } from '../body/results.ts'
import { encodeValue, type Value } from '../body/values.ts'
import { Writer } from '../body/writer.ts'
import { parseStatement } from '../cql/parse.ts'
import { CassandraModel, type CassandraModelOptions } from './server.ts'
import { MODEL_KEYSPACES, ModelStore } from './store.ts'

export interface ModelNodeOptions {
  readonly address: Address
  readonly hostId: string
  readonly rack: string
  readonly token: string
}

/** A node of the model of a cluster. */
export class ModelNode {
  readonly options: ModelNodeOptions
  readonly model: CassandraModel
  /** Its process runs. */
  isRunning = false

  constructor(options: ModelNodeOptions, model: CassandraModel) {
    this.options = options
    this.model = model
  }
}

type Row = Readonly<Record<string, Value>>

const TEXT: CqlType = { type: 'text' }
const COLUMNS: Readonly<Record<string, Readonly<Record<string, CqlType>>>> = {
  local: {
    key: TEXT,
    broadcast_address: { type: 'inet' },
    cluster_name: TEXT,
    data_center: TEXT,
    host_id: { type: 'uuid' },
    partitioner: TEXT,
    rack: TEXT,
    release_version: TEXT,
    rpc_address: { type: 'inet' },
    rpc_port: { type: 'int' },
    schema_version: { type: 'uuid' },
    tokens: { type: 'set', of: TEXT },
  },
  peers_v2: {
    peer: { type: 'inet' },
    peer_port: { type: 'int' },
    data_center: TEXT,
    host_id: { type: 'uuid' },
    native_address: { type: 'inet' },
    native_port: { type: 'int' },
    rack: TEXT,
    release_version: TEXT,
    schema_version: { type: 'uuid' },
    tokens: { type: 'set', of: TEXT },
  },
  peers: {
    peer: { type: 'inet' },
    data_center: TEXT,
    host_id: { type: 'uuid' },
    rack: TEXT,
    release_version: TEXT,
    rpc_address: { type: 'inet' },
    schema_version: { type: 'uuid' },
    tokens: { type: 'set', of: TEXT },
  },
  keyspaces: { keyspace_name: TEXT, replication: { type: 'map', keys: TEXT, values: TEXT } },
  columns: {
    keyspace_name: TEXT,
    table_name: TEXT,
    column_name: TEXT,
    kind: TEXT,
    position: { type: 'int' },
    type: TEXT,
  },
  types: {
    keyspace_name: TEXT,
    type_name: TEXT,
    field_names: { type: 'list', of: TEXT },
    field_types: { type: 'list', of: TEXT },
  },
}

/** Nodes that are one cluster: all have all rows, each has its own prepared statements, and each tells of the others as Cassandra does. */
export class ModelCluster {
  readonly nodes: ModelNode[] = []
  readonly #world: World
  readonly #options: CassandraModelOptions
  readonly #rows = new Map<string, string>()

  constructor(world: World, options: CassandraModelOptions = {}) {
    this.#world = world
    this.#options = options
  }

  /** A node joins. The others are not told: `tell`. */
  async add(options: ModelNodeOptions): Promise<ModelNode> {
    const answer = (text: string): Response | null => this.#answer(node, text)
    const announce = (event: string, rest: Buffer) => this.announce(event, rest)
    const model = new CassandraModel(this.#world, { ...this.#options, answer, announce }, new ModelStore(this.#rows))
    const node = new ModelNode(options, model)
    this.nodes.push(node)
    await this.start(node)
    return node
  }

  /** Its process begins, and has forgotten what was prepared. */
  async start(node: ModelNode): Promise<void> {
    node.model.store.prepared.clear()
    await node.model.listen(node.options.address)
    node.isRunning = true
  }

  /** Its process is killed. */
  crash(node: ModelNode): void {
    node.isRunning = false
    node.model.crash()
  }

  /** It belongs to the cluster no more. */
  remove(node: ModelNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1)
    node.isRunning = false
    node.model.close()
  }

  /** Who wants to know of changes is told that something became of a node: `STATUS_CHANGE` `DOWN`, and the like. */
  tell(event: string, change: string, { options: { address } }: ModelNode): void {
    const host = parseInet(address.host)!
    this.announce(event, new Writer().string(change).byte(host.length).raw(host).int(address.port).bytes)
  }

  /** By every node, to its own clients. */
  announce(event: string, rest: Buffer): void {
    for (const node of this.nodes) if (node.isRunning) node.model.announce(event, rest)
  }

  close(): void {
    for (const { model } of this.nodes) model.close()
  }

  #answer(asked: ModelNode, text: string): Response | null {
    const bytes = Buffer.from(text)
    const statement = parseStatement(bytes)
    if (statement.type !== 'select' || statement.table.keyspace?.text.startsWith('system') !== true) return null
    const table = statement.table.name?.text ?? ''
    const types = COLUMNS[table]
    if (types === undefined)
      return { type: 'error', code: 0x2200, message: `unconfigured table ${table}`, rest: Buffer.alloc(0) }
    const chosen = statement.selectors.map(({ term }) => bytes.toString('utf8', term.start, term.end))
    const names = chosen.length === 0 ? Object.keys(types) : chosen
    const columns = names.map((name) => ({ keyspace: 'system', table, name, type: types[name] ?? TEXT }))
    const rows = this.#rowsOf(asked, table).map((row) =>
      columns.map(({ name, type }) => encodeValue(type, row[name] ?? null)),
    )
    return { type: 'rows', metadata: metadataOf(columns), rows }
  }

  #rowsOf(asked: ModelNode, table: string): readonly Row[] {
    switch (table) {
      case 'local':
        return [{ ...this.#rowOf(asked), key: 'local', cluster_name: 'model' }]
      case 'peers':
      case 'peers_v2':
        return this.nodes.filter((node) => node !== asked).map((node) => this.#rowOf(node))
      case 'keyspaces':
        return MODEL_KEYSPACES.map((keyspace_name) => {
          const replication = [
            ['class', 'org.apache.cassandra.locator.SimpleStrategy'],
            ['replication_factor', '2'],
          ]
          return { keyspace_name, replication }
        })
      case 'columns':
        return MODEL_KEYSPACES.map((keyspace_name) => {
          return { keyspace_name, table_name: 't', column_name: 'k', kind: 'partition_key', position: 0, type: 'text' }
        })
      default:
        return []
    }
  }

  #rowOf({ options: { address, hostId, rack, token } }: ModelNode): Row {
    return {
      host_id: hostId,
      data_center: 'dc1',
      rack,
      tokens: [token],
      release_version: '4.1.10',
      schema_version: '00000000-0000-4000-8000-000000000001',
      partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
      broadcast_address: address.host,
      rpc_address: address.host,
      rpc_port: address.port,
      native_address: address.host,
      native_port: address.port,
      peer: address.host,
      peer_port: 7000,
    }
  }
}
