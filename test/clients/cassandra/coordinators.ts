import type { Frame } from '../../../src/core/frame.ts'
import { readInet, readUuid } from '../../../src/protocols/cassandra/body/addresses.ts'
import { bodyOf, encodeBody, plain } from '../../../src/protocols/cassandra/body/body.ts'
import { startProxy } from '../../real/proxy.ts'
import { drawPort } from '../../real/servers.ts'
import type { CassandraCluster, ClusterNodeServer } from './cluster-server.ts'
import { answerOf, KeyCase, query, type KeyedTable } from './key-cases.ts'
import { Truth } from './key-owners.ts'
import { RawClient } from './raw.ts'
import { holds, Preparer } from './routing.ts'
import { cassandraTopology, fleetOfOne } from './topologies.ts'

// Which node gets a request that goes through the proxy: the server's own traces tell.

interface Sent {
  readonly what: string
  readonly replicas: readonly string[]
  /** Of the trace. */
  readonly session: string
}

interface Told {
  readonly requests: number
  readonly outOfRack: number
  readonly problems: readonly string[]
}

/** `count` random keys, each in all forms, through a proxy in `rack`, in one version of the protocol after the other. */
export async function compareCoordinators(
  cluster: CassandraCluster,
  node: ClusterNodeServer,
  all: readonly KeyedTable[],
  rack: string,
  count: number,
): Promise<Told> {
  const metrics = `127.0.0.1:${drawPort()}`
  await using proxy = await startProxy({
    topology: (listen) => cassandraTopology(listen, node.address, fleetOfOne('dc1', rack)),
    config: `observability_interface: "${metrics}"`,
  })
  const direct = await RawClient.connect(node.port, 4, node.host)
  const truth = new Truth(cluster, node, direct)
  const inRack = new Set(cluster.nodes.filter((each) => each.rack === rack).map(({ host }) => host))
  const ways = await Promise.all(
    [3, 4, 5].map(async (version) => new Preparer(await RawClient.connect(proxy.port, version))),
  )
  await proxy.logged(({ message }) => message.startsWith('Topology task control connection finalized'), 20_000)
  // The proxy has asked for the schema when that is said.
  const sent: Sent[] = []
  const problems: string[] = []
  for (let i = 0; i < count; i++) {
    const key = new KeyCase(all[i % all.length]!)
    await answerOf(direct, key.insertion())
    const replicas = await truth.byToken(key)
    const preparer = ways[i % ways.length]!
    const { client } = preparer
    for (const [form, message] of key.requests(await preparer.ids(key))) {
      const what = `${key.name} version ${client.version} ${form}`
      const reply: Frame = await client.send(encodeBody({ ...plain(client.version, message), tracing: true }, 1))
      const { tracing, message: answer } = bodyOf(reply)
      if (answer.type === 'error' || !Buffer.isBuffer(tracing)) problems.push(`${what}: ${JSON.stringify(answer)}`)
      else sent.push({ what, replicas, session: readUuid(tracing) })
    }
  }
  const coordinators = await traced(direct, sent)
  for (const { what, replicas, session } of sent) {
    const coordinator = coordinators.get(session) ?? 'nobody'
    const near = replicas.filter((host) => inRack.has(host))
    if (!(near.length > 0 ? near : replicas).includes(coordinator))
      problems.push(`${what}: ${coordinator} got it, and ${replicas.join()} have it`)
  }
  const expected = sent.filter(({ replicas }) => !replicas.some((host) => inRack.has(host))).length
  const exposition = await (await fetch(`http://${metrics}/metrics`)).text()
  const outOfRack = Number(/^shotover_out_of_rack_requests_count\{.*\} (\d+)$/m.exec(exposition)?.[1])
  if (outOfRack !== expected) problems.push(`${outOfRack} requests are said to have left the rack, ${expected} had to`)
  problems.push(...proxy.complaints)
  for (const { client } of ways) client.close()
  direct.close()
  return { requests: sent.length, outOfRack, problems: problems.slice(0, 20) }
}

/** The coordinator of each session, as soon as all of them have been written down. */
async function traced(client: RawClient, sent: readonly Sent[]): Promise<Map<string, string>> {
  const coordinators = new Map<string, string>()
  await holds(async () => {
    const left = sent.filter(({ session }) => !coordinators.has(session)).slice(0, 100)
    if (left.length === 0) return true
    const sessions = left.map(({ session }) => session).join()
    const answer = await answerOf(client, query(`SELECT session_id, coordinator FROM system_traces.sessions WHERE session_id IN (${sessions})`)) // prettier-ignore
    if (answer.type === 'rows')
      for (const [session, coordinator] of answer.rows)
        if (coordinator) coordinators.set(readUuid(session!), readInet(coordinator))
    return coordinators.size === sent.length
  }, 60_000)
  return coordinators
}
