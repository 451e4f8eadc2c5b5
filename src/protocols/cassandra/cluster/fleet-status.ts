import type { Frame } from '../../../core/frame.ts'
import type { Address } from '../../../world/world.ts'
import { parseInet } from '../body/addresses.ts'
import { encodeBody, plain } from '../body/body.ts'
import { Writer } from '../body/writer.ts'
import type { Fleet, FleetNode } from './fleet.ts'
import type { ClusterNode } from './node.ts'

/** A proxy went down, or is up, as far as clients should care. */
export interface StatusChange {
  readonly change: 'UP' | 'DOWN'
  readonly address: Address
}

/**
 * Which proxies clients are told to be down: those in whose racks no node is up. They would serve all the same, from other racks, so that a
 * proxy is never told to be down by itself, and one in whose rack no node ever was counts as up.
 */
export class FleetStatus {
  readonly #fleet: Fleet
  readonly #down = new Set<FleetNode>()

  constructor(fleet: Fleet) {
    this.#fleet = fleet
  }

  /** What has changed since this was asked last, now that these are the nodes of the cluster. */
  changes(nodes: readonly ClusterNode[], isUp: (node: ClusterNode) => boolean): StatusChange[] {
    const changes: StatusChange[] = []
    for (const proxy of this.#fleet.peers) {
      const inRack = nodes.filter(({ datacenter, rack }) => datacenter === proxy.datacenter && rack === proxy.rack)
      const isDown = inRack.length > 0 && !inRack.some(isUp)
      if (isDown === this.#down.has(proxy)) continue
      if (isDown) this.#down.add(proxy)
      else this.#down.delete(proxy)
      changes.push({ change: isDown ? 'DOWN' : 'UP', address: proxy.address })
    }
    return changes
  }
}

/** STATUS_CHANGE, native_protocol_v5.spec 4.2.6, for clients of this version. */
export function statusEvent({ change, address }: StatusChange, version: number): Frame {
  const inet = parseInet(address.host)!
  const rest = new Writer().string(change).byte(inet.length).raw(inet).int(address.port).bytes
  return encodeBody(plain(version, { type: 'event', event: 'STATUS_CHANGE', rest }), -1)
}
