import { Tokens } from './tokens.ts'

/** A node as far as its place counts. */
export interface RingNode {
  readonly datacenter: string
  readonly rack: string
}

/** How a keyspace is replicated. `simple`: so many nodes along the ring; `network`: so many in each data centre; `all`: every node. */
export type Replication =
  | { readonly strategy: 'simple'; readonly factor: number }
  | { readonly strategy: 'network'; readonly factors: ReadonlyMap<string, number> }
  | { readonly strategy: 'all' }

/**
 * The column `replication` of system_schema.keyspaces. Null for what has no replicas on the ring, LocalStrategy, and for strategies that
 * are not known.
 */
export function parseReplication(options: ReadonlyMap<string, string>): Replication | null {
  const name = options.get('class')?.split('.').pop() ?? ''
  switch (name) {
    case 'SimpleStrategy':
      return { strategy: 'simple', factor: factorOf(options.get('replication_factor') ?? '') }
    case 'NetworkTopologyStrategy': {
      const factors = new Map<string, number>()
      for (const [key, value] of options) if (key !== 'class' && key !== 'replication_factor') factors.set(key, factorOf(value)) // prettier-ignore
      return { strategy: 'network', factors }
    }
    case 'EverywhereStrategy':
      return { strategy: 'all' }
    default:
      return null
  }
}

/** `3`, or `3/1` of which one is transient: it is a replica too. */
function factorOf(text: string): number {
  const factor = parseInt(text, 10)
  return Number.isInteger(factor) && factor > 0 ? factor : 0
}

interface Place<Node> {
  readonly token: bigint
  readonly node: Node
}

/** The nodes of a cluster by their tokens. */
export class Ring<Node extends RingNode> {
  readonly nodes: ReadonlySet<Node>
  readonly tokens: Tokens
  readonly #owners: readonly Node[]

  /** Of a token that several nodes claim, the last one has it. */
  constructor(places: Iterable<Place<Node>>) {
    const owners = new Map<bigint, Node>()
    for (const { token, node } of places) owners.set(token, node)
    const tokens = [...owners.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    this.tokens = new Tokens(tokens)
    this.#owners = tokens.map((token) => owners.get(token)!)
    this.nodes = new Set(this.#owners)
  }

  /** How many tokens there are. */
  get size(): number {
    return this.#owners.length
  }

  /** The node at a place, or so many places along the ring from the first one. */
  owner(index: number): Node {
    return this.#owners[index % this.#owners.length]!
  }
}

/** Who has the partitions of a keyspace. Made anew when the ring or the keyspace changes. */
export class ReplicaMap<Node extends RingNode> {
  readonly #ring: Ring<Node>
  readonly #replication: Replication
  readonly #keeps: (node: Node) => boolean
  /** By the place on the ring: all partitions up to a token have the same replicas. */
  readonly #known: (readonly Node[] | undefined)[]

  /** `keeps`: replicas that it does not keep are left out. */
  constructor(ring: Ring<Node>, replication: Replication, keeps: (node: Node) => boolean = () => true) {
    this.#ring = ring
    this.#replication = replication
    this.#keeps = keeps
    this.#known = new Array<undefined>(ring.size).fill(undefined)
  }

  /** The replicas of a token, in the server's order: the first is the primary one. */
  of(token: bigint): readonly Node[] {
    return this.at(this.#ring.tokens.indexOf(token))
  }

  /** Those of the tokens up to the one at this place of the ring. */
  at(index: number): readonly Node[] {
    return (this.#known[index] ??= this.#ring.size === 0 ? [] : this.#walk(index).filter(this.#keeps))
  }

  #walk(index: number): Node[] {
    const replication = this.#replication
    switch (replication.strategy) {
      case 'simple':
        return simpleReplicas(this.#ring, index, replication.factor)
      case 'network':
        return networkReplicas(this.#ring, index, replication.factors)
      case 'all':
        return simpleReplicas(this.#ring, index, this.#ring.nodes.size)
    }
  }
}

/** The next nodes along the ring, each once: locator/SimpleStrategy.java of Apache Cassandra. */
function simpleReplicas<Node extends RingNode>(ring: Ring<Node>, index: number, factor: number): Node[] {
  const found = new Set<Node>()
  for (let i = 0; i < ring.size && found.size < factor; i++) found.add(ring.owner(index + i))
  return [...found]
}

/** What a data centre still needs. */
interface Wanted {
  left: number
  /** So many more may stand in a rack that has a replica already: those that there are no racks for. */
  repeatsLeft: number
  readonly racks: Set<string>
}

/** Along the ring, in each data centre first from as many racks as can be: locator/NetworkTopologyStrategy.java of Apache Cassandra. */
function networkReplicas<Node extends RingNode>(
  ring: Ring<Node>,
  index: number,
  factors: ReadonlyMap<string, number>,
): Node[] {
  const wanted = wantedOf(ring, factors)
  const found = new Set<Node>()
  let open = wanted.size
  for (let i = 0; i < ring.size && open > 0; i++) {
    const node = ring.owner(index + i)
    const of = wanted.get(node.datacenter)
    if (of === undefined || of.left === 0 || found.has(node)) continue
    if (of.racks.has(node.rack)) {
      if (of.repeatsLeft <= 0) continue
      of.repeatsLeft--
    } else of.racks.add(node.rack)
    found.add(node)
    if (--of.left === 0) open--
  }
  return [...found]
}

function wantedOf<Node extends RingNode>(ring: Ring<Node>, factors: ReadonlyMap<string, number>): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const [datacenter, factor] of factors) {
    let nodes = 0
    const racks = new Set<string>()
    for (const node of ring.nodes) {
      if (node.datacenter !== datacenter) continue
      nodes++
      racks.add(node.rack)
    }
    const left = Math.min(factor, nodes)
    if (left > 0) wanted.set(datacenter, { left, repeatsLeft: factor - racks.size, racks: new Set() })
  }
  return wanted
}
