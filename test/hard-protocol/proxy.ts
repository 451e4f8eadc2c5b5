import assert from 'node:assert/strict'
import { Budget } from '../../src/core/budget.ts'
import type { StageSpec } from '../../src/core/chain.ts'
import { ClusterSession } from '../../src/core/cluster-session.ts'
import { Cluster } from '../../src/core/cluster.ts'
import { LIMITS, type Env, type Limits, type Metrics } from '../../src/core/kind.ts'
import { Lane } from '../../src/core/lane.ts'
import { Scratch } from '../../src/core/outbox.ts'
import { Pool } from '../../src/core/pool.ts'
import { Source } from '../../src/core/source.ts'
import { noStats } from '../../src/core/stats.ts'
import type { SessionInfo, Transform } from '../../src/core/transform.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import type { Address, Connection, Net } from '../../src/world/world.ts'
import { quietLog } from '../core/chain-play.ts'
import type { Order } from './format.ts'
import { HardGuide } from './guide.ts'
import { hardProtocol } from './protocol.ts'
import { HardSharing, type Registry } from './sharing.ts'

const uncounted: Metrics = {
  counter: () => ({ add() {} }),
  gauge: () => ({ set() {}, add() {} }),
  summary: () => ({ observe() {} }),
}

export interface HardProxyOptions {
  readonly order: Order
  readonly limits?: Partial<Limits>
  readonly readTimeoutMs?: number
  /** Stages above the sink, made for each session. Asked for what ends the chain, it may put that into chains of its own. */
  readonly above?: ((info: SessionInfo, sink: () => Transform) => Transform)[]
  /** Gets what is logged as an error. */
  readonly errors?: string[]
  /** The sink is one in front of a cluster: of the server, and of these. */
  readonly others?: readonly Address[]
  /** The chain ends with the last of `above`, not with the sink itself. */
  readonly wrapsSink?: boolean
}

/** Milliseconds between renewals, at most. */
const RENEWAL_MS = 40

/** The proxy, in front of one server of the hard protocol. */
export class HardProxy {
  readonly sim: SimWorld
  readonly pool: Pool
  /** Null: there is one server. */
  readonly cluster: Cluster | null
  readonly source: Source
  readonly errors: string[]
  readonly limits: Limits
  readonly upstreamConnections: Connection[] = []
  address!: Address

  constructor(sim: SimWorld, server: Address, options: HardProxyOptions) {
    this.sim = sim
    this.limits = { ...LIMITS, ...options.limits }
    this.errors = options.errors ?? []
    const protocol = hardProtocol(options.order)
    const log = quietLog(this.errors)
    const world = { ...sim.world, net: this.#watched(sim.world.net) }
    this.pool = new Pool({
      endpoint: server,
      connectTimeoutMs: 1000,
      ...(options.readTimeoutMs === undefined ? {} : { readTimeoutMs: options.readTimeoutMs }),
      protocol,
      wireOptions: { cutThroughBytes: this.limits.cutThroughBytes },
      world,
      log,
    })
    const env: Env = {
      world,
      metrics: uncounted,
      log,
      limits: this.limits,
      name: 'sink',
      chain: 'hard',
      chains: {},
      shared: new SharedArrayBuffer(0),
      pools: [],
      onClose() {},
    }
    const registry: Registry = new Map()
    const sharing = (info: SessionInfo) => new HardSharing(`s${info.id}`, options.order !== 'request-order', registry)
    const others = options.others ?? []
    const cluster = others.length === 0 ? null : new Cluster(env, { connectTimeoutMs: 1000, protocol })
    const members = cluster === null ? [] : [server, ...others].map((endpoint) => cluster.member(endpoint))
    const guide = (info: SessionInfo) => (session: ClusterSession) => new HardGuide(members, sharing(info), session)
    const sink = (info: SessionInfo) =>
      cluster === null
        ? new Lane(this.pool, sharing(info), env, info, 'Sink')
        : new ClusterSession(env, info, 'Sink', cluster.stats, guide(info))
    this.cluster = cluster
    const stages: StageSpec[] = (options.above ?? []).map((make, index) => ({
      type: 'Kind',
      name: String.fromCharCode(97 + index),
      factory: (info) => make(info, () => sink(info)),
    }))
    if (options.wrapsSink !== true) stages.push({ type: 'Sink', name: 'sink', factory: sink })
    this.source = new Source({
      name: 'hard',
      protocol,
      chain: { name: 'hard', stages, stats: noStats() },
      limits: this.limits,
      world,
      log,
      idleTimeoutMs: null,
      scratch: new Scratch(),
      budget: new Budget(this.limits.processBytesMax),
    })
  }

  /** So often, and again after a while, all sessions are given other stages above their sinks. */
  renew(left: number): void {
    if (left === 0) return
    const { random, schedule } = this.sim
    schedule.add(this.sim.nowMs + random.next() * RENEWAL_MS, () => {
      const { chain } = this.source
      const stages = chain.stages.map((stage, i) => (i === chain.stages.length - 1 ? stage : { ...stage }))
      this.source.renew({ ...chain, stages }, () => {})
      this.renew(left - 1)
    })
  }

  /** The network, which notes the connections that the proxy opens. */
  #watched(net: Net): Net {
    return {
      listen: (address, onConnection) => net.listen(address, onConnection),
      connect: (address, timeoutMs, done) =>
        net.connect(address, timeoutMs, (error, connection) => {
          if (connection !== null) this.upstreamConnections.push(connection)
          done(error, connection)
        }),
    }
  }

  async listen(address: Address): Promise<Address> {
    const listener = await this.sim.world.net.listen(address, (connection) => void this.source.accept(connection))
    this.address = listener.address
    return this.address
  }

  /** Nobody is connected any more: nothing may be left. */
  checkEmpty(): void {
    assert.equal(this.source.sessions.size, 0, 'sessions are open although no client is')
    assert.equal((this.cluster ?? this.pool).inFlight, 0, 'requests are in flight although nobody waits for them')
    assert.equal(this.source.budget.used, 0, 'bytes are held although nobody needs them')
  }
}
