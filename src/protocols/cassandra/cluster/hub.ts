import { ask } from '../../../core/ask.ts'
import type { Cluster, Member } from '../../../core/cluster.ts'
import type { Frame } from '../../../core/frame.ts'
import type { Counter, Env } from '../../../core/kind.ts'
import { LostError } from '../../../core/loss.ts'
import type { Greeting } from '../../../core/sharing.ts'
import type { Address } from '../../../world/world.ts'
import { readInet } from '../body/addresses.ts'
import { bodyOf } from '../body/body.ts'
import { CorruptError } from '../corrupt-error.ts'
import { UNPARSED_METRIC } from '../cql/unparsed.ts'
import { RESULT } from '../opcodes.ts'
import { Reader } from '../reader.ts'
import type { CassandraSharing } from '../sharing.ts'
import { FleetStatus } from './fleet-status.ts'
import type { Fleet } from './fleet.ts'
import { Places } from './places.ts'
import { Router } from './routing.ts'
import { prepareFrame, Statements, type PreparedStatement } from './statements.ts'
import type { Subscription } from './subscription.ts'
import type { Surroundings } from './system-rows.ts'
import { ClusterTopology } from './topology.ts'

/** Times that a question of the proxy's own is asked where its connection is lost. */
const ASK_TIMES = 3

/** Who wants events waits so long at most until they are heard. */
const KNOWN_MS = 5000

/** Of a connection, and what brings a fresh one to them. */
interface Attributes {
  readonly key: string
  readonly handshake: () => Greeting
}

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
  readonly surroundings: Surroundings
  /** Null: the cluster is not known yet. */
  places: Places | null = null
  readonly subscriptions = new Set<Subscription>()
  readonly #status: FleetStatus
  /** Nodes that others say are down. */
  readonly #saidDown = new Set<Member>()
  readonly #waiting = new Set<() => void>()
  /** PREPAREs of the proxy's own that are under way, by node, attributes and statement. */
  readonly #preparing = new Map<string, Promise<boolean>>()

  constructor(env: Env, type: string, cluster: Cluster, fleet: Fleet, contactPoints: readonly Address[]) {
    const { world, log, chain } = env
    this.env = env
    this.cluster = cluster
    this.fleet = fleet
    this.contactPoints = contactPoints.map((endpoint) => cluster.member(endpoint))
    this.outOfRack = env.metrics.counter('shotover_out_of_rack_requests_count', { chain, transform: type })
    const unparsed = env.metrics.counter(UNPARSED_METRIC, { chain, transform: type })
    this.router = new Router(this.statements, () => unparsed.add(1))
    this.surroundings = {
      fleet,
      isDown: (hostId) => this.#isDown(hostId),
      randomUuid: () => world.random.bytes(16),
      warn: (text) => log.warn(text),
    }
    this.#status = new FleetStatus(fleet)
    // Word of it may have gone lost.
    cluster.onUp = (member) => this.#isUp(member)
    const pool = (endpoint: Address) => cluster.member(endpoint).pool
    this.topology = new ClusterTopology({ world, log, fleet, contactPoints, pool })
    this.topology.onChange(() => this.#onView())
    this.topology.onEvent((event) => this.#onEvent(event))
    env.onClose(() => this.topology.close())
  }

  /** Clients see one node where there are several. */
  get looksAlone(): boolean {
    return this.fleet.peers.length === 0 && (this.topology.view?.nodes.length ?? 0) > 1
  }

  /** Calls `go` once the cluster is known, and its events are heard, or when that takes too long. */
  whenKnown(go: () => void): void {
    if (this.places !== null) {
      go()
      return
    }
    const late = this.env.world.clock.after(KNOWN_MS, () => {
      if (this.#waiting.delete(known)) go()
    })
    const known = () => {
      late.cancel()
      go()
    }
    this.#waiting.add(known)
  }

  #isDown(hostId: string): boolean {
    const node = this.topology.view?.nodes.find((each) => each.hostId === hostId)
    return node !== undefined && this.cluster.find(node.endpoint)?.isUp === false
  }

  #onView(): void {
    const places = new Places(this.topology.view!, this.fleet.local.rack, this.cluster)
    const members = new Set(places.all)
    this.places = places
    this.cluster.keep(new Set([...members, ...this.contactPoints]))
    for (const member of this.#saidDown) if (!members.has(member)) this.#saidDown.delete(member)
    this.#tellStatus()
    for (const known of [...this.#waiting]) if (this.#waiting.delete(known)) known()
  }

  #onEvent(event: Frame): void {
    try {
      const { message } = bodyOf(event)
      if (message.type !== 'event') return
      if (message.event === 'STATUS_CHANGE') this.#onStatusChange(new Reader(message.rest))
      else if (message.event === 'SCHEMA_CHANGE')
        for (const subscription of this.subscriptions) subscription.onSchemaChange(event)
    } catch (error) {
      // What it is about stands in the tables, which the topology reads anew.
      if (!(error instanceof CorruptError)) throw error
    }
  }

  /** UP or DOWN, and the address at which the node takes clients: native_protocol_v5.spec 4.2.6. */
  #onStatusChange(reader: Reader): void {
    const change = reader.string()
    const host = readInet(reader.range(reader.byte()))
    const member = this.cluster.find({ host, port: reader.int() })
    if (member === null) return
    if (change === 'UP') member.saidUp()
    else if (change === 'DOWN') {
      this.#saidDown.add(member)
      member.saidDown()
      this.#tellStatus()
    }
  }

  #isUp(member: Member): void {
    if (this.#saidDown.delete(member)) this.#tellStatus()
  }

  /** Tells clients of proxies that count as up, or as down, from now on. */
  #tellStatus(): void {
    const { view } = this.topology
    if (view === null) return
    const isUp = ({ endpoint }: { readonly endpoint: Address }) => !this.#saidDown.has(this.cluster.member(endpoint))
    for (const change of this.#status.changes(view.nodes, isUp))
      for (const subscription of this.subscriptions) subscription.onStatusChange(change)
  }

  /**
   * Asks a node something that may be asked twice, on a connection with these attributes. Rejects where it can't be asked, or where
   * connections to it are lost again and again.
   */
  async askOn(member: Member, { key, handshake }: Attributes, request: Frame): Promise<Frame> {
    for (let left = ASK_TIMES; ;) {
      try {
        return await ask(member.pool.share(key, handshake), request.copy(), this.env.limits.frameBytesMax)
      } catch (error) {
        if (!(error instanceof LostError) || --left === 0) throw error
      }
    }
  }

  /** Has a node prepare what another one has. False: it would not. Rejects where it can't be asked. */
  prepareOn(member: Member, statement: PreparedStatement, sharing: CassandraSharing): Promise<boolean> {
    // The id is made of the text and the keyspace of the connection.
    const attributes = sharing.within(statement.keyspace)
    const name = `${member.slot} ${statement.id.toString('latin1')} ${attributes.key}`
    let preparing = this.#preparing.get(name)
    if (preparing === undefined) {
      const asked = this.askOn(member, attributes, prepareFrame(statement, sharing.login.version))
      const learn = (reply: Frame) => {
        this.statements.learnAgain(statement, reply)
        return reply.kind === RESULT
      }
      preparing = asked.then(learn).finally(() => this.#preparing.delete(name))
      this.#preparing.set(name, preparing)
    }
    return preparing
  }
}
