// Hot path
import type { Timer, World } from '../world/world.ts'
import { Chain, type ChainSpec, type ChainTop } from './chain.ts'
import { AT_OWNER, DONE, Exchange, PART_TAKEN, type Batch } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Limits } from './kind.ts'
import type { Lingering } from './lingering.ts'
import { Parts } from './parts.ts'
import type { SessionInfo } from './transform.ts'

/**
 * Whoever opened a chain within: what comes out of the chain comes here, and nothing of it reaches the session but through this.
 * The exchanges are those that were sent; `Exchange.outer` says whose place each took.
 */
export interface SubChainUser {
  /** Replies, or the heads of larger ones. Their bytes are lent until this returns. */
  onReplies(batch: Batch): void
  /** A further part of a reply. PART_TAKEN, PART_SLOW or PART_FULL, see core/exchange.ts. */
  onReplyPart(exchange: Exchange, part: Frame): number
  /** There will be no reply. */
  onSilent(exchange: Exchange): void
  onPush(push: Frame): void
  /** What is below takes no more for now: whoever sends all the same is not refused. */
  onStop(): void
  onGo(): void
  /** It is closed because of an error of one of its stages. Nothing more comes for what was `open`. */
  onFail(error: Error, open: Batch): void
  /** It takes no more; what is in flight is still answered, then it closes itself. */
  onEnd(reason: string): void
  /** It is closed. Nothing more comes for what was `open`. */
  onClose(reason: string, open: Batch): void
}

const OPEN = 0
/** Takes nothing more; closes once everything was answered. */
const DRAINING = 1
const CLOSED = 2

export interface SubChainSettings {
  readonly world: World
  readonly limits: Limits
  readonly lingering: Lingering
}

/**
 * A chain within a transform, for one session. It has exchanges of its own: those of the chain around never enter it, so that no stage of
 * either can hand on what belongs to the other. An error in it is its user's to judge.
 */
export class SubChain implements ChainTop {
  readonly level = AT_OWNER
  readonly info: SessionInfo
  readonly chain: Chain
  /** Somebody looks at requests when their replies come. To be set before the first is sent. */
  keepsRequests = false
  readonly #user: SubChainUser
  readonly #settings: SubChainSettings
  /** Sent and not answered whole; each knows its `slot`. */
  #open: Exchange[] = []
  #state = OPEN
  #stops = 0
  #deadline: Timer | null = null

  constructor(spec: ChainSpec, info: SessionInfo, user: SubChainUser, settings: SubChainSettings) {
    this.info = info
    this.#user = user
    this.#settings = settings
    this.chain = new Chain(spec, this, settings.world, settings.limits, info.log)
  }

  /** It takes requests. */
  get isOpen(): boolean {
    return this.#state === OPEN
  }

  /** What is below takes no more for now. */
  get isStopped(): boolean {
    return this.#stops !== 0
  }

  /** Exchanges without their whole reply, but for those that a stage keeps of its own accord. */
  get inFlight(): number {
    return this.#open.length - this.chain.held
  }

  /**
   * An exchange that takes the place of `outer` in this chain alone: the same request, and the same pipe for the rest of it. What the
   * stages of this chain do to the request is done to that of `outer`.
   */
  standIn(outer: Exchange): Exchange {
    const exchange = new Exchange(outer.request, this, AT_OWNER, outer.since)
    exchange.requestParts = outer.requestParts
    exchange.outer = outer
    return exchange
  }

  /**
   * An exchange for a copy of the request of `outer`, which goes its own way: the two share bytes that never change. If its rest is yet to
   * come, whoever asked pushes copies of the parts into `requestParts`.
   */
  copyOf(outer: Exchange): Exchange {
    const exchange = new Exchange(outer.request.copy(), this, AT_OWNER, outer.since)
    if (outer.requestParts !== null) exchange.requestParts = new Parts()
    exchange.outer = outer
    return exchange
  }

