// Hot path
import type { World } from '../world/world.ts'
import type { Batch, Exchange, Owner } from './exchange.ts'
import type { Frame } from './frame.ts'
import type { Limits, Log, SessionFactory, Summary } from './kind.ts'
import { Stage } from './stage.ts'
import type { ChainStats, StageStats } from './stats.ts'
import type { SessionInfo } from './transform.ts'

/** One place in a chain, as the topology names it. */
export interface StageSpec {
  readonly type: string
  readonly name: string
  readonly factory: SessionFactory
  /** Absent: nobody asks. */
  readonly stats?: StageStats
}

export interface ChainSpec {
  readonly name: string
  /** The last one is the sink. */
  readonly stages: readonly StageSpec[]
  readonly stats: ChainStats
}

/** What stands above a chain: the session, or the transform whose sub-chain it is. */
export interface ChainTop extends Owner {
  readonly info: SessionInfo
  /** Somebody above may look at requests when their replies come. */
  readonly keepsRequests: boolean
  onPush(push: Frame): void
  /** Takes no more requests until `go` was called as often. */
  stop(): void
  go(): void
  fail(error: Error): void
  end(reason: string): void
  abort(reason: string): void
}

/** The stages of one session. */
export class Chain {
  spec: ChainSpec
  readonly top: ChainTop
  readonly world: World
  readonly limits: Limits
  readonly log: Log
  stages: readonly Stage[] = []
  #first!: Stage
  readonly #latency: Summary
  /** Some stage looks at parts; else they go straight to the pipe of their exchange. */
  readonly #partStages: Stage[] = []
  /** Some stage above the sink takes replies. */
  #takesReplies = false
  /** Stages that keep exchanges of their own accord. */
  readonly #holders: Stage[] = []
  /** Some stage may want messages whole. */
  assembles = false
  closed = false
  /** Milliseconds that hooks took within the one that runs, where that is measured. */
  innerMs = 0

  constructor(spec: ChainSpec, top: ChainTop, world: World, limits: Limits, log: Log) {
    this.spec = spec
    this.top = top
    this.world = world
    this.limits = limits
    this.log = log
    this.#latency = spec.stats.latency(top.info.clientAddress)
    this.#connect(this.#make(spec))
  }

  /** Nothing is under way in it, as far as its stages know. */
  get isQuiet(): boolean {
    for (const stage of this.stages) if (!stage.isQuiet) return false
    return true
  }

  /**
   * Gives it the stages of `spec`; those that it has already, by their `StageSpec`, stay as they are, state and all. Only while nothing is
   * under way. Throws what a new stage throws that can't make an instance, and is as it was then.
   */
  // Cold: after a reload
  adopt(spec: ChainSpec): void {
    const before = this.stages
    const stages = this.#make(spec)
    this.spec = spec
    this.#connect(stages)
    for (const stage of before) if (!stages.includes(stage)) stage.dispose()
  }

