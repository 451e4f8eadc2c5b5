import { LIMITS, type Limits, type TransformKind } from '../core/kind.ts'
import { CassandraModel } from '../protocols/cassandra/model/server.ts'
import { ModelStore } from '../protocols/cassandra/model/store.ts'
import { cassandraSinkSingle } from '../protocols/cassandra/sink-single.ts'
import { cassandraSource } from '../protocols/cassandra/source.ts'
import { ValkeyModel } from '../protocols/valkey/model/server.ts'
import { valkeyCache } from '../transforms/valkey-cache/valkey-cache.ts'
import type { Address } from '../world/world.ts'
import { CacheChecks } from './cache-checks.ts'
import { CACHED_KEYSPACES, CacheSession, RENEWALS_MAX, type CacheHabits } from './cache-session.ts'
import { swarm } from './options.ts'
import type { SeedOptions, SeedResult, SimProxy } from './run.ts'
import { drawLimits, valkeyProxy, type SimStage } from './valkey-proxy.ts'
import { SimWorld } from './world.ts'

const CASSANDRA: Address = { host: '127.0.0.1', port: 7000 }
const VALKEY: Address = { host: '127.0.0.1', port: 7001 }
const LISTEN_PORT = 9042
const LOAD_MS = 600_000
const RECOVER_MS = 5000
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
  const sim = new SimWorld(swarm(seed, trace))
  if (calm || breaks === 'valkey') sim.calm()
  const run = new CacheRun(sim, calm ? null : breaks)
  let violation: string | null = null
  try {
    await run.play()
  } catch (error) {
    violation = error instanceof Error ? (error.stack ?? error.message) : String(error)
  }
  const { checks, cassandra } = run
  return {
    seed,
    violation,
    hash: sim.trace.hash,
    events: sim.trace.count,
    simulatedMs: sim.nowMs,
    sent: checks.readCount,
    executed: cassandra.readCount,
    faulty: !calm,
    options: sim.options,
    trace: sim.trace.lines ?? [],
    reads: checks.readCount,
    hits: checks.readCount - cassandra.readCount,
    stale: checks.staleCount,
  }
}

class CacheRun {
  readonly checks: CacheChecks
  readonly cassandra: CassandraModel
  readonly #sim: SimWorld
  readonly #breaks: 'valkey' | 'all' | null
  readonly #valkey: ValkeyModel
  /** For each proxy the process that it is a thread of. */
  readonly #processes: readonly number[]
  readonly #limits: Limits
  readonly #proxies: SimProxy[] = []
  readonly #valueBytesMax: number
  #sessions = 0

  constructor(sim: SimWorld, breaks: 'valkey' | 'all' | null) {
    this.#sim = sim
    this.#breaks = breaks
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

  async play(): Promise<void> {
    const sim = this.#sim
    await this.cassandra.listen(CASSANDRA)
    await this.#valkey.listen(VALKEY)
    await this.#start()
    if (this.#breaks !== null) for (let i = sim.random.between(1, 6); i > 0; i--) this.#plan()
    const clients = Array.from({ length: sim.random.between(2, 10) }, () =>
      this.#session(0.2 + sim.random.next() * 0.4),
    )
    await this.#load(clients)
    sim.calm()
    sim.net.allow(CASSANDRA.port)
    sim.net.allow(VALKEY.port)
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    for (const proxy of this.#proxies) proxy.check()
    // All must be well by now, and nothing may be left of what was not invalidated in time.
    this.checks.isStrict = true
    this.checks.mayFail = false
    await this.#load(this.#proxies.map(() => this.#session(0)))
    await this.#load(this.#proxies.map(() => this.#session(0.3)))
    await this.#end()
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
      this.#proxies.push(
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

  async #load(sessions: readonly CacheSession[]): Promise<void> {
    const sim = this.#sim
    for (const [i, session] of sessions.entries())
      sim.schedule.add(sim.nowMs + sim.random.next() * 100, () => void session.run(listenAt(i % this.#proxies.length)))
    const deadlineMs = sim.nowMs + LOAD_MS
    const isOver = () => sessions.every(({ through, client }) => through && client.closed)
    await sim.run(() => isOver() || sim.nowMs > deadlineMs, EVENTS_MAX)
    for (const { trouble } of sessions) if (trouble !== null) throw trouble
    const hanging = sessions.filter(({ through }) => !through)
    if (hanging.length > 0) throw new Error(`no end in sight: ${hanging.map((session) => session.state).join('; ')}`)
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

  async #end(): Promise<void> {
    const sim = this.#sim
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    for (const proxy of this.#proxies) proxy.check()
    for (const proxy of this.#proxies) proxy.close()
    this.cassandra.close()
    this.#valkey.close()
    await sim.run(sim.nowMs + RECOVER_MS, EVENTS_MAX)
    if (sim.net.open > 0) throw new Error(`${sim.net.open} ends of connections are open after everything closed`)
  }
}

function listenAt(index: number): Address {
  return { host: '127.0.0.1', port: LISTEN_PORT + index }
}