  /** Sends exchanges that `standIn` or `copyOf` made. */
  send(batch: Batch): void {
    if (this.#state !== OPEN) throw new Error(`chain ${this.chain.spec.name} takes no more`)
    for (let i = 0; i < batch.length; i++) batch[i]!.slot = this.#open.push(batch[i]!) - 1
    this.chain.down(batch)
  }

  /** The one in flight that took the place of `outer`, or null. */
  // Cold: something large, or given up
  standingFor(outer: Exchange): Exchange | null {
    return this.#open.find((exchange) => exchange.outer === outer) ?? null
  }

  /** Nobody waits any more for those whose outer exchange was given up. All go at once: none is sent because another one went. */
  // Cold: something was given up
  cancelWithOuter(): void {
    this.cancel(this.#open.filter(({ outer }) => outer !== null && outer.cancelled))
  }

  /** Nobody waits for these any more. */
  // Cold: something was given up
  cancel(batch: Batch): void {
    const open = batch.filter((exchange) => this.#isOpen(exchange))
    for (const exchange of open) this.#leave(exchange)
    this.chain.cancelAll(open)
    this.#settle()
  }

  /** Shows a further part of a request that was sent to the stages that look at parts; it comes through the request's pipe. */
  // Cold: a large request
  showPart(exchange: Exchange, part: Frame): void {
    if (this.#state !== CLOSED) this.chain.showPart(exchange, part)
  }

  flush(): void {
    if (this.#state !== CLOSED) this.chain.flush()
  }

  /** Takes no more, hands on what stages hold, and closes once everything was answered, at the latest after the time that a call may take. */
  // Cold: once a session
  drain(): void {
    if (this.#state === CLOSED || this.#deadline !== null) return
    this.#state = DRAINING
    const { world, limits, lingering } = this.#settings
    lingering.add(this)
    this.#deadline = world.clock.after(limits.callTimeoutMs, () => this.close())
    this.chain.flush()
    this.#settle()
  }

  /** Gives up what is in flight. */
  close(): void {
    if (this.#state !== CLOSED) this.#close()
  }

  // Cold: once a session
  #close(): Batch {
    this.#state = CLOSED
    this.#deadline?.cancel()
    this.#settings.lingering.delete(this)
    const open = this.#open
    this.#open = []
    this.chain.cancelAll(open)
    this.chain.close()
    if (this.#stops !== 0) this.#user.onGo()
    this.#stops = 0
    return open
  }

  /** Still waited for? What was given up may come up all the same, where a stage had it. */
  #isOpen(exchange: Exchange): boolean {
    return this.#open[exchange.slot] === exchange
  }

  /** It has its whole reply, or gets none. */
  #leave(exchange: Exchange): void {
    const last = this.#open.pop()!
    if (last === exchange) return
    last.slot = exchange.slot
    this.#open[last.slot] = last
  }

  #settle(): void {
    if (this.#state === DRAINING && this.#open.length === 0) this.#close()
  }

  /** The user threw, which must not unwind the stage that brought it something, nor what that one reads from. */
  // Cold: a transform made a mistake
  #broken(thrown: unknown): void {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown))
    const { name, stats } = this.chain.spec
    stats.failures++
    this.chain.log.error(`what comes out of chain ${name} was not taken`, { error: error.stack })
    try {
      this.fail(error)
    } catch (again) {
      this.chain.log.error(`the end of chain ${name} was not taken`, { error: String(again) })
    }
  }

  // --- from the chain

  onReplies(batch: Batch): void {
    let mine = batch
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (!this.#isOpen(exchange)) {
        if (mine === batch) mine = batch.slice(0, i)
        continue
      }
      if (mine !== batch) mine.push(exchange)
      // The last part may have come while a stage still had the head.
      if (exchange.response!.flags & FRAME_LAST || exchange.state === DONE) this.#leave(exchange)
    }
    if (mine.length === 0) return
    try {
      this.#user.onReplies(mine)
    } catch (error) {
      this.#broken(error)
    }
    this.#settle()
  }

  onReplyPart(exchange: Exchange, part: Frame): number {
    if (!this.#isOpen(exchange)) return PART_TAKEN
    const isLast = (part.flags & FRAME_LAST) !== 0 && exchange.at === AT_OWNER
    if (isLast) this.#leave(exchange)
    let verdict = PART_TAKEN
    try {
      verdict = this.#user.onReplyPart(exchange, part)
    } catch (error) {
      this.#broken(error)
    }
    if (isLast) this.#settle()
    return verdict
  }

  onSilent(exchange: Exchange): void {
    if (!this.#isOpen(exchange)) return
    this.#leave(exchange)
    try {
      this.#user.onSilent(exchange)
    } catch (error) {
      this.#broken(error)
    }
    this.#settle()
  }

  onPush(push: Frame): void {
    try {
      this.#user.onPush(push)
    } catch (error) {
      this.#broken(error)
    }
  }

  stop(): void {
    if (this.#state !== CLOSED && this.#stops++ === 0) this.#user.onStop()
  }

  go(): void {
    if (this.#state !== CLOSED && --this.#stops === 0) this.#user.onGo()
  }

  // Cold: once a session
  fail(error: Error): void {
    if (this.#state !== CLOSED) this.#user.onFail(error, this.#close())
  }

  // Cold: once a session
  end(reason: string): void {
    if (this.#state !== OPEN) return
    this.#state = DRAINING
    this.#user.onEnd(reason)
    this.#settle()
  }

  // Cold: once a session
  abort(reason: string): void {
    if (this.#state !== CLOSED) this.#user.onClose(reason, this.#close())
  }
}
