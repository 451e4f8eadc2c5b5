// Hot path
import type { Cluster, Member } from '../../../core/cluster.ts'
import type { Sharing } from '../../../core/sharing.ts'
import type { Random } from '../../../world/world.ts'
import type { ClusterNode } from './node.ts'
import type { ClusterView } from './view.ts'

/** The nodes of a view by how near they are, and the connections to each. Made anew with each view. */
export class Places {
  readonly view: ClusterView
  /** Of the proxy's own rack. */
  readonly inRack: readonly Member[]
  /** Of the other racks of its data centre. */
  readonly outOfRack: readonly Member[]
  readonly #members = new Map<ClusterNode, Member>()
  readonly #isInRack = new Set<Member>()

  // Cold: once a view
  constructor(view: ClusterView, rack: string, cluster: Cluster) {
    this.view = view
    const outOfRack: Member[] = []
    for (const node of view.nodes) {
      const member = cluster.member(node.endpoint)
      this.#members.set(node, member)
      if (node.rack === rack) this.#isInRack.add(member)
      else outOfRack.push(member)
    }
    this.inRack = [...this.#isInRack]
    this.outOfRack = outOfRack
  }

  /** Those of all nodes. */
  get all(): Iterable<Member> {
    return this.#members.values()
  }

  has(member: Member): boolean {
    return this.#isInRack.has(member) || this.outOfRack.includes(member)
  }

  isInRack(member: Member): boolean {
    return this.#isInRack.has(member)
  }

  /** Appends those of the nodes that are in the rack, or that are not. */
  select(nodes: readonly ClusterNode[], inRack: boolean, into: Member[]): void {
    for (let i = 0; i < nodes.length; i++) {
      const member = this.#members.get(nodes[i]!)
      if (member !== undefined && this.#isInRack.has(member) === inRack) into.push(member)
    }
  }
}

/**
 * One of those that are up, at random, but for those of `tried`; null: there is none. Whether those that are down still are is found out
 * on the way, with connections that `sharing`'s session could use.
 */
export function pickUp(
  members: readonly Member[],
  tried: ReadonlySet<Member> | null,
  sharing: Sharing,
  random: Random,
): Member | null {
  let count = 0
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!
    if (!member.isUp) member.revive(sharing)
    if (member.isUp && tried?.has(member) !== true) count++
  }
  if (count === 0) return null
  let left = count === 1 ? 0 : Math.floor(random.next() * count)
  for (let i = 0; i < members.length; i++) {
    const member = members[i]!
    if (member.isUp && tried?.has(member) !== true && left-- === 0) return member
  }
  return null
}

/** One of them, up or not, but for those of `tried`; null: there is none. */
// Cold: no server is up
export function pickAny(members: readonly Member[], tried: ReadonlySet<Member> | null, random: Random): Member | null {
  const left = members.filter((member) => !member.hasLeft && tried?.has(member) !== true)
  return left.length === 0 ? null : left[Math.floor(random.next() * left.length)]!
}
