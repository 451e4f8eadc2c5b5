import { HandshakeError, systemError } from '../base/errors.ts'
import { addressText } from '../base/host-and-port.ts'
import type { Address, Connection, Connector, World } from '../world/world.ts'
import { ANSWERING, QUEUED, type Carrier, type Exchange } from './exchange.ts'
import { EndpointLog } from './endpoint-log.ts'
import type { Frame } from './frame.ts'
import type { Env, Log } from './kind.ts'
import { Outbox, Scratch } from './outbox.ts'
import type { Protocol, WireOptions } from './protocol.ts'
import { byCarrier, ConnectError, GreetingError, LostError, repeatable } from './loss.ts'
import type { Greeting } from './sharing.ts'
import { noPoolStats, type ConnectionCount, type Connections, type PoolStats } from './stats.ts'
import { ReadTimeout } from './read-timeout.ts'
import { Upkeep } from './upkeep.ts'
import { CLOSED, READY, Upstream, type UpstreamOwner } from './upstream.ts'

/** Waits between attempts to connect, doubling from the first to the second. */
const BACKOFF_FIRST_MS = 10
const BACKOFF_LAST_MS = 500
/** Least time that a server may take to answer what a new connection begins with. */
const HANDSHAKE_MS_MIN = 10_000
/** Where other servers may do as well. */
const HANDSHAKE_MS_MIN_WATCHED = 5000
/** An older connection gets no further sessions: what the server let in then it may refuse by now (a password was set). */
const JOIN_MS = 300_000
/** Clean upstreams that wait for the next session that must be pinned, per attributes. */
const SPARE_MAX = 64

export interface PoolOptions {
  readonly endpoint: Address
  readonly connectTimeoutMs: number
  /** Time in which something must come where a reply is owed; absent: any. Less where there is a watcher, and the server does not say that it is there. */
  readonly readTimeoutMs?: number
  readonly protocol: Protocol
  readonly wireOptions: WireOptions
  readonly world: World
  /** What opens its connections; absent: the world's net, in the clear. */
  readonly connector?: Connector
  readonly log: Log
  /** Where it counts; absent: in numbers of its own. */
  readonly stats?: PoolStats
  readonly watcher?: PoolWatcher
}

/** Who is told whether the endpoint of a pool can be reached. */
export interface PoolWatcher {
  /** A connection stands, and has its attributes. */
  onReachable(): void
  /** None could be had. */
  onUnreachable(): void
}

/** The pool of a sink: it ends with its topology, and metrics see it. */
export function openPool(env: Env, options: Omit<PoolOptions, 'wireOptions' | 'world' | 'log'>): Pool {
  const { world, log, limits } = env
  const pool = new Pool({ ...options, world, log, wireOptions: { cutThroughBytes: limits.cutThroughBytes } })
  env.onClose(() => pool.close())
  env.pools.push(pool)
  return pool
}

