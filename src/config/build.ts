import { Budget } from '../core/budget.ts'
import { chainFactory } from '../core/chain-factory.ts'
import type { ChainSpec, StageSpec } from '../core/chain.ts'
import type { ChainFactory, Env, Log, Metrics, TransformKind } from '../core/kind.ts'
import { Scratch } from '../core/outbox.ts'
import type { Pool } from '../core/pool.ts'
import type { Protocol } from '../core/protocol.ts'
import { Source } from '../core/source.ts'
import { noSourceStats, noStats, StageStats, type ChainStats } from '../core/stats.ts'
import { Lingering } from '../core/lingering.ts'
import type { World } from '../world/world.ts'
import type { CheckedSource, CheckedTopology, CheckedTransform } from './checked.ts'
import { KINDS, type KindList } from './kinds.ts'
import { importKind } from './user-kinds.ts'

/** What an event stands in. */
export interface LogSpan {
  readonly name: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** What a topology is built on; one per thread. */
export interface BuildEnv {
  readonly world: World
  readonly metrics: Metrics
  /** The log whose events carry `target`, and `span` where the filter of the log wants spans. */
  logger(target: string, span?: LogSpan): Log
  /** Threads that each build the topology, and share the bounds of the process; absent: 1. */
  readonly threads?: number
  /** Memory that these threads share: the same for the same key and size. Absent: of this thread alone. */
  shared?(key: string, bytes: number): Promise<SharedArrayBuffer>
  /** Puts what looks on at requests between and around the stages of a source's chain. Absent: nobody looks. */
  readonly observe?: (source: CheckedSource, stages: readonly StageSpec[]) => readonly StageSpec[]
  /** Absent: the list. */
  readonly kinds?: KindList
  /** What is to be made instead of a kind, for who only wants to know what would happen. */
  dress?(kind: TransformKind): TransformKind
}

/** Connections of one sink, and its place in the topology. */
export interface BuiltPool {
  readonly type: string
  readonly name: string
  /** Name of the chain that the sink ends. */
  readonly chain: string
  readonly pool: Pool
}

export interface BuiltSource {
  readonly checked: CheckedSource
  readonly source: Source
  /** Its chain and those within, which grow in number where a transform builds one again. */
  readonly chains: readonly ChainSpec[]
  readonly pools: readonly BuiltPool[]
}

export interface BuiltTopology {
  readonly sources: readonly BuiltSource[]
  /** Resolves once chains within transforms have nothing left to do for sessions that have ended. */
  settled(): Promise<void>
  /** Ends what the transforms hold for all sessions: connections of sinks, timers. */
  close(): void
}

/** What the chains of one source are built with. */
interface Building {
  readonly env: BuildEnv
  readonly source: CheckedSource
  readonly kinds: ReadonlyMap<CheckedTransform, TransformKind>
  readonly memory: ReadonlyMap<CheckedTransform, SharedArrayBuffer>
  readonly protocols: ReadonlyMap<string, Protocol>
  readonly lingering: Lingering
  readonly closers: (() => void)[]
  readonly chains: ChainSpec[]
  readonly pools: BuiltPool[]
}

/** Builds the sources and chains of a topology on this thread; nothing listens yet. Throws what a kind's `create` throws. */
export async function buildTopology(topology: CheckedTopology, env: BuildEnv): Promise<BuiltTopology> {
  const closers: (() => void)[] = []
  const close = () => {
    for (const closer of closers.splice(0).reverse()) closer()
  }
  try {
    const scratch = new Scratch()
    const bytesMax = Math.max(...topology.sources.map((source) => source.limits.processBytesMax))
    const budget = new Budget(Math.floor(bytesMax / (env.threads ?? 1)))
    const lingering = new Lingering()
    const sources: BuiltSource[] = []
    for (const source of topology.sources) {
      const building = { env, source, ...(await load(source, env)), lingering, closers, chains: [], pools: [] }
      sources.push(buildSource(building, scratch, budget))
    }
    return { sources, settled: () => lingering.gone(), close }
  } catch (error) {
    close()
    throw error
  }
}

/** Loads what the source names, at every depth, and gets the memory that it shares with other threads. */
async function load(source: CheckedSource, env: BuildEnv): Promise<Pick<Building, 'kinds' | 'memory' | 'protocols'>> {
  const list = env.kinds ?? KINDS
  const kinds = new Map<CheckedTransform, TransformKind>()
  const memory = new Map<CheckedTransform, SharedArrayBuffer>()
  const protocols = new Map<string, Protocol>()
  const protocol = async (type: string) => void protocols.set(type, (await list.sources[type]()).protocol)
  const walk = async (name: string, chain: readonly CheckedTransform[]) => {
    for (const transform of chain) {
      const { type, module, version, chains } = transform
      const found = module === undefined ? await list.transforms[type]() : await importKind(module, version)
      const kind = env.dress?.(found) ?? found
      kinds.set(transform, kind)
      memory.set(transform, await sharedMemory(kind, transform, name, env))
      for (const within of Object.values(chains ?? {})) {
        if (within.protocol !== undefined) await protocol(within.protocol)
        await walk(within.names[0] ?? name, within.chain)
      }
    }
  }
  await protocol(source.type)
  await walk(source.name, source.chain)
  return { kinds, memory, protocols }
}

/** Target of what is logged about connections. */
const SERVER = 'shotover::server'

function chainStats(metrics: Metrics, chain: string): ChainStats {
  return noStats({
    requests: metrics.summary('shotover_chain_requests_batch_size', { chain }),
    responses: metrics.summary('shotover_chain_responses_batch_size', { chain }),
    latency: (client) => metrics.summary('shotover_chain_latency_seconds', { chain, client_details: client }),
  })
}

function buildSource(building: Building, scratch: Scratch, budget: Budget): BuiltSource {
  const { env, source: checked, protocols, chains, pools } = building
  const { name } = checked
  const chain = buildChain(name, checked.chain, building)
  const source = new Source({
    name,
    protocol: protocols.get(checked.type)!,
    chain: env.observe === undefined ? chain : { ...chain, stages: env.observe(checked, chain.stages) },
    limits: checked.limits,
    world: env.world,
    log: env.logger(SERVER),
    sessionLog: (id) => env.logger(SERVER, { name: 'connection', fields: { id, source: name } }),
    stats: noSourceStats(env.metrics.summary('shotover_sink_to_source_latency_seconds', { source: name })),
    idleTimeoutMs: checked.idleTimeoutSeconds === null ? null : checked.idleTimeoutSeconds * 1000,
    scratch,
    budget,
  })
  return { checked, source, chains, pools }
}

/** Of the transform alone: names that were derived repeat from chain to chain. */
async function sharedMemory(
  kind: TransformKind,
  { name, options }: CheckedTransform,
  chain: string,
  env: BuildEnv,
): Promise<SharedArrayBuffer> {
  const bytes = kind.sharedBytes?.(options) ?? 0
  if (bytes === 0 || env.shared === undefined) return new SharedArrayBuffer(bytes)
  return await env.shared(JSON.stringify([chain, kind.type, name]), bytes)
}

function buildChain(name: string, chain: readonly CheckedTransform[], building: Building): ChainSpec {
  const stages = chain.map((transform) => buildStage(transform, name, building))
  const spec = { name, stages, stats: chainStats(building.env.metrics, name) }
  building.chains.push(spec)
  return spec
}

function buildStage(transform: CheckedTransform, chain: string, building: Building): StageSpec {
  const { env, source, kinds, memory, closers, pools } = building
  const { type, name, options } = transform
  const own: Pool[] = []
  const kindEnv: Env = {
    world: env.world,
    metrics: env.metrics,
    log: env.logger(`shotover::transforms::${type}`),
    limits: source.limits,
    name,
    chain,
    chains: chainsWithin(transform, building),
    shared: memory.get(transform)!,
    pools: own,
    onClose: (close) => void closers.push(close),
  }
  const factory = kinds.get(transform)!.create(options, kindEnv)
  for (const pool of own) {
    pool.stats.latency = env.metrics.summary('shotover_source_to_sink_latency_seconds', { sink: type })
    pools.push({ type, name, chain, pool })
  }
  const latency = env.metrics.summary('shotover_transform_latency_seconds', { transform: type })
  return { type, name, factory, stats: new StageStats(latency) }
}

function chainsWithin({ chains }: CheckedTransform, building: Building): Record<string, ChainFactory[]> {
  const { env, source, protocols, lingering } = building
  const settings = { world: env.world, limits: source.limits, lingering }
  const factories = Object.entries(chains ?? {}).map(([place, { names, chain, protocol }]) => {
    const speaks = protocol === undefined ? null : protocols.get(protocol)!
    return [
      place,
      names.map((name) => chainFactory(() => buildChain(name, chain, building), speaks, settings)),
    ] as const
  })
  return Object.fromEntries(factories)
}
