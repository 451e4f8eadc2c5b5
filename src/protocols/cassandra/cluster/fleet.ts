import type { Address } from '../../../world/world.ts'

/** A proxy, as clients are told of it: a node of a cluster that is all proxies. */
export interface FleetNode {
  readonly address: Address
  readonly datacenter: string
  readonly rack: string
  /** UUID, in lower case. */
  readonly hostId: string
}

/** The proxies in front of a cluster. */
export interface Fleet {
  /** This process. */
  readonly local: FleetNode
  readonly peers: readonly FleetNode[]
}

/** The fleet of which the node with this id is the local one. Throws where there is none. */
export function fleetOf(nodes: readonly FleetNode[], localHostId: string): Fleet {
  const id = localHostId.toLowerCase()
  const local = nodes.find(({ hostId }) => hostId === id)
  if (local === undefined) throw new Error(`local host_id ${id} was missing in shotover_nodes`)
  return { local, peers: nodes.filter((node) => node !== local) }
}
