import { isDeepStrictEqual } from 'node:util'
import { Budget } from '../core/budget.ts'
import { chainFactory, limitsWithin } from '../core/chain-factory.ts'
import type { ChainSpec, StageSpec } from '../core/chain.ts'
import type { ChainFactory, Env, Limits, Log, Metrics, SessionFactory, TransformKind } from '../core/kind.ts'
import { Scratch } from '../core/outbox.ts'
import type { Protocol } from '../core/protocol.ts'
import { Source } from '../core/source.ts'
import { noSourceStats, noStats, StageStats, type ChainStats, type Connections } from '../core/stats.ts'
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
  /** Who looks on at requests of a source: the same for the same source. Absent: nobody looks. */
  readonly observe?: (source: CheckedSource) => ChainObserver
  /** Absent: the list. */
  readonly kinds?: KindList
  /** What is to be made instead of a kind, for who only wants to know what would happen. */
  dress?(kind: TransformKind): TransformKind
}

/** Who looks on at the requests of a chain. */
export interface ChainObserver {
  /**
   * Puts what looks on between and around the stages of the chain. For the same stages it gives the same ones each time, so that sessions
   * keep them.
   */
  dress(name: string, chain: readonly CheckedTransform[], stages: readonly StageSpec[]): readonly StageSpec[]
  /** Who looks on at a chain within that `owner`, a transform of this one, has. */
  within(owner: CheckedTransform, isDetached: boolean): ChainObserver
}

export const NOBODY: ChainObserver = { dress: (_name, _chain, stages) => stages, within: () => NOBODY }

/** Connections of one sink, and its place in the topology. */
export interface BuiltPool {
  readonly type: string
  readonly name: string
  /** Name of the chain that the sink ends. */
  readonly chain: string
  readonly pool: Connections
}

export type DressFactory = (factory: SessionFactory, running: SessionFactory) => SessionFactory

/** A source's stages, and what they were made of. */
export interface Edition {
  readonly checked: CheckedSource
  readonly stages: readonly StageSpec[]
  /** What sessions get: with those who look on. */
  readonly chain: ChainSpec
}

export interface BuiltSource {
  readonly checked: CheckedSource
  readonly source: Source
  /** What new sessions get; whoever has the source renew its chain sets it. */
  now: Edition
  /** Its chain and those within, which grow in number where a transform builds one again. */
  readonly chains: readonly ChainSpec[]
  readonly pools: readonly BuiltPool[]
  /**
   * Builds anew the stages that `checked` has otherwise than what runs; `dress` is given what makes an instance of one, and what does so in
   * its place until now, and returns what is to. Nothing changes by that. Throws what a kind's `create` throws.
   */
  rebuild(checked: CheckedSource, dress?: DressFactory): Promise<Edition>
  /** Ends what these stages hold for all sessions: none has them any more. */
  retire(stages: Iterable<StageSpec>): void
}

export interface BuiltTopology {
  readonly sources: readonly BuiltSource[]
  /** Resolves once chains within transforms have nothing left to do for sessions that have ended. */
  settled(): Promise<void>
  /** Ends what the transforms hold for all sessions: connections of sinks, timers. */
  close(): void
}

/** What one stage of a source's chain holds for all sessions, the chains within it included. */
interface Holding {
  readonly closers: (() => void)[]
  readonly chains: ChainSpec[]
  readonly pools: BuiltPool[]
}

/** What the stages of one source are built with. */
interface Building {
  readonly env: BuildEnv
  readonly source: CheckedSource
  readonly limits: Limits
  readonly kinds: ReadonlyMap<CheckedTransform, TransformKind>
  readonly memory: ReadonlyMap<CheckedTransform, SharedArrayBuffer>
  readonly protocols: ReadonlyMap<string, Protocol>
  readonly lingering: Lingering
  readonly observer: ChainObserver
}

/** Builds the sources and chains of a topology on this thread; nothing listens yet. Throws what a kind's `create` throws. */
export async function buildTopology(topology: CheckedTopology, env: BuildEnv): Promise<BuiltTopology> {
  const sources: SourceBuild[] = []
  const close = () => {
    for (const source of sources.splice(0).reverse()) source.close()
  }
  try {
    const scratch = new Scratch()
    const bytesMax = Math.max(...topology.sources.map((source) => source.limits.processBytesMax))
    const budget = new Budget(Math.floor(bytesMax / (env.threads ?? 1)))
    const lingering = new Lingering()
    for (const checked of topology.sources) {
      const source = new SourceBuild(checked, env, lingering)
      sources.push(source)
      await source.build(scratch, budget)
    }
    return { sources: [...sources], settled: () => lingering.gone(), close }
  } catch (error) {
    close()
    throw error
  }
}

/** One source on one thread: what it is built of, and built of anew. */
class SourceBuild implements BuiltSource {
  now!: Edition
  source!: Source
  readonly #first: CheckedSource
  readonly #env: BuildEnv
  readonly #lingering: Lingering
  readonly #observer: ChainObserver
  /** In the order in which they were made. */
  readonly #holdings = new Map<StageSpec, Holding>()

  constructor(checked: CheckedSource, env: BuildEnv, lingering: Lingering) {
    this.#first = checked
    this.#env = env
    this.#lingering = lingering
    this.#observer = env.observe?.(checked) ?? NOBODY
  }

  get checked(): CheckedSource {
    return this.now.checked
  }

