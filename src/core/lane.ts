// Hot path
import { causesOf } from '../base/errors.ts'
import { ANSWERING, DONE, type Batch, type Carrier, type Exchange } from './exchange.ts'
import { answerWithFailure, failureText } from './failure.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Env } from './kind.ts'
import { brokenOff, ConnectError, owedErrors, RefusedError, reportLoss, rewind, triage, waitsInVain } from './loss.ts'
import type { Pool } from './pool.ts'
import { Placement } from './placement.ts'
import { WIRE_OPAQUE } from './protocol.ts'
import { ReplyPace } from './reply-pace.ts'
import { PLAN_ANSWER, PLAN_ATTRIBUTE, PLAN_END, PLAN_KEEP, PLAN_PIN, PLAN_SHARE, type Sharing } from './sharing.ts'
import type { Link, SessionInfo, Transform } from './transform.ts'
import type { Upstream } from './upstream.ts'

/** Whose lane it is, where a session has several: it decides what becomes of requests that one of them can't deliver. */
export interface LaneUser {
  /** The server may have executed those of `failed`; those of `again` may be sent once more, on any lane. None is the lane's any more. */
  onLost(failed: Batch, again: Batch, error: Error): void
}

/** One session's way to the server: the sink of its chain. Decides, per request, on which upstream it goes, and keeps their order. */
export class Lane implements Transform, Carrier {
  arrived: Batch = []
  readonly holds = true
  keepsRequests = true
  readonly #pool: Pool
  readonly #sharing: Sharing
  readonly #env: Env
  readonly #info: SessionInfo
  readonly #type: string
  readonly #user: LaneUser | null
  #link: Link | null = null
  readonly #place: Placement
  /** Exchanges sent and not answered. */
  #inFlight = 0
  /** What can't go yet, in order. */
  #waiting: Batch = []
  #draining = false
  readonly #pace: ReplyPace
  #flushing = false
  #established = false
  /** The head of a push went up, the rest has not come. */
  #isInPush = false
  #ended = false
  #closed = false
  #congested = false

  constructor(pool: Pool, sharing: Sharing, env: Env, info: SessionInfo, type: string, user: LaneUser | null = null) {
    this.#pool = pool
    this.#sharing = sharing
    this.#env = env
    this.#info = info
    this.#type = type
    this.#user = user
    this.#place = new Placement(pool, sharing, this)
    this.#pace = new ReplyPace(this, pool, env)
  }

  onRequests(batch: Batch, link: Link): void {
    this.attach(link)
    for (let i = 0; i < batch.length; i++) this.take(batch[i]!)
  }

  /** Replies go up by this link. */
  attach(link: Link): void {
    this.#link = link
    this.keepsRequests = link.keepsRequests
  }

