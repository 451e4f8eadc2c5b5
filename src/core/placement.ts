// Hot path
import type { Carrier, Batch, Exchange } from './exchange.ts'
import type { Pool } from './pool.ts'
import { WIRE_CLEAN } from './protocol.ts'
import type { Sharing } from './sharing.ts'
import { countIn } from './stats.ts'
import { CLOSED, READY, type Upstream } from './upstream.ts'

/**
 * The upstream that one session's requests go on: one that it shares with others of equal attributes, or one of its own for as long as
 * something pins it.
 */
export class Placement {
  /** Null: none yet, or it was lost. */
  upstream: Upstream | null = null
  /** Its reply decides the session's attributes: everything later waits. */
  changing: Exchange | null = null
  /** What would leave state on the session's own upstream was sent there: without it the session has lost that, or never had it. */
  isStateful = false
  readonly #pool: Pool
  readonly #sharing: Sharing
  readonly #carrier: Carrier

  constructor(pool: Pool, sharing: Sharing, carrier: Carrier) {
    this.#pool = pool
    this.#sharing = sharing
    this.#carrier = carrier
  }

  /** It has an upstream of its own. */
  get isPinned(): boolean {
    return this.upstream !== null && this.upstream.pinnedTo === this.#carrier
  }

  /** It has the upstream that sessions with the present attributes share. */
  get isShared(): boolean {
    return this.upstream !== null && this.upstream.shared && this.upstream.key === this.#sharing.key
  }

  /** It has one of its own, without state, whose attributes the session has no more: they were changed on another lane. */
  get isOutdated(): boolean {
    return this.isPinned && !this.isStateful && this.upstream!.key !== this.#sharing.key
  }

  share(): Upstream {
    if (!this.isShared) this.upstream = this.#pool.share(this.#sharing.key, () => this.#sharing.handshake())
    return this.upstream!
  }

  pin(reason: string): void {
    this.upstream = this.#dedicate(reason)
    this.#sharing.dress(this.upstream)
  }

  /** The shared upstream that it has becomes its own. */
  keep(reason: string): void {
    const upstream = this.upstream!
    this.#pool.keep(upstream, this.#carrier)
    this.#sharing.dress(upstream)
    countIn(this.#pool.stats.pins, reason)
  }

  /** Where an upstream with the wanted attributes stands it serves; else one is opened that joins the pool if the server agrees. */
  change(exchange: Exchange): void {
    this.changing = exchange
    const there = this.#pool.find(this.#sharing.target(exchange))
    this.upstream = there !== null && there.state === READY ? there : this.#dedicate('attributes')
  }

  #dedicate(reason: string): Upstream {
    countIn(this.#pool.stats.pins, reason)
    return this.#pool.dedicate(this.#sharing.key, this.#carrier, () => this.#sharing.handshake())
  }

  /** The reply to a request with a note is there. */
  noted(exchange: Exchange): void {
    const changed = this.#sharing.replied(exchange)
    if (this.changing !== exchange) return
    this.changing = null
    const { upstream } = this
    if (upstream === null || upstream.shared) this.upstream = null
    else if (changed) upstream.key = this.#sharing.key
  }

  /** Ends the pin if nothing of the session is left on its upstream. */
  unpin(): void {
    const { upstream } = this
    if (upstream === null || this.changing !== null || !isSpare(upstream)) return
    this.upstream = null
    this.isStateful = false
    this.#sharing.undress(upstream)
    if (upstream.key === this.#sharing.key) this.#pool.adopt(upstream, upstream.key)
    else upstream.destroy(new Error('its attributes are unknown'))
  }

  /** The session is over. `isOrderly`: its upstream may serve others, if nothing is left on it. */
  // Cold: once a session
  leave(isOrderly: boolean): void {
    const { upstream, isPinned } = this
    this.upstream = null
    if (upstream === null || upstream.state === CLOSED || !isPinned) return
    if (isOrderly && isSpare(upstream)) {
      this.#sharing.undress(upstream)
      this.#pool.release(upstream)
    } else upstream.finish()
  }

  /** An upstream was lost with these exchanges of the session. True: state of the session's own went with it, or may have. */
  // Cold: an upstream was lost
  lost(upstream: Upstream, exchanges: Batch, dirty: boolean): boolean {
    const isChanging = this.changing !== null && exchanges.includes(this.changing)
    if (isChanging) this.changing = null
    if (upstream !== this.upstream) return isChanging
    const hadState = this.isPinned && (dirty || this.isStateful)
    this.upstream = null
    this.isStateful = false
    return isChanging || hadState
  }
}

/** Nothing of its session is left on it: others may have it. */
function isSpare({ wire, inFlight, state, sender, paused, aimedAt }: Upstream): boolean {
  const isIdle = inFlight === 0 && state === READY && !sender.hasRests && !paused
  return isIdle && wire.state() === WIRE_CLEAN && !aimedAt
}
