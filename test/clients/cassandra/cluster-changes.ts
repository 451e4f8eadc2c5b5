import { bodyOf } from '../../../src/protocols/cassandra/body/body.ts'
import type { Comparison } from './answers.ts'
import type { CassandraCluster } from './cluster-server.ts'
import { agreed, define, type KeyedTable } from './key-cases.ts'
import { RawClient } from './raw.ts'
import { compareRoutes, holds, watch } from './routing.ts'

// A cluster that changes while it is watched: what is known of it must be what it has become.

const SOON_MS = 15_000
const KEYS = 84

export async function compareChanges(cluster: CassandraCluster, tables: readonly KeyedTable[]): Promise<Comparison[]> {
  const { topology, lines, close } = await watch(cluster, 'r1')
  const [first, second, third] = cluster.nodes
  const events: string[] = []
  topology.onEvent((event) => {
    const { message } = bodyOf(event)
    if (message.type === 'event') events.push(message.event)
  })
  const told: Comparison[] = []
  const step = async (name: string, run: () => Promise<readonly string[]>) => {
    const problems = await run().catch((error: Error) => [error.message])
    told.push({ name, problems, cases: problems.length === 0 ? 1 : 0 })
  }
  const becomes = async (what: string, is: () => boolean, ms = SOON_MS) => ((await holds(is, ms)) ? [] : [`${what} is not known: ${lines.join(' | ')}`]) // prettier-ignore
  const nodes = () => topology.view?.nodes.map(({ endpoint }) => endpoint.host).sort().join() // prettier-ignore
  const are = (what: string, ms = SOON_MS) => {
    const hosts = cluster.nodes.filter((node) => node.isMember).map(({ host }) => host).sort().join() // prettier-ignore
    return becomes(`that the nodes are ${hosts}, ${what},`, () => nodes() === hosts, ms)
  }
  const keys = async (of = tables) => (await compareRoutes(cluster, second!, topology, of, KEYS)).problems

  await step('what is known at first', async () => [...(await are('at first')), ...(await keys())])
  const client = await RawClient.connect(second!.port, 4, second!.host)
  await step('a table that is made, and dropped', async () => {
    await define(client, 'CREATE TABLE simple1.later (a int, b text, c int, PRIMARY KEY ((b, a), c))')
    const made = await becomes('simple1.later', () => topology.view!.keyColumns('simple1', 'later')?.length === 2)
    await define(client, 'DROP TABLE simple1.later')
    return [
      ...made,
      ...(await becomes('that it is gone', () => topology.view!.keyColumns('simple1', 'later') === null)),
    ]
  })
  await step('a keyspace that gets other replicas', async () => {
    await define(client, `ALTER KEYSPACE simple1 WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2}`)
    await agreed(client)
    const changed = await becomes('that simple1 has two replicas', () => topology.view!.replicas('simple1', Buffer.from('k')).length === 2) // prettier-ignore
    return [...changed, ...(await keys(tables.filter(({ keyspace }) => keyspace === 'simple1')))]
  })
  await step('the node that is asked is stopped, and starts again', async () => {
    const isMoved = () => lines.filter((line) => line.includes('finalized against node')).length === 2
    await first!.stop()
    const moved = await becomes('the cluster by another node', isMoved)
    await first!.start()
    const back = await becomes('that it is back', () => events.includes('STATUS_CHANGE'))
    return [...moved, ...back, ...(await are('of which one was away'))]
  })
  await step('a node is added', async () => {
    const fourth = cluster.add('r2', 4)
    await fourth.start()
    return [...(await are('of which one is new', 60_000)), ...(await keys())]
  })
  await step('it is decommissioned', async () => {
    const fourth = cluster.nodes.at(-1)!
    await cluster.nodetool(fourth, 'decommission')
    await fourth.stop()
    fourth.isMember = false
    return [...(await are('of which one has left', 60_000)), ...(await keys())]
  })
  await step('one dies and is removed', async () => {
    const id = topology.view!.nodes.find(({ endpoint }) => endpoint.host === third!.host)!.hostId
    await third!.stop('SIGKILL')
    const isDown = async () => !(await cluster.nodetool(second!, 'livenodes')).split(' ').some((live) => live.startsWith(`${third!.host}:`)) // prettier-ignore
    if (!(await holds(isDown, 120_000))) return ['the others still take it for alive']
    await cluster.nodetool(second!, 'removenode', id)
    third!.isMember = false
    return [...(await are('of which one was removed', 60_000)), ...(await keys())]
  })
  client.close()
  close()
  return told
}
