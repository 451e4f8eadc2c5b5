import { causesOf } from '../../../base/errors.ts'
import type { Frame } from '../../../core/frame.ts'
import type { Log } from '../../../core/kind.ts'
import type { Pool } from '../../../core/pool.ts'
import type { Address, Timer, World } from '../../../world/world.ts'
import { bodyOf } from '../body/body.ts'
import { CorruptError } from '../corrupt-error.ts'
import type { Login } from '../greeting.ts'
import { partitionerOf } from '../token.ts'
import type { Asking } from './asking.ts'
import { ControlConnection } from './control-connection.ts'
import type { Fleet } from './fleet.ts'
import { survey, type Survey } from './survey.ts'
import { ClusterView } from './view.ts'

/** All is asked for again after so long, more or less. */
const REFRESH_MS = 60_000
/** After word of a change, which others may follow. */
const SETTLE_MS = 200
/** While not all is told of some node, as of one that joins, or for ever of one that left in disorder: doubled each time. */
const PARTIAL_MS_FIRST = 2000
/** Least time between two refreshes. */
const REFRESH_MS_MIN = 1000
export interface TopologyOptions {
  readonly world: World
  readonly log: Log
  readonly fleet: Fleet
  /** Asked in their order where no node is known. */
  readonly contactPoints: readonly Address[]
  /** The pool whose connections go there; the topology takes one of them for itself. */
  pool(endpoint: Address): Pool
}

/**
 * What a thread knows of the cluster: from a connection of its own, on which it asks a node for what the system tables say, and hears of
 * changes. It has no credentials but those that clients came in with.
 */
export class ClusterTopology {
  /** Null: nothing is known yet. */
  view: ClusterView | null = null
  readonly #options: TopologyOptions
  readonly #connection: ControlConnection
  readonly #changeListeners = new Set<(view: ClusterView, before: ClusterView | null) => void>()
  readonly #eventListeners = new Set<(event: Frame) => void>()
  readonly #warned = new Set<string>()
  #survey: Survey | null = null
  /** Where it was asked last. */
  #endpoint: Address | null = null
  #schemaIsStale = true
  #refresh: Timer | null = null
  #refreshAt = Infinity
  #refreshedAt = -Infinity
  #isRefreshing = false
  #partialMs = PARTIAL_MS_FIRST

