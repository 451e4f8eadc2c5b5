import { Budget } from '../core/budget.ts'
import type { StageSpec } from '../core/chain.ts'
import type { Env, Log, Metrics, TransformKind } from '../core/kind.ts'
import { Scratch } from '../core/outbox.ts'
import type { Pool } from '../core/pool.ts'
import { Source } from '../core/source.ts'
import { noSourceStats, noStats, StageStats, type ChainStats } from '../core/stats.ts'
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
  /** Absent: the list. */
  readonly kinds?: KindList
}

/** Connections of one sink, and its place in the topology. */
export interface BuiltPool {
  readonly type: string
  readonly name: string
  readonly pool: Pool
}

export interface BuiltSource {
  readonly checked: CheckedSource
  readonly source: Source
  readonly pools: readonly BuiltPool[]
}

export interface BuiltTopology {
  readonly sources: readonly BuiltSource[]
  /** Ends what the transforms hold for all sessions: connections of sinks, timers. */
  close(): void
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
    const sources: BuiltSource[] = []
    for (const source of topology.sources) sources.push(await buildSource(source, env, scratch, budget, closers))
    return { sources, close }
  } catch (error) {
    close()
    throw error
  }
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

async function buildSource(
  checked: CheckedSource,
  env: BuildEnv,
  scratch: Scratch,
  budget: Budget,
  closers: (() => void)[],
): Promise<BuiltSource> {
  const kinds = env.kinds ?? KINDS
  const { protocol } = await kinds.sources[checked.type]()
  const pools: BuiltPool[] = []
  const stages: StageSpec[] = []
  for (const transform of checked.chain) stages.push(await buildStage(transform, checked, env, pools, closers))
  const { name } = checked
  const source = new Source({
    name,
    protocol,
    chain: { name, stages, stats: chainStats(env.metrics, name) },
    limits: checked.limits,
    world: env.world,
    log: env.logger(SERVER),
    sessionLog: (id) => env.logger(SERVER, { name: 'connection', fields: { id, source: name } }),
    stats: noSourceStats(env.metrics.summary('shotover_sink_to_source_latency_seconds', { source: name })),
    idleTimeoutMs: checked.idleTimeoutSeconds === null ? null : checked.idleTimeoutSeconds * 1000,
    scratch,
    budget,
  })
  return { checked, source, pools }
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

async function buildStage(
  transform: CheckedTransform,
  source: CheckedSource,
  env: BuildEnv,
  pools: BuiltPool[],
  closers: (() => void)[],
): Promise<StageSpec> {
  const kinds = env.kinds ?? KINDS
  const { type, name, options, module, chains } = transform
  if (chains !== undefined)
    throw new Error(`Transform ${type} named "${name}" has chains of its own, which can't be built yet`)
  const kind = module === undefined ? await kinds.transforms[type]() : await importKind(module)
  const own: Pool[] = []
  const kindEnv: Env = {
    world: env.world,
    metrics: env.metrics,
    log: env.logger(`shotover::transforms::${type}`),
    limits: source.limits,
    name,
    chain: source.name,
    chains: {},
    shared: await sharedMemory(kind, transform, source.name, env),
    pools: own,
    onClose: (close) => void closers.push(close),
  }
  const factory = kind.create(options, kindEnv)
  for (const pool of own) {
    pool.stats.latency = env.metrics.summary('shotover_source_to_sink_latency_seconds', { sink: type })
    pools.push({ type, name, pool })
  }
  const latency = env.metrics.summary('shotover_transform_latency_seconds', { transform: type })
  return { type, name, factory, stats: new StageStats(latency) }
}
