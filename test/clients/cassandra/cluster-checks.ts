import type { Comparison } from './answers.ts'
import { compareChanges } from './cluster-changes.ts'
import type { CassandraCluster } from './cluster-server.ts'
import { compareCoordinators } from './coordinators.ts'
import { createTables } from './key-cases.ts'
import { RawClient } from './raw.ts'
import { compareRoutes, holds, watch } from './routing.ts'

const KEYS = 1008
const COORDINATED_KEYS = 84

/**
 * Of three nodes, two in the rack r1 and one in r2: who has a key, who gets its requests, and what becomes known of changes, which stay:
 * in the end there are two nodes.
 */
export async function compareCluster(cluster: CassandraCluster): Promise<Comparison[]> {
  const [node] = cluster.nodes
  const areAlive = async () => (await cluster.nodetool(node!, 'livenodes')).split(' ').length === 3
  if (!(await holds(areAlive, 60_000))) return [{ name: 'the cluster', problems: ['its nodes do not see each other'], cases: 0 }] // prettier-ignore
  const client = await RawClient.connect(node!.port, 4, node!.host)
  const tables = await createTables(client)
  client.close()
  const told: Comparison[] = []
  const { topology, close } = await watch(cluster, 'r1')
  await holds(() => topology.view?.nodes.length === 3, 20_000)
  const routes = await compareRoutes(cluster, node!, topology, tables, KEYS)
  close()
  const name = `replicas of ${routes.keys} keys, of which nodetool getendpoints takes ${routes.asked}, by ${routes.requests} requests`
  told.push({ name, problems: routes.problems, cases: routes.requests })
  for (const rack of ['r1', 'r2']) {
    const { requests, outOfRack, problems } = await compareCoordinators(cluster, node!, tables, rack, COORDINATED_KEYS)
    told.push({ name: `coordinators of ${requests} requests from ${rack}, of which ${outOfRack} had to leave it`, problems, cases: requests }) // prettier-ignore
  }
  told.push(...(await compareChanges(cluster, tables)))
  return told
}
