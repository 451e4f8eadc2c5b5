import type { Address } from '../../../world/world.ts'
import type { RingNode } from '../replicas.ts'

/** A node of the cluster, as the system tables tell of it. */
export interface ClusterNode extends RingNode {
  /** UUID, in lower case. */
  readonly hostId: string
  /** Where it takes clients. */
  readonly endpoint: Address
  readonly tokens: readonly string[]
}

/** Does all that is told of them agree? */
export function isSameNode(a: ClusterNode, b: ClusterNode): boolean {
  return (
    a.hostId === b.hostId &&
    a.endpoint.host === b.endpoint.host &&
    a.endpoint.port === b.endpoint.port &&
    a.datacenter === b.datacenter &&
    a.rack === b.rack &&
    a.tokens.length === b.tokens.length &&
    a.tokens.every((token, index) => token === b.tokens[index])
  )
}
