import { isDeepStrictEqual } from 'node:util'
import { setTimeout as wait } from 'node:timers/promises'
import type { Frame } from '../../../src/core/frame.ts'
import type { Log } from '../../../src/core/kind.ts'
import { Pool } from '../../../src/core/pool.ts'
import { bodyOf, encodeBody, plain } from '../../../src/protocols/cassandra/body/body.ts'
import { ROUTE_KEYED, Router } from '../../../src/protocols/cassandra/cluster/routing.ts'
import { Statements } from '../../../src/protocols/cassandra/cluster/statements.ts'
import { ClusterTopology } from '../../../src/protocols/cassandra/cluster/topology.ts'
import { cassandra } from '../../../src/protocols/cassandra/index.ts'
import { nodeWorld } from '../../../src/world/node.ts'
import type { Address } from '../../../src/world/world.ts'
import { Pools } from '../../cassandra-played-cluster.ts'
import { stringMap } from '../../cassandra.ts'
import type { CassandraCluster, ClusterNodeServer } from './cluster-server.ts'
import { answerOf, KeyCase, type KeyedTable } from './key-cases.ts'
import { Truth } from './key-owners.ts'
import { RawClient } from './raw.ts'

// Which nodes a request is taken to be for, against what nodetool says of its key.

/** What a thread of the proxy would know of the cluster. */
export async function watch(cluster: CassandraCluster, rack: string) {
  const lines: string[] = []
  const take = (level: string) => (message: string) => void (level === 'debug' || lines.push(`${level} ${message}`))
  const log: Log = { debug: take('debug'), info: take('info'), warn: take('warn'), error: take('error') }
  const world = nodeWorld()
  const common = { connectTimeoutMs: 3000, protocol: cassandra, wireOptions: { cutThroughBytes: 65_536 }, world, log } // prettier-ignore
  const pools = new Pools((endpoint: Address) => new Pool({ ...common, endpoint }))
  const [first] = cluster.nodes
  const near = { host: first!.host, port: first!.port }
  const local = { address: { host: '127.0.0.1', port: 1 }, datacenter: 'dc1', rack, hostId: '' }
  const topology = new ClusterTopology({ world, log, fleet: { local, peers: [] }, contactPoints: [near], pool: (endpoint) => pools.to(endpoint) }) // prettier-ignore
  topology.loggedIn({ version: 5, startup: stringMap({ CQL_VERSION: '3.0.0' }), token: null }, near)
  const close = () => {
    topology.close()
    for (const pool of pools.all.values()) pool.close()
  }
  return { topology, lines, close }
}

/** Waits until it holds; false: it does not within so long. */
export async function holds(what: () => boolean | Promise<boolean>, ms: number): Promise<boolean> {
  for (const deadline = Date.now() + ms; Date.now() < deadline; await wait(50)) if (await what()) return true
  return what()
}

/** Prepares the statements of a key's table, once a table and connection. */
export class Preparer {
  readonly statements = new Statements()
  readonly client: RawClient
  readonly #known = new Map<string, { id: Buffer; metadataId: Buffer | null }[]>()

  constructor(client: RawClient) {
    this.client = client
  }

  async ids(key: KeyCase): Promise<{ id: Buffer; metadataId: Buffer | null }[]> {
    let ids = this.#known.get(key.name)
    if (ids === undefined) {
      ids = []
      for (const text of key.texts) {
        const request = encodeBody(plain(this.client.version, { type: 'prepare', text, keyspace: null }), 1)
        const reply = await this.client.send(request)
        const { message } = bodyOf(reply)
        if (message.type !== 'prepared') throw new Error(`${text}: ${JSON.stringify(message)}`)
        this.statements.learn(request, reply, null)
        ids.push({ id: message.id, metadataId: message.metadataId })
      }
      this.#known.set(key.name, ids)
    }
    return ids
  }
}

interface Told {
  readonly requests: number
  readonly keys: number
  readonly asked: number
  readonly problems: readonly string[]
}

/** `count` random keys, each in all forms and versions, by what `topology` knows. */
export async function compareRoutes(
  cluster: CassandraCluster,
  node: ClusterNodeServer,
  topology: ClusterTopology,
  all: readonly KeyedTable[],
  count: number,
): Promise<Told> {
  const client = await RawClient.connect(node.port, 4, node.host)
  const truth = new Truth(cluster, node, client)
  const ways = await Promise.all(
    [3, 4, 5].map(async (version) => {
      const preparer = new Preparer(await RawClient.connect(node.port, version, node.host))
      return { version, preparer, router: new Router(preparer.statements) }
    }),
  )
  const problems: string[] = []
  let requests = 0
  for (let i = 0; i < count; i++) {
    const key = new KeyCase(all[i % all.length]!)
    await answerOf(client, key.insertion())
    const replicas = await truth.replicas(key)
    for (const { version, preparer, router } of ways) {
      for (const [what, message] of key.requests(await preparer.ids(key))) {
        requests++
        const frame: Frame = encodeBody(plain(version, message), 1)
        const isKeyed = router.route(frame, null, topology.view!) === ROUTE_KEYED
        const hosts = isKeyed ? router.replicas.map(({ endpoint }) => endpoint.host) : ['any']
        if (!isDeepStrictEqual(hosts, replicas)) problems.push(`${key.name} (${key.table.types.map(({ name }) => name).join()}) version ${version} ${what} ${JSON.stringify(key.values)}: ${hosts.join()}, and nodetool says ${replicas.join()}`) // prettier-ignore
      }
    }
  }
  client.close()
  for (const { preparer } of ways) preparer.client.close()
  return { requests, keys: count, asked: truth.asked, problems: problems.slice(0, 20) }
}
