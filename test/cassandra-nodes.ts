import type { ClusterNode } from '../src/protocols/cassandra/cluster/node.ts'

/** A node of a cluster of Cassandra, for tests, whose host id is its name; `place`: `data centre:rack`. */
export function clusterNode(name: string, place: string, ...tokens: string[]): ClusterNode {
  const [datacenter, rack] = place.split(':') as [string, string]
  const endpoint = { host: `${name}.test`, port: 9042 }
  return { hostId: name, endpoint, datacenter, rack, tokens }
}
