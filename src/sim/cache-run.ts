import { LIMITS, type Limits, type TransformKind } from '../core/kind.ts'
import { CassandraModel } from '../protocols/cassandra/model/server.ts'
import { ModelStore } from '../protocols/cassandra/model/store.ts'
import { cassandraSinkSingle } from '../protocols/cassandra/sink-single.ts'
import { cassandraSource } from '../protocols/cassandra/source.ts'
import { ValkeyModel } from '../protocols/valkey/model/server.ts'
import { valkeyCache } from '../transforms/valkey-cache/valkey-cache.ts'
import type { Address } from '../world/world.ts'
import { runSessions } from './acting-client.ts'
import { CacheChecks } from './cache-checks.ts'
import { CACHED_KEYSPACES, CacheSession, RENEWALS_MAX, type CacheHabits } from './cache-session.ts'
import { playSeed, worldOf, type SeedOptions, type SeedResult, type SeedRun, type SimProxy } from './seed-run.ts'
import { drawLimits, valkeyProxy, type SimStage } from './valkey-proxy.ts'
import type { SimWorld } from './world.ts'

const CASSANDRA: Address = { host: '127.0.0.1', port: 7000 }
const VALKEY: Address = { host: '127.0.0.1', port: 7001 }
const LISTEN_PORT = 9042
const EVENTS_MAX = 3_000_000
const TIMEOUT_MS = 250
const SHARED_BYTES = 12

export interface CacheSeedOptions extends SeedOptions {
  /** What may break; with `calm` nothing does. */
  readonly breaks?: 'valkey' | 'all'
}

export interface CacheSeedResult extends SeedResult {
  readonly reads: number
  /** Reads that Cassandra never saw. */
  readonly hits: number
  readonly stale: number
}

/** One whole run: Cassandra, Valkey, one to three proxies with the cache, of one process or two, clients and faults, all drawn from the seed. */
export async function runCacheSeed(
  seed: number,
  { trace = false, calm = false, breaks = 'all' }: CacheSeedOptions = {},
): Promise<CacheSeedResult> {
  const sim = worldOf(seed, { trace, calm: calm || breaks === 'valkey' })
  const run = new CacheRun(sim, calm ? null : breaks)
  const result = await playSeed(sim, run)
  const { readCount: reads, staleCount: stale } = run.checks
  return { ...result, reads, hits: reads - run.cassandra.readCount, stale }
}

class CacheRun implements SeedRun {
  readonly pace = { recoverMs: 5000, eventsMax: EVENTS_MAX }
  readonly faulty: boolean
  readonly proxies: SimProxy[] = []
  readonly checks: CacheChecks
  readonly cassandra: CassandraModel
  readonly #sim: SimWorld
  readonly #breaks: 'valkey' | 'all' | null
  readonly #valkey: ValkeyModel
  /** For each proxy the process that it is a thread of. */
  readonly #processes: readonly number[]
  readonly #limits: Limits
  readonly #valueBytesMax: number
  #sessions = 0

  constructor(sim: SimWorld, breaks: 'valkey' | 'all' | null) {
    this.#sim = sim
    this.#breaks = breaks
    this.faulty = breaks !== null
    this.#processes = sim.random.pick([[0], [0, 0], [0, 1], [0, 0, 1]])
    this.#valueBytesMax = sim.random.pick([10, 10, 3000, 100_000])
    this.#limits = sim.random.chance(0.5) ? LIMITS : drawLimits(sim.world)
    // Two processes know nothing of each other when Valkey can't be had.
    const isStrict = breaks === null || !this.#processes.includes(1)
    this.checks = new CacheChecks(isStrict, breaks === 'all')
    this.cassandra = new CassandraModel(sim.world, {
      delayMs: sim.random.pick([0, 1, 50]),
      onWrite: (_user, _version, keyspace, key, value) => this.checks.changed(ModelStore.place(keyspace, key), value),
      onExpiry: (keyspace, key) => this.checks.expired(ModelStore.place(keyspace, key)),
    })
    this.#valkey = new ValkeyModel(sim.world)
  }