  get chains(): ChainSpec[] {
    const { chain, stages } = this.now
    return [{ ...chain, stages }, ...[...this.#holdings.values()].flatMap(({ chains }) => chains)]
  }

  get pools(): BuiltPool[] {
    return [...this.#holdings.values()].flatMap(({ pools }) => pools)
  }

  async build(scratch: Scratch, budget: Budget): Promise<void> {
    const checked = this.#first
    const building = await this.#load(checked)
    const stages = checked.chain.map((transform) => this.#make(transform, building))
    const stats = chainStats(this.#env.metrics, checked.name)
    this.now = { checked, stages, chain: { name: checked.name, stages: this.#observed(checked, stages), stats } }
    this.source = makeSource(building, this.now.chain, scratch, budget)
  }

  async rebuild(checked: CheckedSource, dress?: DressFactory): Promise<Edition> {
    const building = await this.#load(checked)
    const { now } = this
    const made: StageSpec[] = []
    try {
      const stages = checked.chain.map((transform, i) => {
        const running = now.stages[i]
        if (isDeepStrictEqual(transform, now.checked.chain[i])) return running
        const stage = this.#make(transform, building, running, dress)
        made.push(stage)
        return stage
      })
      return { checked, stages, chain: { ...now.chain, stages: this.#observed(checked, stages) } }
    } catch (error) {
      this.retire(made)
      throw error
    }
  }

  retire(stages: Iterable<StageSpec>): void {
    for (const stage of stages) {
      const holding = this.#holdings.get(stage)
      this.#holdings.delete(stage)
      if (holding !== undefined) end(holding)
    }
  }

  close(): void {
    for (const holding of [...this.#holdings.values()].reverse()) end(holding)
    this.#holdings.clear()
  }

  #observed(checked: CheckedSource, stages: readonly StageSpec[]): readonly StageSpec[] {
    return this.#observer.dress(checked.name, checked.chain, stages)
  }

  async #load(checked: CheckedSource): Promise<Building> {
    const loaded = await load(checked, this.#env)
    const { limits } = checked
    return { env: this.#env, source: checked, limits, ...loaded, lingering: this.#lingering, observer: this.#observer }
  }

  /** `running`: what stands in its place until now, and counts on where that does. */
  #make(transform: CheckedTransform, building: Building, running?: StageSpec, dress?: DressFactory): StageSpec {
    const holding: Holding = { closers: [], chains: [], pools: [] }
    try {
      const made = buildStage(transform, building.source.name, building, holding)
      const stats = running?.type === made.type ? running.stats : made.stats
      // One with chains of its own would have all of them twice.
      const isPlain = running !== undefined && dress !== undefined && transform.chains === undefined
      const factory = isPlain ? dress(made.factory, running.factory) : made.factory
      const stage = { ...made, factory, stats }
      this.#holdings.set(stage, holding)
      return stage
    } catch (error) {
      end(holding)
      throw error
    }
  }
}

function end({ closers }: Holding): void {
  for (const close of closers.splice(0).reverse()) close()
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

function makeSource(building: Building, chain: ChainSpec, scratch: Scratch, budget: Budget): Source {
  const { env, source: checked, protocols } = building
  const { name } = checked
  return new Source({
    name,
    protocol: protocols.get(checked.type)!,
    chain,
    limits: checked.limits,
    world: env.world,
    log: env.logger(SERVER),
    sessionLog: (id) => env.logger(SERVER, { name: 'connection', fields: { id, source: name } }),
    stats: noSourceStats(env.metrics.summary('shotover_sink_to_source_latency_seconds', { source: name })),
    idleTimeoutMs: checked.idleTimeoutSeconds === null ? null : checked.idleTimeoutSeconds * 1000,
    scratch,
    budget,
  })
}

/** Key of the memory that threads share for a transform. */
export function sharedKey(chain: string, type: string, name: string): string {
  return JSON.stringify([chain, type, name])
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
  return await env.shared(sharedKey(chain, kind.type, name), bytes)
}

function buildChain(name: string, chain: readonly CheckedTransform[], building: Building, holding: Holding): ChainSpec {
  const stages = chain.map((transform) => buildStage(transform, name, building, holding))
  const spec = { name, stages, stats: chainStats(building.env.metrics, name) }
  holding.chains.push(spec)
  return { ...spec, stages: building.observer.dress(name, chain, stages) }
}

function buildStage(transform: CheckedTransform, chain: string, building: Building, holding: Holding): StageSpec {
  const { env, limits, kinds, memory } = building
  const { type, name, options } = transform
  const own: Connections[] = []
  const kindEnv: Env = {
    world: env.world,
    metrics: env.metrics,
    log: env.logger(`shotover::transforms::${type}`),
    limits,
    name,
    chain,
    chains: chainsWithin(transform, building, holding),
    shared: memory.get(transform)!,
    pools: own,
    onClose: (close) => void holding.closers.push(close),
  }
  const factory = kinds.get(transform)!.create(options, kindEnv)
  for (const pool of own) {
    pool.stats.latency = env.metrics.summary('shotover_source_to_sink_latency_seconds', { sink: type })
    holding.pools.push({ type, name, chain, pool })
  }
  const latency = env.metrics.summary('shotover_transform_latency_seconds', { transform: type })
  return { type, name, factory, stats: new StageStats(latency) }
}

function chainsWithin(
  transform: CheckedTransform,
  building: Building,
  holding: Holding,
): Record<string, ChainFactory[]> {
  const { env, protocols, lingering } = building
  const places = Object.entries(transform.chains ?? {}).map(([place, { names, chain, protocol, isDetached }]) => {
    const limits = limitsWithin(building.limits, names.length, isDetached === true)
    const speaks = protocol === undefined ? null : protocols.get(protocol)!
    const settings = { world: env.world, limits, lingering }
    const observer = building.observer.within(transform, isDetached === true)
    const build = (name: string) => () => buildChain(name, chain, { ...building, limits, observer }, holding)
    return [place, names.map((name) => chainFactory(build(name), speaks, settings))] as const
  })
  return Object.fromEntries(places)
}
