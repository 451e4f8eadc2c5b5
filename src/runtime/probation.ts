import { LateError } from '../base/errors.ts'
import type { SessionFactory } from '../core/kind.ts'
import type { Batch, Exchange } from '../core/exchange.ts'
import type { Edit, Frame } from '../core/frame.ts'
import type { Link, Transform } from '../core/transform.ts'
import type { Clock } from '../world/world.ts'
import { WatchedLink } from './watched-link.ts'

/** So long a new version is watched. */
export const PROBATION_MS = 60_000
/** It is given up when it throws so often in so long. */
const FAILURES_MAX = 5
const WINDOW_MS = 10_000

/** A new version of a transform, on one thread, while the one before is there to take over. */
export class Probation {
  /** It threw too often: the version before does everything. */
  isGivenUp = false
  /** It has stood the test: there is nothing to fall back to any more. */
  isOver = false
  readonly #onOver: (() => void)[] = []
  readonly #clock: Clock
  readonly #onGivenUp: (error: unknown) => void
  readonly #failures: number[] = []

  /** `onGivenUp` is called once, with the last error. */
  constructor(clock: Clock, onGivenUp: (error: unknown) => void) {
    this.#clock = clock
    this.#onGivenUp = onGivenUp
  }

  /** `release` lets go what is kept of the version before. */
  whenOver(release: () => void): void {
    this.#onOver.push(release)
  }

