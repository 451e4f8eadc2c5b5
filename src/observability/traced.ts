// Hot path
import type { Batch, Exchange } from '../core/exchange.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'
import type { World } from '../world/world.ts'
import type { Sampler } from './sampler.ts'
import type { Trace, TraceOutcome, TraceStage } from './trace.ts'

export interface TracingOptions {
  readonly world: World
  /** The part of the requests that is traced, above 0, 1 at most. */
  readonly sample: number
  /** Takes a trace that is complete. */
  emit(trace: Trace): void
}

/** A traced request on its way: when it came to each stage, and when its reply left it. Clock milliseconds; NaN: not yet. */
class Course {
  readonly query: string
  readonly since: number
  readonly entered: Float64Array
  readonly left: Float64Array

  constructor(query: string, since: number, stages: number) {
    this.query = query
    this.since = since
    this.entered = new Float64Array(stages).fill(NaN)
    this.left = new Float64Array(stages).fill(NaN)
  }

  enter(stage: number, now: number): void {
    if (Number.isNaN(this.entered[stage]!)) this.entered[stage] = now
  }

  /** Its reply is past all stages from this one on. */
  leave(stage: number, now: number): void {
    for (let i = stage; i < this.left.length; i++) if (Number.isNaN(this.left[i]!)) this.left[i] = now
  }
}

/** The traced requests of one session. */
export type Courses = Map<Exchange, Course>

/** A stage as traces name it. */
export type Place = Pick<TraceStage, 'type' | 'name' | 'isSink' | 'upstream'>

/** Stands above all others: chooses what is traced, and puts the trace together at its end. */
export class TraceObserver implements Transform {
  readonly #options: TracingOptions
  readonly #sampler: Sampler
  readonly #session: SessionInfo
  readonly #places: readonly Place[]
  readonly #open: Courses

  constructor(
    options: TracingOptions,
    sampler: Sampler,
    session: SessionInfo,
    places: readonly Place[],
    open: Courses,
  ) {
    this.#options = options
    this.#sampler = sampler
    this.#session = session
    this.#places = places
    this.#open = open
  }

  onRequests(batch: Batch, link: Link): void {
    if (!this.#sampler.passesOver(batch.length)) {
      for (let i = 0; i < batch.length; i++) if (this.#sampler.chooses()) this.#begin(batch[i]!)
    }
    link.forward(batch)
  }

  onResponses(batch: Batch, link: Link): void {
    if (this.#open.size !== 0) {
      for (let i = 0; i < batch.length; i++) {
        const failed = this.#session.protocol.isError(batch[i]!.response!)
        this.#end(batch[i]!, failed ? 'error' : 'answered')
      }
    }
    link.reply(batch)
  }

  onSilent(exchange: Exchange): void {
    this.#end(exchange, 'no-reply')
  }

  onCancel(exchange: Exchange): void {
    this.#end(exchange, 'given-up')
  }

  // Cold: once a traced request
  #begin(exchange: Exchange): void {
    const query = this.#session.protocol.queries?.name(exchange.request) ?? ''
    this.#open.set(exchange, new Course(query, exchange.since, this.#places.length))
  }

  // Cold: once a traced request
  #end(exchange: Exchange, outcome: TraceOutcome): void {
    const course = this.#open.get(exchange)
    if (course === undefined) return
    this.#open.delete(exchange)
    const { clock } = this.#options.world
    const now = clock.now()
    course.leave(0, now)
    const wall = clock.wall() - now
    const { source, chain, protocol, id, clientAddress, clientPort } = this.#session
    const stages: TraceStage[] = []
    for (const [i, place] of this.#places.entries()) {
      if (Number.isNaN(course.entered[i]!)) continue
      stages.push({ ...place, startMs: wall + course.entered[i]!, endMs: wall + course.left[i]! })
    }
    this.#options.emit({
      source,
      chain,
      protocol: protocol.name,
      connection: id,
      clientAddress,
      clientPort,
      query: course.query,
      outcome,
      startMs: wall + course.since,
      endMs: wall + now,
      stages,
    })
  }
}

/** A transform, and when traced requests came to it. What it has no hook for stays without one, but for replies. */
export class TracedTransform implements Transform {
  readonly inner: Transform
  readonly onRequests?: Transform['onRequests']
  readonly onResponses?: Transform['onResponses']
  readonly wants?: Transform['wants']
  readonly onPart?: Transform['onPart']
  readonly onPush?: Transform['onPush']
  readonly onSilent?: Transform['onSilent']
  readonly onCancel?: Transform['onCancel']
  readonly onFlush?: Transform['onFlush']

  constructor(inner: Transform, place: number, isSink: boolean, open: Courses, { clock }: World) {
    this.inner = inner
    if (inner.onRequests !== undefined) {
      this.onRequests = (batch, link) => {
        if (open.size !== 0) for (let i = 0; i < batch.length; i++) open.get(batch[i]!)?.enter(place, clock.now())
        return inner.onRequests!(batch, link)
      }
    }
    if (!isSink) {
      this.onResponses = (batch, link) => {
        if (open.size !== 0) for (let i = 0; i < batch.length; i++) open.get(batch[i]!)?.leave(place + 1, clock.now())
        if (inner.onResponses !== undefined) return inner.onResponses(batch, link)
        link.reply(batch)
      }
    }
    if (inner.wants !== undefined) this.wants = inner.wants.bind(inner)
    if (inner.onPart !== undefined) this.onPart = inner.onPart.bind(inner)
    if (inner.onPush !== undefined) this.onPush = inner.onPush.bind(inner)
    if (inner.onSilent !== undefined) this.onSilent = inner.onSilent.bind(inner)
    if (inner.onCancel !== undefined) this.onCancel = inner.onCancel.bind(inner)
    if (inner.onFlush !== undefined) this.onFlush = inner.onFlush.bind(inner)
  }

  get holds(): boolean {
    return this.inner.holds ?? false
  }

  get held(): number {
    return this.inner.held ?? 0
  }

  close(): void {
    this.inner.close?.()
  }
}
