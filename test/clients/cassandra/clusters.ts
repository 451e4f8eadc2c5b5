import { report, title } from '../report.ts'
import { startCassandraCluster } from './cluster-server.ts'
import { compareCluster } from './cluster-checks.ts'
import { compareFleet } from './fleet.ts'

// What takes several nodes of Cassandra.

/** Three nodes in two racks; all of it takes some minutes. */
export async function compareClusters(): Promise<void> {
  await using cluster = await startCassandraCluster(['r1', 'r1', 'r2'])
  title('three nodes of Cassandra in two racks')
  const { problems, cases } = await compareFleet(cluster)
  report('clients see the proxies, and no node', problems, cases)
  for (const each of await compareCluster(cluster)) report(each.name, each.problems, each.cases)
}