  /** From here on there is no version before. */
  end(): void {
    this.isOver = true
    for (const release of this.#onOver.splice(0)) release()
  }

  /** It threw, or came to no end, where the version before did not. */
  failed(error: unknown): void {
    if (this.isGivenUp || this.isOver) return
    const now = this.#clock.now()
    this.#failures.push(now)
    if (this.#failures.length > FAILURES_MAX) this.#failures.shift()
    if (this.#failures.length < FAILURES_MAX || now - this.#failures[0] > WINDOW_MS) return
    this.isGivenUp = true
    this.#onGivenUp(error)
  }
}

/**
 * Instances of a new version, each with one of the version before beside it: what the new one throws on, and has not touched, the old
 * one is given. Nobody's request fails because a hook of the new version throws before it has done anything with it.
 */
export function onProbation(next: SessionFactory, before: SessionFactory, probation: Probation): SessionFactory {
  let kept: SessionFactory | null = before
  probation.whenOver(() => (kept = null))
  return (session, previous) => {
    if (kept === null) return next(session, previous)
    // An instance of the session's own: the one that served it before may have handed over what it had.
    const old = kept(session, null)
    if (probation.isGivenUp) return old
    let fresh: Transform
    try {
      fresh = next(session, previous)
    } catch (error) {
      probation.failed(error)
      return old
    }
    // What the old one keeps for later the chain would take for lost.
    if (old.holds === true && fresh.holds !== true) return fresh
    return guarded(fresh, old, probation)
  }
}

/** What a hook was given, to see whether it has touched it. */
interface Snapshot {
  readonly exchange: Exchange
  readonly at: number
  readonly request: Frame
  readonly edits: Edit[] | null
  readonly response: Frame | null
}

function look(batch: Batch): Snapshot[] {
  return batch.map((exchange) => {
    const { at, request, response } = exchange
    return { exchange, at, request, edits: request.edits, response }
  })
}

const isHere = ({ exchange, at }: Snapshot) => exchange.at === at
const isUntouched = ({ exchange, request, edits, response }: Snapshot) =>
  exchange.request === request && request.edits === edits && exchange.response === response

/** Has what the new instance has, and hooks that fall back. What it has beside hooks, state to be handed over, is seen too. */
function guarded(fresh: Transform, old: Transform, probation: Probation): Transform {
  const guard = new Guard(fresh, old, probation)
  const instance = Object.create(fresh) as { -readonly [Key in keyof Transform]: Transform[Key] }
  // Getters of its class would be asked on behalf of the wrong object.
  if (fresh.holds !== undefined) Object.defineProperty(instance, 'holds', { value: fresh.holds })
  if (fresh.held !== undefined) Object.defineProperty(instance, 'held', { get: () => fresh.held })
  instance.onRequests = (batch, link) => guard.run('onRequests', batch, link)
  if (fresh.onResponses !== undefined || old.onResponses !== undefined)
    instance.onResponses = (batch, link) => guard.run('onResponses', batch, link)
  if (fresh.wants !== undefined || old.wants !== undefined) instance.wants = (kind) => guard.wants(kind)
  if (fresh.onPush !== undefined || old.onPush !== undefined)
    instance.onPush = (push, link) => {
      const by = guard.current
      if (by.onPush === undefined) link.push(push)
      else by.onPush(push, link)
    }
  if (fresh.onPart !== undefined || old.onPart !== undefined)
    instance.onPart = (exchange, part, link) => guard.holderOf(exchange).onPart?.(exchange, part, link)
  instance.onSilent = (exchange) => guard.forget(exchange).onSilent?.(exchange)
  instance.onCancel = (exchange) => guard.forget(exchange).onCancel?.(exchange)
  instance.onFlush = (link) => {
    fresh.onFlush?.(link)
    old.onFlush?.(link)
  }
  instance.close = () => {
    fresh.close?.()
    old.close?.()
  }
  return instance as Transform
}

type Hook = 'onRequests' | 'onResponses'

class Guard {
  readonly #fresh: Transform
  readonly #old: Transform
  readonly #probation: Probation
  /** Exchanges that the old instance was given: their replies are its too. */
  readonly #olds = new Set<Exchange>()

  constructor(fresh: Transform, old: Transform, probation: Probation) {
    this.#fresh = fresh
    this.#old = old
    this.#probation = probation
  }

  get current(): Transform {
    return this.#probation.isGivenUp ? this.#old : this.#fresh
  }

  holderOf(exchange: Exchange): Transform {
    return this.#olds.has(exchange) ? this.#old : this.#fresh
  }

  forget(exchange: Exchange): Transform {
    return this.#olds.delete(exchange) ? this.#old : this.#fresh
  }

  wants(kind: number): 'head' | 'whole' {
    return this.#fresh.wants?.(kind) === 'whole' || this.#old.wants?.(kind) === 'whole' ? 'whole' : 'head'
  }

  run(hook: Hook, batch: Batch, link: Link): void | Promise<void> {
    if (hook === 'onRequests')
      return this.current === this.#old ? this.#byOld(hook, batch, link) : this.#byFresh(hook, batch, link)
    if (this.#olds.size === 0) return this.#byFresh(hook, batch, link)
    const olds = batch.filter((exchange) => this.#olds.delete(exchange))
    const rest = olds.length === 0 ? batch : batch.filter((exchange) => !olds.includes(exchange))
    if (rest.length === 0) return this.#by(this.#old, hook, olds, link)
    if (olds.length === 0) return this.#byFresh(hook, batch, link)
    const first = this.#by(this.#old, hook, olds, link)
    const second = this.#byFresh(hook, rest, link)
    if (first !== undefined || second !== undefined) return Promise.all([first, second]).then(() => {})
  }

  #by(transform: Transform, hook: Hook, batch: Batch, link: Link): void | Promise<void> {
    if (transform[hook] !== undefined) return transform[hook](batch, link)
    if (hook === 'onRequests') link.forward(batch)
    else link.reply(batch)
  }

  #byOld(hook: Hook, batch: Batch, link: Link): void | Promise<void> {
    if (hook === 'onResponses') return this.#by(this.#old, hook, batch, link)
    for (const exchange of batch) this.#olds.add(exchange)
    // Those that it answered itself have no reply to come.
    const forgetAnswered = () => {
      for (const exchange of batch) if (exchange.response !== null) this.#olds.delete(exchange)
    }
    const done = this.#by(this.#old, hook, batch, link)
    if (done !== undefined) return done.then(forgetAnswered)
    forgetAnswered()
  }

  #byFresh(hook: Hook, batch: Batch, link: Link): void | Promise<void> {
    if (this.#probation.isOver) return this.#by(this.#fresh, hook, batch, link)
    const seen = look(batch)
    const rescue = (error: unknown) => this.#rescue(hook, seen, link, error)
    const check = () => {
      if (this.#fresh.holds !== true && seen.some(isHere))
        return rescue(new Error('it neither forwarded nor answered the request'))
    }
    try {
      const done = this.#by(this.#fresh, hook, batch, this.#watched(hook, seen, link))
      return done === undefined ? check() : this.#inTime(done, seen, link, check, rescue)
    } catch (error) {
      return rescue(error)
    }
  }

  /** A hook that has not settled when its time is up has failed, as if it threw then; what it does afterwards is swallowed. */
  #inTime(
    done: Promise<void>,
    seen: readonly Snapshot[],
    link: Link,
    check: () => void | Promise<void>,
    rescue: (error: unknown) => void | Promise<void>,
  ): Promise<void> {
    let isLate = false
    const timer = link.after(() => {
      isLate = true
      const error = new LateError('a hook did not come to its end')
      const batch = seen.filter(isHere).map(({ exchange }) => exchange)
      this.#orFail(batch, link, error, () => rescue(error))
    })
    const inTime = (goOn: () => void | Promise<void>) => {
      timer.cancel()
      return isLate ? undefined : goOn()
    }
    return done.then(
      () => inTime(check),
      (error: unknown) => inTime(() => rescue(error)),
    )
  }

  /** An onion does not throw: it has the stage answer what it was given with a failure. */
  #watched(hook: Hook, seen: readonly Snapshot[], link: Link): Link {
    return new WatchedLink(link, (failed, error) => {
      const mine = seen.filter(({ exchange }) => failed.includes(exchange))
      if (mine.length > 0 && mine.every((one) => isHere(one) && isUntouched(one))) {
        this.#orFail(failed, link, error, () => this.#rescue(hook, mine, link, error))
        return
      }
      this.#probation.failed(error)
      link.replyFailure(failed, error)
    })
  }

  /** Runs what is not a hook as if it were one. */
  #orFail(batch: Batch, link: Link, error: Error, hook: () => void | Promise<void>): void {
    const fail = () => link.replyFailure(batch, error)
    try {
      hook()?.catch(fail)
    } catch {
      fail()
    }
  }

  /** The new instance threw: the old one is given what is still here and as it came. Throws where there is nothing, or it throws too. */
  #rescue(hook: Hook, seen: readonly Snapshot[], link: Link, error: unknown): void | Promise<void> {
    const here = seen.filter(isHere)
    const intact = here.filter(isUntouched).map(({ exchange }) => exchange)
    if (intact.length === 0) {
      this.#probation.failed(error)
      throw error
    }
    const done = this.#byOld(hook, intact, link)
    if (done !== undefined) return done.then(() => this.#settle(here, intact, link, error))
    this.#settle(here, intact, link, error)
  }

  #settle(here: readonly Snapshot[], intact: Batch, link: Link, error: unknown): void {
    this.#probation.failed(error)
    const touched = here.map(({ exchange }) => exchange).filter((exchange) => !intact.includes(exchange))
    if (touched.length > 0) link.replyFailure(touched, error instanceof Error ? error : new Error(String(error)))
  }
}