  async load(): Promise<void> {
    const { random } = this.#sim
    await this.cassandra.listen(CASSANDRA)
    await this.#valkey.listen(VALKEY)
    await this.#start()
    if (this.#breaks !== null) for (let i = random.between(1, 6); i > 0; i--) this.#plan()
    await this.#run(Array.from({ length: random.between(2, 10) }, () => this.#session(0.2 + random.next() * 0.4)))
  }

  /** Nothing may be left of what was not invalidated in time, either. */
  async last(): Promise<void> {
    this.checks.isStrict = true
    this.checks.mayFail = false
    await this.#run(this.proxies.map(() => this.#session(0)))
    await this.#run(this.proxies.map(() => this.#session(0.3)))
  }

  close(): void {
    this.cassandra.close()
    this.#valkey.close()
  }

  counts() {
    return { sent: this.checks.readCount, executed: this.cassandra.readCount }
  }

  async #start(): Promise<void> {
    const { random, world } = this.#sim
    const schema = Object.fromEntries(
      CACHED_KEYSPACES.map((keyspace) => [`"${keyspace}".t`, { partition_key: ['k'], range_key: [] }]),
    )
    const ttl = random.chance(0.3) ? { ttl_ms: 500 } : {}
    const options = { caching_schema: schema, timeout_ms: TIMEOUT_MS, key_prefix: '', chain: [], ...ttl }
    const memories = [new SharedArrayBuffer(SHARED_BYTES), new SharedArrayBuffer(SHARED_BYTES)]
    for (const [i, process] of this.#processes.entries()) {
      const cache: SimStage = {
        kind: valkeyCache as TransformKind<never>,
        options,
        shared: memories[process]!,
        within: { chain: { stages: [], upstream: VALKEY } },
      }
      const sinkOptions = { remote_address: `${CASSANDRA.host}:${CASSANDRA.port}`, connect_timeout_ms: 3000 }
      const sink: SimStage = { kind: cassandraSinkSingle as TransformKind<never>, options: sinkOptions }
      const renewals = random.chance(0.2) ? RENEWALS_MAX : 0
      this.proxies.push(
        await valkeyProxy(
          world,
          CASSANDRA,
          listenAt(i),
          [cache, sink],
          this.#limits,
          renewals,
          cassandraSource.protocol,
        ),
      )
    }
  }

  #session(writes: number): CacheSession {
    const { random } = this.#sim
    const valueBytesMax = this.#valueBytesMax
    const habits: CacheHabits = {
      version: random.pick([3, 4, 4, 5]),
      compression: random.pick(['lz4', null]),
      credentials: null,
      acts: 20 + random.below(80),
      window: random.pick([1, 1, 4, 50]),
      writes,
      valueBytesMax,
      // Lookup, lease and invalidation may each take their time, and so may Cassandra. What is large waits for the net, too.
      replyMsMax: this.#breaks === 'all' || this.#limits !== LIMITS || valueBytesMax > 3000 ? Infinity : 3000,
      ending: random.pick(['end', 'destroy']),
    }
    return new CacheSession(this.#sim, this.checks, ++this.#sessions, habits)
  }

  #run(sessions: readonly CacheSession[]): Promise<void> {
    const addresses = this.proxies.map((_, i) => listenAt(i))
    return runSessions(this.#sim, sessions, addresses, EVENTS_MAX)
  }

  /** Something that breaks, some time. */
  #plan(): void {
    const sim = this.#sim
    const { random } = sim
    const ofValkey = [
      () => {
        sim.net.kill(VALKEY)
        this.#valkey.crash()
        const back = () => void this.#valkey.listen(VALKEY).catch(() => {})
        sim.schedule.add(sim.nowMs + random.pick([1, 50, 2000]), back)
      },
      () => sim.net.resetAll(VALKEY.port),
      () => sim.net.clogAll(VALKEY.port, random.below(2000)),
      () => this.#valkey.databases[0]!.clear(),
    ]
    const ofAll = [
      () => {
        sim.net.kill(CASSANDRA)
        this.cassandra.crash()
        const back = () => void this.cassandra.listen(CASSANDRA).catch(() => {})
        sim.schedule.add(sim.nowMs + random.pick([1, 50, 700]), back)
      },
      () => sim.net.resetAll(CASSANDRA.port),
      () => sim.net.resetAll(LISTEN_PORT),
      () => sim.net.clogAll(random.pick([CASSANDRA.port, LISTEN_PORT]), random.below(800)),
    ]
    const disturb = random.pick(this.#breaks === 'all' ? [...ofValkey, ...ofAll] : ofValkey)
    sim.schedule.add(sim.nowMs + random.below(2000), disturb)
  }
}

function listenAt(index: number): Address {
  return { host: '127.0.0.1', port: LISTEN_PORT + index }
}
