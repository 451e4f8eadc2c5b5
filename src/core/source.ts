import type { Connection, ConnectionHandler, World } from '../world/world.ts'
import type { Budget } from './budget.ts'
import type { ChainSpec } from './chain.ts'
import type { Limits, Log } from './kind.ts'
import { Outbox, type Scratch } from './outbox.ts'
import type { Protocol, WireOptions } from './protocol.ts'
import { Renewal } from './renewal.ts'
import { Session } from './session.ts'
import { SessionLog } from './session-log.ts'
import { countIn, noSourceStats, type SourceStats } from './stats.ts'

export interface SourceOptions {
  readonly name: string
  readonly protocol: Protocol
  readonly chain: ChainSpec
  readonly limits: Limits
  readonly world: World
  readonly log: Log
  /** Milliseconds without a request after which a client is disconnected; null: never. */
  readonly idleTimeoutMs: number | null
  /** Shared by the outboxes of one thread. */
  readonly scratch: Scratch
  readonly budget: Budget
  /** Absent: numbers that nobody sees. */
  readonly stats?: SourceStats
  /** The log of the connection with this number; absent: `log`. */
  readonly sessionLog?: (id: number) => Log
}

/** Exchanges in flight on one source at which a session may have a quarter of its bound. */
const CROWDED = 1024

const nobody: ConnectionHandler = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} }

/** Where a client is, as whoever passed its connection on says. */
export interface ClientAddress {
  readonly address: string
  readonly port: number
}

/** What accepts clients for one chain, on one thread. */
export class Source {
  readonly name: string
  readonly protocol: Protocol
  /** What new sessions get. */
  chain: ChainSpec
  readonly limits: Limits
  readonly world: World
  readonly scratch: Scratch
  readonly wireOptions: WireOptions
  readonly budget: Budget
  readonly stats: SourceStats
  readonly sessions = new Set<Session>()
  /** Called whenever a session has ended. */
  onSessionClosed: (() => void) | null = null
  readonly #sessionLog: (id: number) => Log
  readonly #idleTimeoutMs: number | null
  #accepted = 0
  #drained: (() => void) | null = null
  #renewal: Renewal | null = null

  constructor(options: SourceOptions) {
    this.name = options.name
    this.protocol = options.protocol
    this.chain = options.chain
    this.limits = options.limits
    this.world = options.world
    this.scratch = options.scratch
    this.budget = options.budget
    this.stats = options.stats ?? noSourceStats()
    this.#sessionLog = options.sessionLog ?? (() => options.log)
    this.wireOptions = { cutThroughBytes: options.limits.cutThroughBytes }
    this.#idleTimeoutMs = options.idleTimeoutMs
    if (this.#idleTimeoutMs !== null) this.#watchIdle(this.#idleTimeoutMs)
  }

  /**
   * A client connected. `id` is the accept counter of the source, where another thread counts; from 1. `client`: who it is, where the
   * connection is a balancer's; null: whoever is connected. Null: no chain could be made for it, and it was closed.
   */
  accept(connection: Connection, id: number = this.#accepted + 1, client: ClientAddress | null = null): Session | null {
    this.#accepted = id
    const log = new SessionLog(this.#sessionLog, id)
    try {
      return this.#open(connection, id, client, log)
    } catch (error) {
      // A stage could not make an instance.
      log.error('a session could not be opened', { error: error instanceof Error ? error.stack : String(error) })
      connection.handler = nobody
      connection.destroy()
      countIn(this.stats.closed, 'fault')
      this.onSessionClosed?.()
      return null
    }
  }

  #open(connection: Connection, id: number, client: ClientAddress | null, log: Log): Session {
    const session = new Session(this, connection, {
      id,
      protocol: this.protocol,
      source: this.name,
      chain: this.chain.name,
      clientAddress: client?.address ?? connection.remoteAddress,
      clientPort: client?.port ?? connection.remotePort,
      localAddress: connection.localAddress,
      localPort: connection.localPort,
      log,
    })
    this.sessions.add(session)
    return session
  }

  /**
   * Requests that a session may have in flight. Where many are each session gets less: what one puts on the way is what the others wait
   * behind.
   */
  get inFlightMax(): number {
    const { sessionInFlightMax } = this.limits
    return this.stats.inFlight < CROWDED ? sessionInFlightMax : sessionInFlightMax / 4
  }

  /**
   * Gives sessions other stages: new ones at once, those that are there as soon as nothing of theirs is under way, for which they take no
   * requests for moments. `done` is called when all have them or are gone; not if they are given yet others before that.
   */
  renew(chain: ChainSpec, done: () => void): void {
    this.#renewal?.close()
    this.chain = chain
    this.#renewal = new Renewal(this, done)
  }

  /** Lets every session finish what is in flight and end. Resolves when none is left, or after `deadlineMs`. */
  drain(deadlineMs: number | null): Promise<void> {
    for (const session of this.sessions) session.drain('shutdown')
    if (this.sessions.size === 0) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#drained = resolve
    if (deadlineMs !== null) this.world.clock.after(deadlineMs, resolve)
    return promise
  }

  openOutbox(connection: Connection): Outbox {
    const outbox = new Outbox(connection, this.world.turn, this.scratch, false)
    outbox.measure(this.stats.latency, this.world.clock)
    return outbox
  }

  closed(session: Session, reason: string): void {
    this.sessions.delete(session)
    countIn(this.stats.closed, reason)
    if (session.version !== null) countIn(this.stats.versions, session.version)
    this.onSessionClosed?.()
    if (this.sessions.size === 0) this.#drained?.()
  }

  #watchIdle(timeoutMs: number): void {
    this.world.clock.after(Math.min(1000, timeoutMs), () => {
      const limit = this.world.clock.now() - timeoutMs
      for (const session of this.sessions) {
        if (!session.idleSince(limit)) continue
        session.info.log.debug(`idle timeout: ${session.info.clientAddress}:${session.info.clientPort}`)
        session.drain('idle')
      }
      this.#watchIdle(timeoutMs)
    })
  }
}