  // Cold: once a session, and after a reload
  #make(spec: ChainSpec): Stage[] {
    const kept = new Map(this.stages.map((stage) => [stage.spec, stage]))
    const stages: Stage[] = []
    try {
      for (const [i, stage] of spec.stages.entries()) {
        const previous = this.stages.find(({ spec: { name } }) => name === stage.name)?.transform ?? null
        stages.push(kept.get(stage) ?? new Stage(this, i, stage, previous))
      }
      const last = stages.findLast(({ transform }) => transform.onRequests !== undefined)
      if (last === undefined || last !== stages.at(-1)) throw new Error(`chain ${spec.name} has no sink`)
    } catch (error) {
      for (const stage of stages) if (!kept.has(stage.spec)) stage.dispose()
      throw error
    }
    return stages
  }

  /** Makes neighbours of the stages. */
  // Cold: once a session, and after a reload
  #connect(stages: readonly Stage[]): void {
    this.stages = stages
    this.#takesReplies = stages.some(({ transform }) => transform.onResponses !== undefined)
    this.assembles = stages.some(({ transform }) => transform.wants !== undefined)
    this.#partStages.length = 0
    this.#holders.length = 0
    let above: Stage | null = null
    for (const [i, stage] of stages.entries()) {
      const { transform } = stage
      stage.place(
        i,
        stages.find(({ transform: { onRequests } }, at) => at > i && onRequests !== undefined) ?? null,
        above,
      )
      if (transform.onResponses !== undefined || transform.onPush !== undefined) above = stage
      if (transform.onPart !== undefined) this.#partStages.push(stage)
      if (transform.held !== undefined) this.#holders.push(stage)
    }
    this.#first = stages.find(({ transform }) => transform.onRequests !== undefined)!
    for (const stage of stages) this.#noteLeaving(stage)
  }

  /** Replies that go up from this stage leave it, and those that they pass by. */
  #noteLeaving(stage: Stage): void {
    const last = stage.above === null ? 0 : stage.above.index + 1
    for (let i = stage.index; i >= last; i--) {
      const passed = this.stages[i]!
      if (passed === stage || passed.transform.onRequests !== undefined) stage.leaving.push(passed.stats)
    }
  }

  /** Somebody looks at requests when their replies come. */
  get keepsRequests(): boolean {
    return this.#takesReplies || this.top.keepsRequests
  }

  /** Exchanges that stages keep for later of their own accord. */
  get held(): number {
    let held = 0
    for (let i = 0; i < this.#holders.length; i++) held += this.#holders[i]!.transform.held ?? 0
    return held
  }

  /** Requests of the session, in order. Their `at` must be AT_OWNER. */
  down(batch: Batch): void {
    const { stats } = this.spec
    stats.batches++
    stats.requests.observe(batch.length)
    const first = this.#first
    for (let i = 0; i < batch.length; i++) batch[i]!.at = first.index
    first.enterDown(batch)
  }

  /** Replies have come up past all stages. */
  up(batch: Batch, now: number): void {
    this.spec.stats.responses.observe(batch.length)
    this.#latency.observe((now - batch[0]!.since) / 1000)
    this.top.onReplies(batch)
  }

  /** A further part of a request that went down before. It waits in the exchange's pipe for the sink. False: stop for now. */
  partDown(exchange: Exchange, part: Frame): boolean {
    this.showPart(exchange, part)
    return exchange.requestParts === null || exchange.requestParts.push(part)
  }

  /** Shows it to the stages that look at parts. For chains within a chain, whose exchanges share the pipe of those around them. */
  showPart(exchange: Exchange, part: Frame): void {
    for (let i = 0; i < this.#partStages.length; i++) this.#partStages[i]!.onPart(exchange, part)
  }

  /** Does some stage want the messages of this kind whole? */
  wantsWhole(kind: number): boolean {
    for (const stage of this.stages) if (stage.wantsWhole(kind)) return true
    return false
  }

  /** Nobody waits for the exchange any more. */
  cancel(exchange: Exchange): void {
    if (exchange.cancelled) return
    exchange.cancelled = true
    this.#cancel(exchange)
  }

  #cancel(exchange: Exchange): void {
    exchange.requestParts?.abort(new Error('cancelled'))
    for (const stage of this.stages) stage.cancel(exchange)
  }

  /** Nobody waits for any of them any more. All are marked first: none is sent because another one was given up. */
  // Cold: a client is gone
  cancelAll(batch: Batch): void {
    const open = batch.filter((exchange) => !exchange.cancelled)
    for (const exchange of open) exchange.cancelled = true
    for (const exchange of open) this.#cancel(exchange)
  }

  /** The stage at `index` ends the session. True: one above would have it go on. */
  // Cold: once a session
  spares(index: number, reason: string, error: Error | null): boolean {
    for (let i = index - 1; i >= 0; i--) if (this.stages[i]!.spares(reason, error)) return true
    return false
  }

  /** The session is about to end: what is held goes on. */
  flush(): void {
    for (const stage of this.stages) stage.flush()
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const stage of this.stages) stage.dispose()
  }
}
