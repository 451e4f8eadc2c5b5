import type { Cluster, Member } from '../../../core/cluster.ts'
import { ask } from '../../../core/ask.ts'
import type { Counter, Env } from '../../../core/kind.ts'
import type { Frame } from '../../../core/frame.ts'
import type { Address } from '../../../world/world.ts'
import { RESULT } from '../opcodes.ts'
import type { CassandraSharing } from '../sharing.ts'
import type { Fleet } from './fleet.ts'
import { Places } from './places.ts'
import { Router } from './routing.ts'
import { prepareFrame, Statements, type PreparedStatement } from './statements.ts'
import { ClusterTopology } from './topology.ts'

/** What the sessions of one thread in front of one cluster have in common. */
export class Hub {
  readonly env: Env
  readonly cluster: Cluster
  readonly fleet: Fleet
  readonly contactPoints: readonly Member[]
  readonly topology: ClusterTopology
  readonly statements = new Statements()
  readonly router: Router
  /** Requests that left the rack, since no node there had what they are about. */
  readonly outOfRack: Counter
  /** Null: the cluster is not known yet. */
  places: Places | null = null
  /** Sessions that want events. */
  readonly #listeners = new Set<(event: Frame) => void>()
  /** PREPAREs of the proxy's own that are under way, by node, attributes and statement. */
  readonly #preparing = new Map<string, Promise<boolean>>()

  constructor(env: Env, type: string, cluster: Cluster, fleet: Fleet, contactPoints: readonly Address[]) {
    this.env = env
    this.cluster = cluster
    this.fleet = fleet
    this.contactPoints = contactPoints.map((endpoint) => cluster.member(endpoint))
    this.outOfRack = env.metrics.counter('shotover_out_of_rack_requests_count', { chain: env.chain, transform: type })
    this.router = new Router({ find: () => null })
    const pool = (endpoint: Address) => cluster.member(endpoint).pool
    this.topology = new ClusterTopology({ world: env.world, log: env.log, fleet, contactPoints, pool })
    this.topology.onChange((view) => {
      this.places = new Places(view, fleet.local.rack, cluster)
      cluster.keep(new Set([...this.places.all, ...this.contactPoints]))
    })
    this.topology.onEvent((event) => {
      for (const listener of this.#listeners) listener(event)
    })
    env.onClose(() => this.topology.close())
  }

  /** `listener` gets each event of the cluster, as the topology does. Returns what ends that. */
  listen(listener: (event: Frame) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Has a node prepare what another one has. False: it would not. Rejects where it could not be asked. */
  prepareOn(member: Member, statement: PreparedStatement, sharing: CassandraSharing): Promise<boolean> {
    // The id is made of the text and the keyspace of the connection.
    const { key, handshake } = sharing.within(statement.keyspace)
    const name = `${member.slot} ${statement.id.toString('latin1')} ${key}`
    let preparing = this.#preparing.get(name)
    if (preparing === undefined) {
      const request = prepareFrame(statement, sharing.login.version)
      const asked = ask(member.pool.share(key, handshake), request, this.env.limits.frameBytesMax)
      preparing = asked.then(({ kind }) => kind === RESULT).finally(() => this.#preparing.delete(name))
      this.#preparing.set(name, preparing)
    }
    return preparing
  }
}
