import { Budget } from '../core/budget.ts'
import type { StageSpec } from '../core/chain.ts'
import type { Env, Log, Metrics } from '../core/kind.ts'
import { Scratch } from '../core/outbox.ts'
import type { Pool } from '../core/pool.ts'
import { Source } from '../core/source.ts'
import { noStats } from '../core/stats.ts'
import type { World } from '../world/world.ts'
import type { CheckedSource, CheckedTopology, CheckedTransform } from './checked.ts'
import { KINDS, type KindList } from './kinds.ts'
import { importKind } from './user-kinds.ts'

/** What a topology is built on; one per thread. */
export interface BuildEnv {
  readonly world: World
  readonly metrics: Metrics
  /** The log whose events carry `target`. */
  logger(target: string): Log
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
    const budget = new Budget(Math.max(...topology.sources.map((source) => source.limits.processBytesMax)))
    const sources: BuiltSource[] = []
    for (const source of topology.sources) sources.push(await buildSource(source, env, scratch, budget, closers))
    return { sources, close }
  } catch (error) {
    close()
    throw error
  }
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
  const source = new Source({
    name: checked.name,
    protocol,
    chain: { name: checked.name, stages, stats: noStats() },
    limits: checked.limits,
    world: env.world,
    log: env.logger('shotover::server'),
    idleTimeoutMs: checked.idleTimeoutSeconds === null ? null : checked.idleTimeoutSeconds * 1000,
    scratch,
    budget,
  })
  return { checked, source, pools }
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
    pools: own,
    onClose: (close) => void closers.push(close),
  }
  const factory = kind.create(options, kindEnv)
  for (const pool of own) pools.push({ type, name, pool })
  return { type, name, factory }
}
