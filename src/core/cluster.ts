import { addressText } from '../base/host-and-port.ts'
import type { Address } from '../world/world.ts'
import type { Env, Log } from './kind.ts'
import { Pool, type PoolOptions, type PoolWatcher } from './pool.ts'
import type { Sharing } from './sharing.ts'
import { noPoolStats, type ConnectionCount, type Connections } from './stats.ts'
import { READY } from './upstream.ts'

/** Waits between attempts to reach a server that is down, doubling from the first to the second. */
const BACKOFF_FIRST_MS = 200
const BACKOFF_LAST_MS = 10_000

/** What the pools of a cluster have in common. */
export type ClusterOptions = Omit<PoolOptions, 'endpoint' | 'wireOptions' | 'world' | 'log' | 'stats' | 'watcher'>

/** A server of a cluster, as one thread sees it. */
export class Member implements PoolWatcher {
  readonly endpoint: Address
  /** Its place in lists that sessions keep by member. */
  readonly slot: number
  readonly pool: Pool
  /** Requests that may go elsewhere had better do so where this is false. Of all sessions: one that meets a dead server meets it for all. */
  isUp = true
  /** It belongs to the cluster no more. */
  hasLeft = false
  readonly #log: Log
  #backoffMs = 0
  #nextAttempt = 0
  readonly #onUp: (member: Member) => void

  constructor(
    endpoint: Address,
    slot: number,
    options: Omit<PoolOptions, 'endpoint' | 'watcher'>,
    onUp: (member: Member) => void,
  ) {
    this.endpoint = endpoint
    this.slot = slot
    this.#onUp = onUp
    this.#log = options.log
    this.pool = new Pool({ ...options, endpoint, watcher: this })
  }

  /** `host:port`. */
  get name(): string {
    return this.pool.destination
  }

  onReachable(): void {
    if (!this.isUp && !this.hasLeft) {
      this.isUp = true
      this.#log.info(`${this.name} counts as up again`)
      this.#onUp(this)
    }
    this.#backoffMs = 0
  }

  onUnreachable(): void {
    this.#isDown('it does not answer, or no connection to it can be had')
  }

  #isDown(why: string): void {
    if (this.isUp) this.#log.warn(`${this.name} counts as down: ${why}. Requests go to others`)
    this.isUp = false
    this.#backoffMs = Math.min(BACKOFF_LAST_MS, Math.max(BACKOFF_FIRST_MS, this.#backoffMs * 2))
    this.#nextAttempt = this.pool.world.clock.now() + this.#backoffMs
  }

  /** Others say that it is up again. Whoever is to send there finds out. */
  saidUp(): void {
    this.onReachable()
  }

  /** Others say that it is down. What is under way there goes on; only a new connection proves that they are wrong. */
  saidDown(): void {
    if (!this.isUp) return
    this.#isDown('others say so')
    this.pool.leave()
  }

  /** It is down: tries, once in a while and in nobody's way, whether it still is, with a connection that `sharing`'s session could use. */
  // Cold: a server is down
  revive(sharing: Sharing): void {
    const now = this.pool.world.clock.now()
    if (now < this.#nextAttempt || this.hasLeft) return
    this.#nextAttempt = now + Math.max(this.#backoffMs, BACKOFF_FIRST_MS)
    const { state } = this.pool.share(sharing.key, () => sharing.handshake())
    if (state === READY) this.onReachable()
  }
}

/** The servers that belong together, each with a pool that is opened when something is to be sent there. One for each thread and sink. */
export class Cluster implements Connections {
  readonly stats = noPoolStats()
  /** A server that counted as down is up again. */
  onUp: (member: Member) => void = () => {}
  readonly #env: Env
  readonly #options: ClusterOptions
  readonly #members = new Map<string, Member>()
  /** Those that have left and may still have something in flight. */
  readonly #left = new Set<Member>()
  #slots = 0

  constructor(env: Env, options: ClusterOptions) {
    this.#env = env
    this.#options = options
    env.pools.push(this)
    env.onClose(() => this.#close())
  }

  /** The server at this address, which belongs to the cluster from now on. */
  member(endpoint: Address): Member {
    const name = addressText(endpoint)
    let member = this.#members.get(name)
    if (member === undefined) {
      const { world, log, limits } = this.#env
      const wireOptions = { cutThroughBytes: limits.cutThroughBytes }
      const options = { ...this.#options, world, log, wireOptions, stats: this.stats }
      member = new Member(endpoint, this.#slots++, options, (up) => this.onUp(up))
      this.#members.set(name, member)
    }
    return member
  }

  /** The server at this address, if it belongs to the cluster. */
  find(endpoint: Address): Member | null {
    return this.#members.get(addressText(endpoint)) ?? null
  }

  /** The others do not belong to the cluster any more: what is under way there ends, and nothing new is to come. */
  keep(members: ReadonlySet<Member>): void {
    for (const [name, member] of this.#members) {
      if (members.has(member)) continue
      this.#members.delete(name)
      member.hasLeft = true
      member.isUp = false
      this.#left.add(member)
      member.pool.leave()
    }
    for (const member of this.#left) {
      const { shared, pinned, spare, retired } = member.pool.count()
      if (shared + pinned + spare + retired === 0) this.#left.delete(member)
    }
  }

  /** Has some server granted these attributes to a connection that stands? */
  hasReady(key: string): boolean {
    for (const { pool } of this.#members.values()) if (pool.find(key)?.state === READY) return true
    return false
  }

  get inFlight(): number {
    let count = 0
    for (const { pool } of this.#all()) count += pool.inFlight
    return count
  }

  count(): ConnectionCount {
    const sum = { shared: 0, pinned: 0, spare: 0, retired: 0 }
    for (const { pool } of this.#all()) {
      const { shared, pinned, spare, retired } = pool.count()
      sum.shared += shared
      sum.pinned += pinned
      sum.spare += spare
      sum.retired += retired
    }
    return sum
  }

  #all(): Member[] {
    return [...this.#members.values(), ...this.#left]
  }

  #close(): void {
    for (const { pool } of this.#all()) pool.close()
  }
}