  constructor(options: TopologyOptions) {
    this.#options = options
    this.#connection = new ControlConnection({
      ...options,
      pool: (endpoint) => options.pool(endpoint),
      candidates: () => this.#candidates(),
      begin: (asking) => this.#begin(asking),
      onEvent: (event) => this.#onEvent(event),
    })
  }

  /** The node at `near` has let a client in with this: the first of these begins it all, later ones are kept for when it must log in again. */
  loggedIn(login: Login, near: Address): void {
    this.#connection.loggedIn(login, near)
  }

  /** `listener` hears of each new view, with the one before, null at first. Returns what ends that. */
  onChange(listener: (view: ClusterView, before: ClusterView | null) => void): () => void {
    this.#changeListeners.add(listener)
    return () => void this.#changeListeners.delete(listener)
  }

  /** `listener` gets each EVENT that the cluster sends, in the version of the topology's own connection. Returns what ends that. */
  onEvent(listener: (event: Frame) => void): () => void {
    this.#eventListeners.add(listener)
    return () => void this.#eventListeners.delete(listener)
  }

  /** The sink is closed. */
  close(): void {
    this.#connection.close()
    this.#refresh?.cancel()
  }

  async #begin(asking: Asking): Promise<void> {
    this.#endpoint = asking.endpoint
    // First, so that nothing changes unheard.
    await asking.register()
    this.#schemaIsStale = false
    this.#adopt(await survey(asking, this.#survey, true))
  }

  /** Nodes of the rack, then the others, each in any order, then the contact points; where it was last comes last. */
  #candidates(): readonly Address[] {
    const { world, fleet, contactPoints } = this.#options
    const nodes = (this.view?.nodes ?? []).map((node) => ({ node, place: world.random.next() }))
    const isFar = (rack: string) => Number(rack !== fleet.local.rack)
    nodes.sort((a, b) => isFar(a.node.rack) - isFar(b.node.rack) || a.place - b.place)
    const all = [...nodes.map(({ node }) => node.endpoint), ...contactPoints]
    const isLast = ({ host, port }: Address) => host === this.#endpoint?.host && port === this.#endpoint.port
    return [...all.filter((endpoint) => !isLast(endpoint)), ...all.filter(isLast).slice(0, 1)]
  }

  #onEvent(event: Frame): void {
    try {
      const { message } = bodyOf(event)
      if (message.type !== 'event') return
      if (message.event === 'SCHEMA_CHANGE') this.#schemaIsStale = true
    } catch (error) {
      // Word of something: what it is stands in the tables.
      if (!(error instanceof CorruptError)) throw error
      this.#schemaIsStale = true
    }
    this.#partialMs = PARTIAL_MS_FIRST
    this.#scheduleRefresh(SETTLE_MS)
    for (const listener of this.#eventListeners) listener(event)
  }

  #scheduleRefresh(ms: number): void {
    const { clock } = this.#options.world
    const at = Math.max(clock.now() + ms, this.#refreshedAt + REFRESH_MS_MIN)
    if (at >= this.#refreshAt || this.#connection.isClosed) return
    this.#refresh?.cancel()
    this.#refreshAt = at
    this.#refresh = clock.after(at - clock.now(), () => {
      this.#refreshAt = Infinity
      void this.#askAgain()
    })
  }

  async #askAgain(): Promise<void> {
    const { asking } = this.#connection
    // A connection that comes to stand asks by itself.
    if (asking === null || this.#isRefreshing) {
      this.#scheduleRefresh(REFRESH_MS_MIN)
      return
    }
    this.#isRefreshing = true
    const isStale = this.#schemaIsStale
    this.#schemaIsStale = false
    try {
      const found = await survey(asking, this.#survey, isStale)
      if (this.#connection.asking === asking) this.#adopt(found)
    } catch (error) {
      this.#schemaIsStale ||= isStale
      // Where the connection was lost, that is told elsewhere.
      if (this.#connection.asking === asking) this.#warn(`${asking.destination} does not tell of the cluster: ${causesOf(error as Error).join(': ')}`) // prettier-ignore
      this.#scheduleRefresh(REFRESH_MS)
    } finally {
      this.#isRefreshing = false
    }
  }

  #adopt(found: Survey): void {
    if (this.#connection.isClosed) return
    const { world, fleet } = this.#options
    const before = this.#survey
    this.#survey = found
    this.#refreshedAt = world.clock.now()
    this.#scheduleRefresh(REFRESH_MS * (0.75 + world.random.next() / 2))
    if (found.isPartial) this.#scheduleRefresh(this.#partialMs)
    this.#partialMs = found.isPartial ? Math.min(REFRESH_MS, this.#partialMs * 2) : PARTIAL_MS_FIRST
    if (before !== null && isSameSurvey(before, found)) return
    const partitioner = partitionerOf(found.partitioner)
    const last = this.view
    this.view = new ClusterView(found.nodes, fleet.local.datacenter, partitioner, found.told.schema)
    this.#judge(this.view, found)
    for (const listener of this.#changeListeners) listener(this.view, last)
  }

  /** Warns of what is odd, once. */
  #judge({ nodes, partitioner }: ClusterView, { partitioner: name, told }: Survey): void {
    const { datacenter, rack } = this.#options.fleet.local
    if (partitioner === null)
      this.#warn(`tokens of the partitioner ${name} are not known here: requests go to any node, not to replicas`)
    for (const [keyspace, strategy] of told.unknownStrategies)
      this.#warn(`the replication strategy ${strategy} of the keyspace ${keyspace} is not known here: requests for it go to any node`) // prettier-ignore
    if (nodes.length === 0)
      this.#warn(`no node of the cluster is in the data centre ${JSON.stringify(datacenter)}, in which shotover_nodes says that this proxy is`) // prettier-ignore
    else if (!nodes.some((node) => node.rack === rack))
      this.#warn(`no node of the cluster is in the rack ${JSON.stringify(rack)} of ${JSON.stringify(datacenter)}, in which shotover_nodes says that this proxy is`) // prettier-ignore
  }

  #warn(text: string): void {
    if (this.#warned.has(text) || this.#warned.size > 1000) return
    this.#warned.add(text)
    this.#options.log.warn(text)
  }
}

function isSameSurvey(a: Survey, b: Survey): boolean {
  return (
    a.told === b.told &&
    a.partitioner === b.partitioner &&
    a.nodes.length === b.nodes.length &&
    a.nodes.every((node) => b.nodes.includes(node))
  )
}
