import { setTimeout as wait } from 'node:timers/promises'
import { Client, policies, types } from 'cassandra-driver'
import { startProxy } from '../../real/proxy.ts'
import { drawPort } from '../../real/servers.ts'
import type { Comparison } from './answers.ts'
import { startCassandraCluster, type CassandraCluster, type ClusterNodeServer } from './cluster-server.ts'

// Nodes that die, stop, come back and join behind CassandraSinkCluster, while the driver for Node uses prepared statements.

const { AllowListPolicy, RoundRobinPolicy } = policies.loadBalancing
const HOST_ID = '2dd022d6-2937-4754-89d6-02d2933a8f7a'
const LANES = 24
/** A node that says nothing is given up after 10 s. */
const SILENT_MS = 12_000
const FOUND_MS = 60_000
const TOLD = /^Internal shotover error: The other side of this connection/

/** Writes and reads its own keys without end, and keeps what came of that. */
class Load {
  readonly client: Client
  answered = 0
  failed = 0
  slowestMs = 0
  /** What may never be. */
  readonly wrong: string[] = []
  #isOver = false
  readonly #lanes: Promise<void>[]

  constructor(client: Client) {
    this.client = client
    this.#lanes = Array.from({ length: LANES }, (_, lane) => this.#run(lane))
  }

  /** What has come since this was last asked. */
  take(): { answered: number; failed: number; slowestMs: number } {
    const { answered, failed, slowestMs } = this
    this.answered = this.failed = this.slowestMs = 0
    return { answered, failed, slowestMs }
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#lanes)
  }

  async #run(lane: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const key = lane * 1000 + (n % 100)
      const value = `${key} ${n}`
      if (!(await this.#ask('INSERT INTO nodes.t (k, v) VALUES (?, ?)', [key, value]))) continue
      const rows = await this.#ask('SELECT k, v FROM nodes.t WHERE k = ?', [key])
      if (rows === null) continue
      const found = rows[0]?.['v'] as string | undefined
      if (found !== value) this.wrong.push(`${key} holds ${found} instead of ${value}`)
    }
  }

  async #ask(text: string, values: unknown[]): Promise<types.Row[] | null> {
    const began = performance.now()
    try {
      const { rows } = await this.client.execute(text, values, { prepare: true })
      this.answered++
      return rows ?? []
    } catch (error) {
      this.failed++
      const { message } = error as Error
      if (!TOLD.test(message)) this.wrong.push(message)
      return null
    } finally {
      this.slowestMs = Math.max(this.slowestMs, performance.now() - began)
    }
  }
}

/** What goes on before three nodes in two racks, of which one proxy serves the first. */
export async function compareNodes(): Promise<Comparison[]> {
  await using cluster = await startCassandraCluster(['r1', 'r1', 'r2'])
  const topology = (listen: string) => `sources:
  - Cassandra:
      name: cassandra
      listen_addr: "${listen}"
      chain:
        - CassandraSinkCluster:
            first_contact_points: ["${cluster.nodes[0]!.address}", "${cluster.nodes[2]!.address}"]
            local_shotover_host_id: "${HOST_ID}"
            shotover_nodes: [{ address: "${listen}", data_center: dc1, rack: r1, host_id: "${HOST_ID}" }]
            connect_timeout_ms: 3000
`
  const port = drawPort()
  await using proxy = await startProxy({ topology, config: `observability_interface: "127.0.0.1:${port}"` })
  const client = new Client({
    contactPoints: ['127.0.0.1'],
    localDataCenter: 'dc1',
    protocolOptions: { port: proxy.port },
    queryOptions: { consistency: types.consistencies.localQuorum },
    socketOptions: { readTimeout: 60_000 },
  })
  try {
    await client.execute("CREATE KEYSPACE nodes WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}")
    await client.execute('CREATE TABLE nodes.t (k int PRIMARY KEY, v text)')
    return await new Nodes(cluster, port, new Load(client)).compare()
  } finally {
    await client.shutdown()
  }
}

