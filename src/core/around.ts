import { LateError } from '../base/errors.ts'
import type { Timer } from '../world/world.ts'
import { UPWARDS, type Batch, type Exchange } from './exchange.ts'
import type { Frame } from './frame.ts'
import type { Link, Transform } from './transform.ts'

/**
 * Hands exchanges on, towards the server. Resolves once each of them has its reply in `response`, or will never have one, with
 * those that have one. May be called for a part of the batch, and more than once. Throws where an exchange would go on twice;
 * rejects when the session ends.
 */
export type Next = (batch: Batch) => Promise<Batch>

/**
 * The way of a batch through a transform, down and up: before `next` and after it. When it is over each exchange of the batch is
 * replied to with its `response`, whoever set it; what it returns does not matter. Exchanges that are left without a response are
 * answered with a failure, and all of the batch when it throws.
 */
export type Onion = (batch: Batch, next: Next, link: Link) => Promise<unknown>

/**
 * A transform as an onion. It gets whole messages only. Batches of a session enter in their order: the next one waits until
 * everything of the one before was handed on, or that one is over. A reply waits for the slowest of its batch, which a BLPOP may
 * hold up for ever: where that matters, write hooks.
 */
export function around(onion: Onion): Transform {
  return new Around(onion)
}

/** A batch in the onion. */
class Visit {
  readonly batch: Batch
  readonly index: number
  /** Exchanges that were not handed on. */
  kept: number
  /** Calls of `next` that wait for replies. */
  trips = 0
  /** Replies that came and have not left. */
  replies = 0
  over = false
  /** Why it is over before all of its replies came. */
  error: Error | null = null
  /** Lets the next batch in. */
  open: (() => void) | null = null
  /** Deadlines that passed while it was busy with itself. */
  deadlines = 0
  /** Came behind one of its replies. */
  pushes: HeldPush[] | null = null

  constructor(batch: Batch) {
    this.batch = batch
    this.index = batch[0]!.at
    this.kept = batch.length
  }
}

/** What one call of `next` handed on. */
class Trip {
  readonly visit: Visit
  readonly batch: Batch
  /** What it resolves with: the array of whoever called. */
  readonly answered: Batch
  /** Exchanges whose replies have not come. */
  left: number
  /** Those are `batch[at]` and what follows, until one comes out of turn; from then on what is not null in `open`. */
  at = 0
  open: (Exchange | null)[] | null = null
  /** Some have no reply. */
  silent = false
  readonly replies: Promise<Batch>
  readonly resolve: (batch: Batch) => void
  readonly reject: (error: Error) => void

  constructor(visit: Visit, batch: Batch, answered: Batch) {
    const { promise, resolve, reject } = Promise.withResolvers<Batch>()
    this.visit = visit
    this.batch = batch
    this.answered = answered
    this.left = batch.length
    this.replies = promise
    this.resolve = resolve
    this.reject = reject
  }

  /** Takes the exchange out of those that are waited for; false: it is none of them. */
  take(exchange: Exchange): boolean {
    if (this.open === null) {
      const i = this.batch.indexOf(exchange, this.at)
      if (i < 0) return false
      this.open = this.batch.slice()
      this.open.fill(null, 0, this.at)
    }
    const i = this.open.indexOf(exchange)
    if (i < 0) return false
    this.open[i] = null
    return true
  }
}

interface HeldPush {
  readonly push: Frame
  /** Visits with replies that came before it. */
  visits: number
}

class Around implements Transform {
  readonly holds = true
  readonly #onion: Onion
  readonly #visits = new Set<Visit>()
  readonly #trips: Trip[] = []
  /** Visits with replies in hand. */
  #answered = 0
  readonly #pushes: HeldPush[] = []
  #deadline: Timer | null = null
  #closed = false

  constructor(onion: Onion) {
    this.#onion = onion
  }

  wants(): 'whole' {
    return 'whole'
  }