/** The connections of one thread to one endpoint: per attributes one that sessions share, and those that sessions have for themselves. */
export class Pool implements UpstreamOwner, Connections {
  readonly world: World
  readonly protocol: Protocol
  readonly wireOptions: WireOptions
  readonly stats: PoolStats
  readonly destination: string
  readonly #log: EndpointLog
  readonly #options: PoolOptions
  readonly #scratch = new Scratch()
  readonly #shared = new Map<string, Upstream>()
  readonly #spare = new Map<string, Upstream[]>()
  readonly #all = new Set<Upstream>()
  readonly #upkeep: Upkeep
  readonly #readTimeout: ReadTimeout
  #backoffMs = 0
  #nextAttempt = 0
  #closed = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.world = options.world
    this.protocol = options.protocol
    this.wireOptions = options.wireOptions
    this.stats = options.stats ?? noPoolStats()
    this.destination = addressText(options.endpoint)
    this.#log = new EndpointLog(this.destination, options.log, this.world.clock)
    const isOrdered = this.protocol.orderToClient === 'request-order'
    this.#upkeep = new Upkeep(this.world.clock, this.#all, isOrdered, this.#log, (upstream) => this.retire(upstream))
    const { readTimeoutMs, watcher } = options
    const onSilent = () => {
      this.leave()
      watcher!.onUnreachable()
    }
    this.#readTimeout = new ReadTimeout(this.world.clock, this.#all, {
      ...(readTimeoutMs === undefined ? {} : { timeoutMs: readTimeoutMs }),
      ...(watcher === undefined ? {} : { onSilent }),
    })
  }

  /** Requests in flight on all upstreams. */
  get inFlight(): number {
    let count = 0
    for (const upstream of this.#all) count += upstream.inFlight
    return count
  }

  /** The shared upstream of these attributes, if it stands or is being opened. */
  find(key: string): Upstream | null {
    return this.#shared.get(key) ?? null
  }

  /** The shared upstream of these attributes; opened where there is none. */
  share(key: string, handshake: () => readonly Frame[] | Greeting): Upstream {
    const found = this.#shared.get(key)
    if (found !== undefined && !this.#isOld(found)) return found
    const upstream = this.#open(key, handshake())
    this.#offer(upstream)
    return upstream
  }

  /** An upstream for one session alone: a spare one, or a new one. */
  dedicate(key: string, carrier: Carrier, handshake: () => readonly Frame[] | Greeting): Upstream {
    const spare = this.#takeSpare(key)
    const upstream = spare ?? this.#open(key, handshake())
    upstream.pinnedTo = carrier
    return upstream
  }

  /** A dedicated upstream has these attributes now, and nothing of its session: others may share it. */
  adopt(upstream: Upstream, key: string): void {
    upstream.pinnedTo = null
    upstream.key = key
    if (this.#shared.has(key)) {
      this.release(upstream)
      return
    }
    this.#offer(upstream)
    this.#upkeep.begin()
  }

  #offer(upstream: Upstream): void {
    upstream.shared = true
    this.#shared.set(upstream.key, upstream)
  }

  #isOld({ since }: Upstream): boolean {
    return this.world.clock.now() - since >= JOIN_MS
  }

  #takeSpare(key: string): Upstream | undefined {
    const spare = this.#spare.get(key)
    let upstream = spare?.pop()
    for (; upstream !== undefined && this.#isOld(upstream); upstream = spare!.pop()) upstream.destroy(new Error('old'))
    if (spare?.length === 0) this.#spare.delete(key)
    return upstream
  }

  /** Its session needs it no more; it is clean and nothing is in flight. */
  release(upstream: Upstream): void {
    upstream.pinnedTo = null
    if (upstream.state !== READY) return
    let spare = this.#spare.get(upstream.key)
    if (spare === undefined) this.#spare.set(upstream.key, (spare = []))
    if (spare.length >= SPARE_MAX) {
      upstream.destroy(new Error('spare'))
      return
    }
    spare.push(upstream)
    this.#upkeep.begin()
  }

  /** One session keeps a shared upstream for itself; the others get their replies on it and put nothing new there. */
  keep(upstream: Upstream, keeper: Carrier): void {
    this.#unshare(upstream)
    upstream.pinnedTo = keeper
  }

  /**
   * A reply holds up everything behind it: what can be repeated goes elsewhere, what can't waits for its reply here, and nothing
   * new comes. A session is moved whole or not at all, so that its order holds.
   */
  isolate(upstream: Upstream): void {
    if (!upstream.shared) return
    this.stats.isolations++
    this.#unshare(upstream)
    upstream.retired = true
    for (const [carrier, exchanges] of byCarrier(upstream.owed())) {
      const movable = exchanges[0]!.state === ANSWERING ? exchanges.slice(1) : exchanges
      // What stands in the outbox leaves, even if nobody waits for it: only what does not yet is surely not executed here.
      const moves = (exchange: Exchange) => exchange.state === QUEUED || repeatable(exchange, this.protocol)
      if (movable.length === 0 || !movable.every(moves)) continue
      for (const exchange of movable) upstream.abandon(exchange)
      carrier.onLost(upstream, movable, null, false)
    }
  }

  /** Takes nothing new on it, and closes it as soon as nobody waits for anything on it. */
  retire(upstream: Upstream): void {
    this.#unshare(upstream)
    upstream.pinnedTo = null
    this.#upkeep.begin()
    upstream.retire()
  }

  #unshare(upstream: Upstream): void {
    upstream.shared = false
    if (this.#shared.get(upstream.key) === upstream) this.#shared.delete(upstream.key)
  }

  count(): ConnectionCount {
    const count = { shared: 0, pinned: 0, spare: 0, retired: 0 }
    for (const upstream of this.#all) {
      if (upstream.shared) count.shared++
      else if (upstream.retired) count.retired++
      else if (upstream.pinnedTo !== null) count.pinned++
      else count.spare++
    }
    return count
  }

  /** So many requests of a session that goes on were answered with an error. */
  reportFailure(requests: number, error: Error): void {
    this.stats.losses++
    this.#log.failed(requests, error)
  }

  /** What sessions share, or could, closes as soon as nobody waits for anything on it. */
  leave(): void {
    for (const upstream of [...this.#all]) if (upstream.pinnedTo === null) this.retire(upstream)
  }

  close(): void {
    this.#closed = true
    for (const upstream of [...this.#all]) upstream.destroy(new Error('the sink is closed'))
  }

  // --- from upstreams

  openOutbox(connection: Connection): Outbox {
    const outbox = new Outbox(connection, this.world.turn, this.#scratch, true)
    outbox.measure(this.stats.latency, this.world.clock)
    return outbox
  }

  onUpstreamReady(): void {
    this.#backoffMs = 0
    this.#options.watcher?.onReachable()
    this.#upkeep.begin()
  }

  onUpstreamClosed(upstream: Upstream, error: Error | null): void {
    this.#all.delete(upstream)
    // Also those that have nothing in flight, and so are not told, must not send on it any more.
    this.#unshare(upstream)
    const spare = this.#spare.get(upstream.key)
    const at = spare?.indexOf(upstream) ?? -1
    if (at >= 0) spare!.splice(at, 1)
    if (spare?.length === 0) this.#spare.delete(upstream.key)
    // Given up because it was silent, it was kept until it had answered all that it owed.
    if (upstream.retired && !(error instanceof LostError)) this.#log.answered()
    if (error instanceof ConnectError) {
      this.stats.connectFailures++
      if (!(error instanceof GreetingError)) this.#options.watcher?.onUnreachable()
    } else if (error !== null) this.stats.deaths++
  }

  #open(key: string, handshake: readonly Frame[] | Greeting): Upstream {
    const upstream = new Upstream(this, key)
    this.#all.add(upstream)
    this.#readTimeout.begin()
    if (this.#closed) {
      this.world.clock.after(0, () => upstream.destroy(new ConnectError('the sink is closed')))
      return upstream
    }
    const wait = this.#backoffMs === 0 ? 0 : this.#nextAttempt - this.world.clock.now()
    if (wait > 0) this.world.clock.after(wait, () => this.#connect(upstream, handshake))
    else this.#connect(upstream, handshake)
    return upstream
  }

  #connect(upstream: Upstream, handshake: readonly Frame[] | Greeting): void {
    if (upstream.state === CLOSED) return
    const { endpoint, connectTimeoutMs, connector = this.world.net, watcher } = this.#options
    connector.connect(endpoint, connectTimeoutMs, (error, connection) => {
      if (connection !== null) {
        if (upstream.state === CLOSED) connection.destroy()
        else
          upstream.connected(
            connection,
            handshake,
            Math.max(watcher === undefined ? HANDSHAKE_MS_MIN : HANDSHAKE_MS_MIN_WATCHED, connectTimeoutMs),
          )
        return
      }
      this.#backoffMs = Math.min(BACKOFF_LAST_MS, Math.max(BACKOFF_FIRST_MS, this.#backoffMs * 2))
      this.#nextAttempt = this.world.clock.now() + this.#backoffMs
      const failed = error instanceof HandshakeError ? 'Failed to establish TLS connection to' : 'Failed to connect to'
      upstream.destroy(
        new ConnectError(`${failed} destination ${this.destination}`, {
          cause: systemError(error!),
        }),
      )
    })
  }
}
