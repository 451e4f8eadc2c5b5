// Hot path
import type { Batch, Exchange } from '../core/exchange.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'
import type { Clock, World } from '../world/world.ts'
import type { Sampler } from './sampler.ts'
import type { Trace, TraceOutcome, TraceStage } from './trace.ts'

export interface TracingOptions {
  readonly world: World
  /** The part of the requests that is traced, above 0, 1 at most. */
  readonly sample: number
  /** Takes a trace that is complete. */
  emit(trace: Trace): void
}

/** A stage as traces name it. */
export type Place = Pick<TraceStage, 'type' | 'name' | 'chain' | 'isSink' | 'upstream'>

/** A traced request came to a stage. Clock milliseconds; NaN: not yet. */
interface Visit {
  readonly place: Place
  readonly within: Visit | null
  readonly entered: number
  left: number
}

/** A traced request on its way, through all chains. */
class Course {
  readonly query: string
  readonly since: number
  /** In the order in which it came there. */
  readonly visits: Visit[] = []
  /** Exchanges that took its place in chains within. */
  readonly inner: Exchange[] = []

  constructor(query: string, since: number) {
    this.query = query
    this.since = since
  }

  visitOf(name: string): Visit | null {
    return this.visits.findLast(({ place }) => place.name === name) ?? null
  }
}

/** Its way through one chain. */
class Track {
  readonly course: Course
  readonly #around: Visit | null
  /** By the index of the stage in the chain. */
  readonly #visits: (Visit | undefined)[] = []

  /** `around`: the stage whose chain it is. */
  constructor(course: Course, around: Visit | null) {
    this.course = course
    this.#around = around
  }

  enter(stage: number, place: Place, now: number): void {
    if (this.#visits[stage] !== undefined) return
    const within = this.#visits.findLast((visit) => visit !== undefined) ?? this.#around
    const visit = { place, within, entered: now, left: NaN }
    this.#visits[stage] = visit
    this.course.visits.push(visit)
  }

  /** Its reply is past all stages from this one on. */
  leave(stage: number, now: number): void {
    for (let i = stage; i < this.#visits.length; i++) {
      const visit = this.#visits[i]
      if (visit !== undefined && Number.isNaN(visit.left)) visit.left = now
    }
  }
}

/** The traced requests of one session, and what takes their place in chains within. */
export type Courses = Map<Exchange, Track>

/** Stands above all others: chooses what is traced, and puts the trace together at its end. */
export class TraceObserver implements Transform {
  readonly #options: TracingOptions
  readonly #sampler: Sampler
  readonly #session: SessionInfo
  readonly #open: Courses
  readonly #onClose: () => void

  constructor(options: TracingOptions, sampler: Sampler, session: SessionInfo, open: Courses, onClose: () => void) {
    this.#options = options
    this.#sampler = sampler
    this.#session = session
    this.#open = open
    this.#onClose = onClose
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

  close(): void {
    this.#onClose()
  }

  // Cold: once a traced request
  #begin(exchange: Exchange): void {
    const query = this.#session.protocol.queries?.name(exchange.request) ?? ''
    this.#open.set(exchange, new Track(new Course(query, exchange.since), null))
  }

  // Cold: once a traced request
  #end(exchange: Exchange, outcome: TraceOutcome): void {
    const track = this.#open.get(exchange)
    if (track === undefined) return
    const { course } = track
    this.#open.delete(exchange)
    for (const inner of course.inner) this.#open.delete(inner)
    const { clock } = this.#options.world
    const now = clock.now()
    track.leave(0, now)
    const wall = clock.wall() - now
    const { source, chain, protocol, id, clientAddress, clientPort } = this.#session
    const stages = course.visits.map(({ place, within, entered, left }): TraceStage => {
      const endMs = wall + (Number.isNaN(left) ? now : left)
      return { ...place, within: within === null ? -1 : course.visits.indexOf(within), startMs: wall + entered, endMs }
    })
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

/** Stands above the others of a chain within: what took the place of a traced request there is traced too. */
export class TraceFollower implements Transform {
  /** Name of the transform whose chain it is. */
  readonly #owner: string
  readonly #open: Courses
  readonly #clock: Clock

  constructor(owner: string, open: Courses, clock: Clock) {
    this.#owner = owner
    this.#open = open
    this.#clock = clock
  }

  onRequests(batch: Batch, link: Link): void {
    if (this.#open.size !== 0) for (let i = 0; i < batch.length; i++) this.#follow(batch[i]!)
    link.forward(batch)
  }

  onResponses(batch: Batch, link: Link): void {
    if (this.#open.size !== 0) for (let i = 0; i < batch.length; i++) this.#leave(batch[i]!)
    link.reply(batch)
  }

  onSilent(exchange: Exchange): void {
    this.#leave(exchange)
  }

  onCancel(exchange: Exchange): void {
    this.#leave(exchange)
  }

  #follow(exchange: Exchange): void {
    const around = exchange.outer === null ? undefined : this.#open.get(exchange.outer)
    if (around === undefined) return
    const { course } = around
    this.#open.set(exchange, new Track(course, course.visitOf(this.#owner)))
    course.inner.push(exchange)
  }

  #leave(exchange: Exchange): void {
    this.#open.get(exchange)?.leave(0, this.#clock.now())
    this.#open.delete(exchange)
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

  /** The stage at `index` of its chain, as traces name it: `place`. */
  constructor(inner: Transform, index: number, place: Place, open: Courses, clock: Clock) {
    this.inner = inner
    if (inner.onRequests !== undefined) {
      this.onRequests = (batch, link) => {
        if (open.size !== 0)
          for (let i = 0; i < batch.length; i++) open.get(batch[i]!)?.enter(index, place, clock.now())
        return inner.onRequests!(batch, link)
      }
    }
    if (!place.isSink) {
      this.onResponses = (batch, link) => {
        if (open.size !== 0) for (let i = 0; i < batch.length; i++) open.get(batch[i]!)?.leave(index + 1, clock.now())
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