  onRequests(batch: Batch, link: Link): void | Promise<void> {
    const visit = new Visit(batch)
    this.#visits.add(visit)
    this.#deadline ??= link.after(() => this.#deadlinePassed(link))
    this.#run(visit, link).then(
      () => this.#end(visit, link, null),
      (error: unknown) => this.#end(visit, link, error instanceof Error ? error : new Error(String(error))),
    )
    if (visit.kept !== 0) return new Promise((resolve) => (visit.open = resolve))
  }

  onResponses(batch: Batch, link: Link): void {
    let passing: Batch | null = null
    let failing: Batch | null = null
    let error: Error | null = null
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const visit = this.#arrived(exchange, false)
      if (visit !== null && !visit.over) {
        if (visit.replies++ === 0) this.#answered++
      } else if (visit !== null && visit.error !== null) {
        error = visit.error
        ;(failing ??= []).push(exchange)
      } else (passing ??= []).push(exchange)
    }
    if (passing !== null) link.reply(passing)
    if (failing !== null) link.replyFailure(failing, error!)
    ownTogether(batch)
  }

  /** Pushes keep their place among the replies: a client may rely on what it is told last. */
  onPush(push: Frame, link: Link): void {
    if (this.#answered === 0 && this.#pushes.length === 0) {
      link.push(push)
      return
    }
    const held: HeldPush = { push: push.own(), visits: this.#answered }
    for (const visit of this.#visits) if (visit.replies !== 0) (visit.pushes ??= []).push(held)
    this.#pushes.push(held)
  }

  onSilent(exchange: Exchange): void {
    this.#arrived(exchange, true)
  }

  onCancel(exchange: Exchange): void {
    this.#arrived(exchange, true)
  }

  close(): void {
    this.#closed = true
    this.#deadline?.cancel()
    const error = new Error('the session ended')
    for (const trip of this.#trips) {
      // An onion that does not wait for its replies need not know.
      trip.replies.catch(() => {})
      trip.reject(error)
    }
    this.#trips.length = 0
    this.#visits.clear()
  }

  #run(visit: Visit, link: Link): Promise<unknown> {
    try {
      // The onion may do with its array what it likes.
      return Promise.resolve(this.#onion(visit.batch.slice(), (some) => this.#next(visit, some, link), link))
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #next(visit: Visit, some: Batch, link: Link): Promise<Batch> {
    if (this.#closed) throw new Error('the session ended')
    const { batch, index } = visit
    let same = some.length === batch.length
    for (let i = 0; i < some.length; i++) {
      const exchange = some[i]!
      if (exchange !== batch[i]) same = false
      if (exchange.cancelled) same = false
      else if (exchange.at !== index || visit.over)
        throw new Error('an exchange goes on once, while the onion that was given it runs')
    }
    const going = same ? batch : some.filter((exchange) => !exchange.cancelled)
    if (!same && new Set(going).size !== going.length) throw new Error('an exchange stands in the batch twice')
    visit.kept -= some.length
    const trip = new Trip(visit, going, some)
    if (going.length === 0) trip.resolve([])
    else {
      visit.trips++
      this.#trips.push(trip)
      link.forward(going)
    }
    if (visit.kept <= 0) visit.open?.()
    return trip.replies
  }

  /** The exchange has its reply, or needs none any more. Returns whose it is, null where nothing waits for it. */
  #arrived(exchange: Exchange, silent: boolean): Visit | null {
    const trips = this.#trips
    for (let t = 0; t < trips.length; t++) {
      const trip = trips[t]!
      if (trip.open !== null || trip.batch[trip.at] !== exchange) continue
      trip.at++
      return this.#arrivedOn(trip, t, silent)
    }
    for (let t = 0; t < trips.length; t++) if (trips[t]!.take(exchange)) return this.#arrivedOn(trips[t]!, t, silent)
    return null
  }

  #arrivedOn(trip: Trip, t: number, silent: boolean): Visit {
    const { visit, answered } = trip
    if (silent) trip.silent = true
    if (--trip.left !== 0) return visit
    if (t === 0) this.#trips.shift()
    else this.#trips.splice(t, 1)
    visit.trips--
    trip.resolve(trip.silent ? answered.filter(({ response }) => response !== null) : answered)
    return visit
  }

  #end(visit: Visit, link: Link, error: Error | null): void {
    if (visit.over || this.#closed) return
    visit.over = true
    visit.error = error
    this.#visits.delete(visit)
    if (visit.replies !== 0) this.#answered--
    try {
      this.#leave(visit, link, error)
    } catch (fault) {
      link.fail(fault as Error)
    }
    visit.open?.()
  }

  #leave(visit: Visit, link: Link, error: Error | null): void {
    const { batch, index } = visit
    let replies = batch
    let dropped: Batch | null = null
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const isHere = exchange.at === index || exchange.at === index + UPWARDS
      if (isHere && exchange.response !== null && error === null) {
        if (replies !== batch) replies.push(exchange)
        continue
      }
      if (replies === batch) replies = batch.slice(0, i)
      if (isHere && !exchange.cancelled) (dropped ??= []).push(exchange)
    }
    if (replies.length !== 0) link.reply(replies)
    if (error !== null || dropped !== null)
      link.replyFailure(dropped ?? [], error ?? new Error('its onion gave no response to the request'))
    if (visit.pushes !== null) this.#release(visit.pushes, link)
  }

  #release(pushes: HeldPush[], link: Link): void {
    for (const held of pushes) held.visits--
    while (this.#pushes.length !== 0 && this.#pushes[0]!.visits === 0) link.push(this.#pushes.shift()!.push)
  }

  /** One timer serves all visits: each ends that was busy with itself all the time between two of its rings, or longer. */
  #deadlinePassed(link: Link): void {
    this.#deadline = null
    for (const visit of this.#visits) {
      if (visit.trips !== 0) visit.deadlines = 0
      else if (++visit.deadlines === 2) this.#end(visit, link, new LateError('it took too long'))
    }
    if (this.#visits.size !== 0) this.#deadline = link.after(() => this.#deadlinePassed(link))
  }
}

/** Replies that lie in one buffer that is lent are copied at one go. What this leaves out its stage copies one by one. */
function ownTogether(batch: Batch): void {
  const slab = batch[0]!.response!.bytes
  let low = Infinity
  let high = 0
  let size = 0
  for (let i = 0; i < batch.length; i++) {
    const { bytes, start, end, borrowed } = batch[i]!.response!
    if (bytes !== slab || !borrowed) return
    if (start < low) low = start
    if (end > high) high = end
    size += end - start
  }
  if (high - low > 2 * size) return
  const copy = Buffer.allocUnsafe(high - low)
  slab.copy(copy, 0, low, high)
  for (let i = 0; i < batch.length; i++) {
    const response = batch[i]!.response!
    if (!response.borrowed) continue
    response.bytes = copy
    response.start -= low
    response.end -= low
    response.borrowed = false
  }
}