  /** The session's next request. */
  take(exchange: Exchange): void {
    if (this.#waiting.length === 0 && this.#go(exchange)) return
    exchange.request.own()
    this.#waiting.push(exchange)
  }

  /** Nothing is under way on it. */
  get isQuiet(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0
  }

  /** Nothing of the session is left there either. */
  get isIdle(): boolean {
    return this.isQuiet && !this.#place.isPinned
  }

  onCancel(exchange: Exchange): void {
    // What it changes is known only from its reply: that comes, and goes nowhere.
    if (exchange === this.#place.changing) return
    const at = this.#waiting.indexOf(exchange)
    if (at >= 0) this.#waiting.splice(at, 1)
    else {
      if (exchange.carrier !== this || exchange.state === DONE || exchange.upstream === null) return
      exchange.state = DONE
      exchange.upstream.abandon(exchange)
      exchange.onReplyDrain?.()
      this.#inFlight--
    }
    this.#settle()
  }

  onFlush(): void {
    this.#flushing = true
    this.#giveUp()
  }

  /** The session ends: once its next reply is one that may never come, it waits no longer. */
  #giveUp(): void {
    const { upstream, isPinned } = this.#place
    if (!isPinned || upstream === null || this.#inFlight === 0) return
    if (upstream.wire.state() !== WIRE_OPAQUE && !waitsInVain(upstream, this.#sharing, this.#info.protocol)) return
    this.#ended = true
    upstream.destroy(new Error('the session ends'))
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#waiting = []
    this.#sharing.close?.()
    this.#pace.release()
    this.#place.leave(!this.#ended)
  }

  // --- towards the server

  /** Sends the exchange where it belongs. False: it must wait. */
  #go(exchange: Exchange): boolean {
    if (exchange.cancelled) return true
    if (this.#ended) {
      this.#drop(exchange)
      return true
    }
    const place = this.#place
    if (place.changing !== null) return false
    if (this.#user !== null && place.isOutdated) {
      if (this.#inFlight !== 0) return false
      place.leave(true)
    }
    const plan = this.#sharing.plan(exchange, place.isPinned)
    if (place.isPinned) return this.#goPinned(exchange, plan)
    const mayShare = exchange.requestParts === null || this.#info.protocol.interleaves === true
    if (plan === PLAN_SHARE && mayShare && !this.#pace.bulky) {
      // Replies in flight on another upstream come first: the server must see the session's requests in their order.
      if (!place.isShared && this.#inFlight !== 0) return false
      return this.#send(place.share(), exchange)
    }
    if (plan === PLAN_ANSWER || plan === PLAN_END) return this.#answer(exchange, plan)
    if (plan === PLAN_KEEP && place.upstream?.shared === true) place.keep(this.#sharing.reason(exchange))
    else if (this.#inFlight !== 0) return false
    else if (plan === PLAN_ATTRIBUTE) place.change(exchange)
    else if (plan === PLAN_SHARE) place.pin(this.#pace.bulky ? 'bulk-replies' : 'large-request')
    else place.pin(this.#sharing.reason(exchange))
    if (plan === PLAN_PIN) place.isStateful = true
    return this.#send(place.upstream!, exchange)
  }

  #goPinned(exchange: Exchange, plan: number): boolean {
    const place = this.#place
    const upstream = place.upstream!
    if (upstream.sender.busy) return false
    if (plan === PLAN_ANSWER) return this.#answer(exchange, plan)
    if (plan === PLAN_PIN) place.isStateful = true
    if (plan === PLAN_ATTRIBUTE) place.changing = exchange
    // The server's to answer, if it does, and to close: what comes behind it is not sent.
    if (plan === PLAN_END) this.#ended = true
    return this.#send(upstream, exchange)
  }

  #send(upstream: Upstream, exchange: Exchange): boolean {
    this.#inFlight++
    exchange.carrier = this
    upstream.send(exchange)
    if (upstream.sender.congested && !this.#congested) this.#stopFor(upstream)
    return true
  }

  #stopFor(upstream: Upstream): void {
    this.#congested = true
    this.#link!.stop()
    upstream.sender.whenUncongested(() => {
      this.#congested = false
      this.#link!.go()
    })
  }

  #answer(exchange: Exchange, plan: number): boolean {
    if (exchange.response === null) this.#link!.silent(exchange)
    else {
      exchange.state = DONE
      this.#link!.reply([exchange])
    }
    if (plan === PLAN_END) {
      this.#ended = true
      this.#link!.end('quit')
    }
    return true
  }

  /** It will never be answered: where replies keep an order nothing behind it can be. */
  #drop(exchange: Exchange): void {
    exchange.cancelled = true
    this.#link!.silent(exchange)
  }

  /** Sends what waits, as far as it may go. Sending can end a wait itself, so this must not start again inside. */
  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    for (let exchange = this.#waiting.shift(); exchange !== undefined; exchange = this.#waiting.shift()) {
      if (this.#go(exchange)) continue
      this.#waiting.unshift(exchange)
      break
    }
    this.#draining = false
  }

  // --- towards the client

  onArrived(): void {
    const batch = this.arrived
    this.arrived = []
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const reply = exchange.response!
      if (this.#pool.protocol.isError(reply)) this.#pool.stats.failedRequests++
      if (reply.flags & FRAME_LAST) this.#inFlight--
      else this.#pace.begin(exchange, reply)
      if (exchange.note !== 0) this.#place.noted(exchange)
    }
    this.#established = true
    if (this.#closed) return
    if (this.#ended && this.#inFlight === 0) this.#link!.end('quit')
    if (batch.length !== 0) this.#link!.reply(batch)
    this.#settle()
  }

  onReplyPart(upstream: Upstream, exchange: Exchange, part: Frame): void {
    if (part.flags & FRAME_LAST) this.#inFlight--
    if (this.#closed) return
    const link = this.#link!
    this.#pace.part(upstream, exchange, part, link.replyPart(exchange, part), () => link.close('slow-reader'))
    if (part.flags & FRAME_LAST) this.#settle()
  }

  onSilent(exchange: Exchange): void {
    this.#inFlight--
    if (exchange.note !== 0) this.#place.noted(exchange)
    if (this.#closed) return
    this.#link!.silent(exchange)
    this.#settle()
  }

  onPush(push: Frame): void {
    this.#isInPush = (push.flags & FRAME_LAST) === 0
    if (!this.#closed) this.#link!.push(push)
  }

  /** Replies went up: what waited may go, and a pin that is needed no more ends. */
  #settle(): void {
    const mayUnpin = this.#inFlight === 0 && !this.#closed && !this.#ended && !this.#pace.bulky
    if (mayUnpin && this.#place.isPinned) this.#place.unpin()
    if (this.#waiting.length !== 0) this.#drain()
    if (this.#flushing) this.#giveUp()
  }

  // --- when things end

  onLost(upstream: Upstream, exchanges: Batch, error: Error | null, dirty: boolean): void {
    this.#inFlight -= exchanges.length
    for (let i = 0; i < exchanges.length; i++) exchanges[i]!.upstream = null
    const lostState = this.#place.lost(upstream, exchanges, dirty)
    if (this.#closed) return
    if (this.#ended) {
      // What has left in part has no end.
      if (this.#isInPush || exchanges.some(({ state }) => state === ANSWERING)) {
        this.#link!.close('upstream-lost')
        return
      }
      this.#link?.end('quit')
      for (const exchange of exchanges) this.#drop(exchange)
      this.#drain()
      return
    }
    if (error === null) {
      // Nobody has seen yet what its replies are like: it is not put among the others again.
      if (!this.#established) this.#pace.bulky = true
      this.#again(exchanges)
    } else this.#mourn(upstream, exchanges, error, lostState)
    this.#drain()
  }

  #mourn(upstream: Upstream, exchanges: Batch, error: Error, lostState: boolean): void {
    const link = this.#link
    if (link === null) return
    if (this.#user !== null && error instanceof ConnectError) {
      // Nothing was sent on it, and nothing that waits here can be.
      this.#handBack([], exchanges.concat(this.#waiting.splice(0)), error)
      return
    }
    const partly = exchanges.some((one) => one.state === ANSWERING || one.requestParts?.ended === false)
    if (partly || this.#isInPush || (lostState && exchanges.length === 0)) {
      if (!exchanges.some(brokenOff)) reportLoss(error, this.#info.log, this.#pool)
      this.#ended = true
      link.close('upstream-lost')
      return
    }
    const never = error instanceof RefusedError || (error instanceof ConnectError && !this.#established)
    const isMute = never && exchanges.concat(this.#waiting).some((exchange) => !this.#sharing.hasReply(exchange))
    if (lostState || isMute) this.#endFor(exchanges, error)
    else if (never) {
      this.#ended = true
      link.fail(error)
    } else {
      const { failed, again } = triage(upstream, exchanges, error, this.#info.protocol)
      if (this.#user !== null) this.#handBack(failed, again, error)
      else if (failed.length === 0 || this.#fail(failed, error, false)) this.#again(again)
    }
  }

  // Cold: an upstream was lost
  #handBack(failed: Batch, again: Batch, error: Error): void {
    rewind(again)
    this.#pool.stats.retries += again.length
    if (failed.length !== 0) this.#pool.reportFailure(failed.length, error)
    this.#user!.onLost(failed, again, error)
  }

  /** The server had state of this session, or was to have it: what it was to answer gets an error, and the session ends. */
  // Cold: an upstream was lost
  #endFor(exchanges: Batch, error: Error): void {
    reportLoss(error, this.#info.log, this.#pool)
    this.#ended = true
    const answered = owedErrors(exchanges, this.#sharing)
    if (!this.#fail(answered, error, true)) return
    for (const exchange of exchanges) if (!answered.includes(exchange)) this.#link!.silent(exchange)
    this.#link!.end('upstream-lost')
    this.#drain()
  }

  // Cold: an upstream was lost
  #fail(exchanges: Batch, error: Error, closing: boolean): boolean {
    const { name, chain } = this.#env
    const causes = [`Transform ${this.#type} named ${name} failed in chain ${chain}`, ...causesOf(error)]
    const message = failureText(chain, causes, closing)
    if (!answerWithFailure(exchanges, this.#info.protocol, 'unavailable', message)) {
      this.#link!.fail(error)
      return false
    }
    for (const { requestParts } of exchanges) requestParts?.abort(error)
    this.#pool.stats.failedRequests += exchanges.length
    if (!closing) this.#pool.reportFailure(exchanges.length, error)
    this.#link!.reply(exchanges)
    return true
  }

  // Cold: an upstream was lost
  #again(exchanges: Batch): void {
    if (exchanges.length === 0) return
    rewind(exchanges)
    this.#pool.stats.retries += exchanges.length
    this.#waiting.unshift(...exchanges)
  }
}