class Nodes {
  readonly #cluster: CassandraCluster
  readonly #metricsPort: number
  readonly #load: Load
  readonly #told: Comparison[] = []

  constructor(cluster: CassandraCluster, metricsPort: number, load: Load) {
    this.#cluster = cluster
    this.#metricsPort = metricsPort
    this.#load = load
  }

  async compare(): Promise<Comparison[]> {
    const node = this.#cluster.nodes[1]!
    await wait(2000)
    const connections = await this.#metric('connections_opened')
    await this.#phase('nothing leaves the rack while its nodes are up', 0, 2000, async () => {
      await wait(3000)
      return (await this.#metric('shotover_out_of_rack_requests_count')) === 0 ? null : 'some requests did'
    })
    await this.#phase('a node that is killed fails what is in flight there at most', LANES, 4000, async () => {
      await node.stop('SIGKILL')
      await wait(6000)
      return null
    })
    // One that has just begun may be slow enough to count as silent.
    await this.#phase('a node that is back is found, and prepared on, and nothing fails', 0, SILENT_MS, async () => {
      await node.start()
      return this.#isUsed(node)
    })
    await this.#phase(
      'a node that is stopped holds up what it owes for ten seconds at most',
      LANES,
      SILENT_MS,
      async () => {
        process.kill(node.pid, 'SIGSTOP')
        await wait(5000)
        const { answered } = this.#load
        await wait(9000)
        process.kill(node.pid, 'SIGCONT')
        return this.#load.answered > answered + 100
          ? null
          : `${this.#load.answered - answered} answers while it was stopped`
      },
    )
    await this.#phase('a node that goes on is found', 0, SILENT_MS, () => this.#isUsed(node))
    await this.#phase('a node that joins is found, and nothing fails', 0, 4000, async () => {
      const joined = this.#cluster.add('r1', 4)
      await joined.start()
      return this.#isUsed(joined)
    })
    await this.#load.end()
    const { wrong } = this.#load
    this.#tell('what was written is what is read, and errors are those of lost connections', wrong.slice(0, 5))
    const opened = await this.#metric('connections_opened')
    this.#tell('no client has had to connect again', opened === connections ? [] : [`${opened} instead of ${connections} connections`]) // prettier-ignore
    return this.#told
  }

  /** Under load: `failedMax` requests may fail, none may take longer. */
  async #phase(name: string, failedMax: number, slowestMs: number, act: () => Promise<string | null>): Promise<void> {
    this.#load.take()
    const problem = await act()
    const came = this.#load.take()
    const problems = problem === null ? [] : [problem]
    if (came.failed > failedMax) problems.push(`${came.failed} requests failed`)
    if (came.slowestMs > slowestMs) problems.push(`one took ${Math.round(came.slowestMs)} ms`)
    if (came.answered === 0) problems.push('nothing was answered')
    this.#tell(name, problems)
  }

  async #metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text()
    const lines = text.split('\n').filter((line) => line.startsWith(name))
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
  }

  #tell(name: string, problems: readonly string[]): void {
    this.#told.push({ name, problems, cases: problems.length === 0 ? 1 : 0 })
  }

  /** Does the proxy come to the node with requests? */
  async #isUsed(node: ClusterNodeServer): Promise<string | null> {
    const direct = new Client({
      contactPoints: [node.host],
      localDataCenter: 'dc1',
      protocolOptions: { port: node.port },
      policies: { loadBalancing: new AllowListPolicy(new RoundRobinPolicy(), [node.address]) },
    })
    try {
      for (const deadline = Date.now() + FOUND_MS; Date.now() < deadline; await wait(500)) {
        const { rows } = await direct.execute('SELECT request_count, driver_name FROM system_views.clients')
        // The driver's own two are there, and the topology's.
        const busy = rows.filter((row) => Number(row['request_count']) > 200)
        if (busy.length > 0) return null
      }
      return 'it got nothing'
    } finally {
      await direct.shutdown()
    }
  }
}
