// Hot path
import type { KeyColumn } from '../cql/partition-key.ts'
import { ReplicaMap, Ring, type Replication } from '../replicas.ts'
import type { Partitioner } from '../token.ts'
import type { ClusterNode } from './node.ts'
import type { Schema } from './schema.ts'

const NONE: readonly ClusterNode[] = []

/** What is known of the cluster at one moment. Immutable: a change makes another one. */
export class ClusterView {
  /** Those of the local data centre. */
  readonly nodes: readonly ClusterNode[]
  /** Null: one whose tokens can't be calculated here. */
  readonly partitioner: Partitioner | null
  readonly schema: Schema
  readonly #datacenter: string
  readonly #ring: Ring<ClusterNode>
  /** Keyspaces that are replicated alike share one. */
  readonly #maps = new Map<string, ReplicaMap<ClusterNode>>()
  readonly #byKeyspace = new Map<string, ReplicaMap<ClusterNode> | null>()

  /** `nodes`: those of all data centres, for the ring; `datacenter`: the local one. */
  constructor(nodes: readonly ClusterNode[], datacenter: string, partitioner: Partitioner | null, schema: Schema) {
    this.nodes = localOf(nodes, datacenter)
    this.partitioner = partitioner
    this.schema = schema
    this.#datacenter = datacenter
    this.#ring = ringOf(nodes, partitioner)
  }

  /**
   * Who of the local data centre has the partition with the key `bytes[at, end)`, in the server's order: the first is the primary one.
   * Nobody where that can't be told.
   */
  replicas(keyspace: string, bytes: Buffer, at = 0, end = bytes.length): readonly ClusterNode[] {
    let map = this.#byKeyspace.get(keyspace)
    if (map === undefined) map = this.#mapOf(keyspace)
    if (map === null) return NONE
    return map.at(this.partitioner!.indexIn(this.#ring.tokens, bytes, at, end))
  }

  // Cold: once a keyspace
  #mapOf(keyspace: string): ReplicaMap<ClusterNode> | null {
    const map = this.#mapFor(this.schema.replications.get(keyspace) ?? null)
    this.#byKeyspace.set(keyspace, map)
    return map
  }

  // Cold: once a keyspace
  #mapFor(replication: Replication | null): ReplicaMap<ClusterNode> | null {
    if (this.partitioner === null || replication === null) return null
    const local = localPart(replication, this.#datacenter)
    const name = local.strategy === 'network' ? `network ${local.factors.get(this.#datacenter)}` : JSON.stringify(local)
    let map = this.#maps.get(name)
    if (map === undefined) {
      map = new ReplicaMap(this.#ring, local, ({ datacenter }) => datacenter === this.#datacenter)
      this.#maps.set(name, map)
    }
    return map
  }

  /** The columns of the partition key of a table or view, in their order; null where that is not known. */
  keyColumns(keyspace: string, table: string): readonly KeyColumn[] | null {
    return this.schema.keyColumns(keyspace, table)
  }
}

// Cold: once a view
function localOf(nodes: readonly ClusterNode[], datacenter: string): readonly ClusterNode[] {
  return nodes.filter((node) => node.datacenter === datacenter)
}

// Cold: once a view
function ringOf(nodes: readonly ClusterNode[], partitioner: Partitioner | null): Ring<ClusterNode> {
  if (partitioner === null) return new Ring<ClusterNode>([])
  return new Ring(nodes.flatMap((node) => node.tokens.map((token) => ({ token: partitioner.parse(token), node }))))
}

/** What other data centres have of it is nobody's business here. */
// Cold: once a keyspace
function localPart(replication: Replication, datacenter: string): Replication {
  if (replication.strategy !== 'network') return replication
  return { strategy: 'network', factors: new Map([[datacenter, replication.factors.get(datacenter) ?? 0]]) }
}
