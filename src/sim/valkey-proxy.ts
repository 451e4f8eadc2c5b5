import { Budget } from '../core/budget.ts'
import { chainFactory, limitsWithin } from '../core/chain-factory.ts'
import type { ChainSpec, StageSpec } from '../core/chain.ts'
import {
  LIMITS,
  type ChainFactory,
  type Env,
  type Limits,
  type Log,
  type Metrics,
  type TransformKind,
} from '../core/kind.ts'
import { Lingering } from '../core/lingering.ts'
import { Scratch } from '../core/outbox.ts'
import type { Protocol } from '../core/protocol.ts'
import { Source } from '../core/source.ts'
import { noStats, type Connections } from '../core/stats.ts'
import { valkeySinkSingle } from '../protocols/valkey/sink-single.ts'
import { valkeySource } from '../protocols/valkey/source.ts'
import type { Address, World } from '../world/world.ts'
import type { SimProxy } from './seed-run.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const uncounted: Metrics = {
  counter: () => ({ add() {} }),
  gauge: () => ({ set() {}, add() {} }),
  summary: () => ({ observe() {} }),
}

/** Bounds that a run draws: small ones are met often. */
export function drawLimits(world: World): Limits {
  const pick = (choices: readonly number[]) => choices[Math.floor(world.random.next() * choices.length)]!
  return {
    ...LIMITS,
    cutThroughBytes: pick([100, 4096, LIMITS.cutThroughBytes]),
    quantumFrames: pick([1, 16, LIMITS.quantumFrames]),
    sessionInFlightMax: pick([1, 8, LIMITS.sessionInFlightMax]),
    sessionUnsentBytes: pick([4096, LIMITS.sessionUnsentBytes]),
  }
}

/** A stage of the chain that the proxy is to have above its sink. */
export interface SimStage {
  readonly kind: TransformKind<never>
  /** As its schema makes them. */
  readonly options: unknown
  /** Memory that it shares with other proxies, as threads of one process do; absent: none. */
  readonly shared?: SharedArrayBuffer
  /** Chains of its own, by their places. */
  readonly within?: Readonly<Record<string, SimChain>>
}

/** A chain within a stage: these stages, above a sink. */
export interface SimChain {
  readonly stages: readonly SimStage[]
  /** Another server, which may be slower than the proxy's own: what is sent there is not waited for. Absent: the proxy's. */
  readonly upstream?: Address
}

/** What the chains of one proxy are made with. */
interface Building {
  readonly world: World
  readonly upstream: Address
  readonly limits: Limits
  readonly pools: Connections[]
  /** Of other servers. */
  readonly others: Connections[]
  readonly closers: (() => void)[]
  readonly lingering: Lingering
}

function chainOf(name: string, { stages, upstream }: SimChain, building: Building): ChainSpec {
  const { host, port } = upstream ?? building.upstream
  if (upstream !== undefined) building = { ...building, upstream, pools: building.others }
  const options = { remote_address: `${host}:${port}`, connect_timeout_ms: 3000 }
  const sink: SimStage = { kind: valkeySinkSingle as TransformKind<never>, options }
  const all = stages.at(-1)?.kind.terminating === true ? stages : [...stages, sink]
  return { name, stages: all.map((stage) => stageOf(stage, name, building)), stats: noStats() }
}

function stageOf({ kind, options, shared, within = {} }: SimStage, chain: string, building: Building): StageSpec {
  const { world, limits, pools, closers, lingering } = building
  const places = kind.subChains?.(options as never, kind.type) ?? []
  const chains = places.map(({ place, names, protocol, isDetached }): [string, ChainFactory[]] => {
    const speaks = protocol === undefined ? null : (valkeySource.protocol as Protocol)
    const inner = limitsWithin(limits, names.length, isDetached === true)
    const build = (name: string) => () => chainOf(name, within[place] ?? { stages: [] }, { ...building, limits: inner })
    return [place, names.map((name) => chainFactory(build(name), speaks, { world, limits: inner, lingering }))]
  })
  const env: Env = {
    world,
    metrics: uncounted,
    log: silent,
    limits,
    name: kind.type,
    chain,
    chains: Object.fromEntries(chains),
    shared: shared ?? new SharedArrayBuffer(kind.sharedBytes?.(options as never) ?? 0),
    pools,
    onClose: (close) => void closers.push(close),
  }
  return { type: kind.type, name: kind.type, factory: kind.create(options as never, env) }
}

/** Milliseconds between renewals, at most. */
const RENEWAL_MS = 60

/** The proxy itself: a source of Valkey or another protocol, a chain that a sink of that ends, and one server behind it. So often, the stages above the sink are made anew meanwhile. */
export async function valkeyProxy(
  world: World,
  upstream: Address,
  listen: Address,
  above: readonly SimStage[] = [],
  limits: Limits = drawLimits(world),
  renewals = 0,
  protocol: Protocol = valkeySource.protocol,
): Promise<SimProxy> {
  const building: Building = { world, upstream, limits, pools: [], others: [], closers: [], lingering: new Lingering() }
  const { pools, others, closers, lingering } = building
  const make = (stage: SimStage): StageSpec => stageOf(stage, 'valkey', building)
  const chain = chainOf('valkey', { stages: above }, building)
  const source = new Source({
    name: 'valkey',
    protocol,
    chain,
    limits,
    world,
    log: silent,
    idleTimeoutMs: null,
    scratch: new Scratch(),
    budget: new Budget(limits.processBytesMax),
  })
  const renewIn = (ms: number, left: number) => {
    if (left === 0) return
    world.clock.after(ms, () => {
      // A sink whose options are the same is kept.
      const renewed = above.map((stage, i) => (stage.kind.terminating ? chain.stages[i]! : make(stage)))
      source.renew({ ...source.chain, stages: [...renewed, ...chain.stages.slice(above.length)] }, () => {})
      renewIn(world.random.next() * RENEWAL_MS, left - 1)
    })
  }
  renewIn(RENEWAL_MS, renewals)
  const listener = await world.net.listen(listen, (connection) => void source.accept(connection))
  return {
    close() {
      void listener.close()
      void source.drain(0)
      for (const close of closers) close()
    },
    check() {
      if (source.sessions.size > 0) throw new Error(`${source.sessions.size} sessions are open although no client is`)
      const inFlight = pools.reduce((sum, pool) => sum + pool.inFlight, 0)
      if (inFlight > 0) throw new Error(`${inFlight} requests are in flight although nobody waits for them`)
      if (others.length === 0 && lingering.size > 0)
        throw new Error(`${lingering.size} chains linger although nobody waits for them`)
      if (source.budget.used !== 0) throw new Error(`${source.budget.used} bytes are held although nobody needs them`)
    },
  }
}
