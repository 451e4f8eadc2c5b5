// Hot path
import { causesOf } from '../base/errors.ts'
import { ANSWERING, DONE, type Batch, type Carrier, type Exchange } from './exchange.ts'
import { answerWithFailure, failureText } from './failure.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Env } from './kind.ts'
import { brokenOff, ConnectError, owedErrors, RefusedError, reportLoss, rewind, triage, waitsInVain } from './loss.ts'
import type { Pool } from './pool.ts'
import { WIRE_CLEAN, WIRE_OPAQUE } from './protocol.ts'
import { ReplyPace } from './reply-pace.ts'
import { PLAN_ANSWER, PLAN_ATTRIBUTE, PLAN_END, PLAN_KEEP, PLAN_PIN, PLAN_SHARE, type Sharing } from './sharing.ts'
import { countIn } from './stats.ts'
import type { Link, SessionInfo, Transform } from './transform.ts'
import { CLOSED, READY, type Upstream } from './upstream.ts'

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
  #link: Link | null = null
  #upstream: Upstream | null = null
  #pinned = false
  /** Exchanges sent and not answered. */
  #inFlight = 0
  /** What can't go yet, in order. */
  #waiting: Batch = []
  #draining = false
  /** Its reply decides the session's attributes: everything later waits. */
  #changing: Exchange | null = null
  readonly #pace: ReplyPace
  #flushing = false
  /** What would leave state on the pinned upstream was sent there: without it the session has lost that, or never had it. */
  #stateful = false
  #established = false
  /** The head of a push went up, the rest has not come. */
  #isInPush = false
  #ended = false
  #closed = false
  #congested = false

  constructor(pool: Pool, sharing: Sharing, env: Env, info: SessionInfo, type: string) {
    this.#pool = pool
    this.#sharing = sharing
    this.#env = env
    this.#info = info
    this.#type = type
    this.#pace = new ReplyPace(this, pool, env)
  }

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    this.keepsRequests = link.keepsRequests
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (this.#waiting.length !== 0 || !this.#go(exchange)) {
        exchange.request.own()
        this.#waiting.push(exchange)
      }
    }
  }

  onCancel(exchange: Exchange): void {
    // What it changes is known only from its reply: that comes, and goes nowhere.
    if (exchange === this.#changing) return
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
    const upstream = this.#upstream
    if (!this.#pinned || upstream === null || this.#inFlight === 0) return
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
    const upstream = this.#upstream
    this.#upstream = null
    if (upstream === null || upstream.state === CLOSED || !this.#pinned) return
    if (!this.#isSpare(upstream)) upstream.finish()
    else {
      this.#sharing.undress(upstream)
      this.#pool.release(upstream)
    }
  }

  /** Nothing of this session is left on it: others may have it. */
  #isSpare({ wire, inFlight, state, sender, paused, aimedAt }: Upstream): boolean {
    const isIdle = inFlight === 0 && state === READY && !sender.hasRests && !paused
    return isIdle && wire.state() === WIRE_CLEAN && !aimedAt && !this.#ended
  }

  // --- towards the server

  /** Sends the exchange where it belongs. False: it must wait. */
  #go(exchange: Exchange): boolean {
    if (exchange.cancelled) return true
    if (this.#ended) {
      this.#drop(exchange)
      return true
    }
    if (this.#changing !== null) return false
    const plan = this.#sharing.plan(exchange, this.#pinned)
    if (this.#pinned) return this.#goPinned(exchange, plan)
    const mayShare = exchange.requestParts === null || this.#info.protocol.interleaves === true
    if (plan === PLAN_SHARE && mayShare && !this.#pace.bulky) {
      const upstream = this.#upstream
      if (upstream?.shared === true && upstream.key === this.#sharing.key) return this.#send(upstream, exchange)
      // Replies in flight on another upstream come first: the server must see the session's requests in their order.
      if (this.#inFlight !== 0) return false
      this.#upstream = this.#pool.share(this.#sharing.key, () => this.#sharing.handshake())
      return this.#send(this.#upstream, exchange)
    }
    if (plan === PLAN_ANSWER || plan === PLAN_END) return this.#answer(exchange, plan)
    if (plan === PLAN_KEEP && this.#upstream?.shared === true) return this.#keep(this.#upstream, exchange)
    if (this.#inFlight !== 0) return false
    if (plan === PLAN_ATTRIBUTE) return this.#change(exchange)
    this.#pin(
      plan === PLAN_SHARE ? (this.#pace.bulky ? 'bulk-replies' : 'large-request') : this.#sharing.reason(exchange),
    )
    if (plan === PLAN_PIN) this.#stateful = true
    return this.#send(this.#upstream!, exchange)
  }

  #goPinned(exchange: Exchange, plan: number): boolean {
    const upstream = this.#upstream!
    if (upstream.sender.busy) return false
    if (plan === PLAN_ANSWER) return this.#answer(exchange, plan)
    if (plan === PLAN_PIN) this.#stateful = true
    if (plan === PLAN_ATTRIBUTE) this.#changing = exchange
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

  #pin(reason: string, kept: Upstream | null = null): void {
    this.#pinned = true
    this.#upstream = kept ?? this.#pool.dedicate(this.#sharing.key, this, () => this.#sharing.handshake())
    this.#sharing.dress(this.#upstream)
    countIn(this.#pool.stats.pins, reason)
  }

  #keep(upstream: Upstream, exchange: Exchange): boolean {
    this.#pool.keep(upstream, this)
    this.#pin(this.#sharing.reason(exchange), upstream)
    return this.#send(upstream, exchange)
  }

  /** Where an upstream with the wanted attributes stands it serves; else one is opened that joins the pool if the server agrees. */
  #change(exchange: Exchange): boolean {
    this.#changing = exchange
    const there = this.#pool.find(this.#sharing.target(exchange))
    if (there !== null && there.state === READY) this.#upstream = there
    else {
      this.#upstream = this.#pool.dedicate(this.#sharing.key, this, () => this.#sharing.handshake())
      this.#pinned = true
      countIn(this.#pool.stats.pins, 'attributes')
    }
    return this.#send(this.#upstream, exchange)
  }

  /** The server answered what would change the attributes. */
  #changed(exchange: Exchange): void {
    this.#changing = null
    const upstream = this.#upstream
    const changed = this.#sharing.replied(exchange)
    if (upstream === null || upstream.shared) this.#upstream = null
    else if (changed) upstream.key = this.#sharing.key
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
      if (this.#pool.isError(reply)) this.#pool.stats.failedRequests++
      if (reply.flags & FRAME_LAST) this.#inFlight--
      else this.#pace.begin(exchange, reply)
      if (exchange.note !== 0) this.#noted(exchange)
    }
    this.#established = true
    if (this.#closed) return
    if (batch.length !== 0) this.#link!.reply(batch)
    this.#settle()
    if (this.#ended && this.#inFlight === 0) this.#link!.end('quit')
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
    if (exchange.note !== 0) this.#noted(exchange)
    if (this.#closed) return
    this.#link!.silent(exchange)
    this.#settle()
  }

  onPush(push: Frame): void {
    this.#isInPush = (push.flags & FRAME_LAST) === 0
    if (!this.#closed) this.#link!.push(push)
  }

  #noted(exchange: Exchange): void {
    if (this.#changing === exchange) this.#changed(exchange)
    else this.#sharing.replied(exchange)
  }

  /** Replies went up: what waited may go, and a pin that is needed no more ends. */
  #settle(): void {
    if (this.#inFlight === 0 && this.#pinned && !this.#closed) this.#maybeUnpin()
    if (this.#waiting.length !== 0) this.#drain()
    if (this.#flushing) this.#giveUp()
  }

  #maybeUnpin(): void {
    const upstream = this.#upstream
    if (upstream === null || this.#pace.bulky || this.#changing !== null || !this.#isSpare(upstream)) return
    this.#pinned = false
    this.#stateful = false
    this.#upstream = null
    this.#sharing.undress(upstream)
    if (upstream.key === this.#sharing.key) this.#pool.adopt(upstream, upstream.key)
    else upstream.destroy(new Error('its attributes are unknown'))
  }

  // --- when things end

  onLost(upstream: Upstream, exchanges: Batch, error: Error | null, dirty: boolean): void {
    this.#inFlight -= exchanges.length
    for (let i = 0; i < exchanges.length; i++) exchanges[i]!.upstream = null
    const pinned = this.#pinned && upstream === this.#upstream
    const changing = this.#changing !== null && exchanges.includes(this.#changing)
    const lostState = changing || (pinned && (dirty || this.#stateful))
    if (upstream === this.#upstream && (error !== null || !pinned)) {
      this.#upstream = null
      this.#pinned = false
      this.#stateful = false
    }
    if (changing) this.#changing = null
    if (this.#closed) return
    if (this.#ended) {
      // What has left in part has no end.
      if (this.#isInPush || exchanges.some(({ state }) => state === ANSWERING)) {
        this.#link!.close('upstream-lost')
        return
      }
      for (const exchange of exchanges) this.#drop(exchange)
      this.#drain()
      this.#link?.end('quit')
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
      const failed = triage(upstream, exchanges, error, this.#info.protocol)
      if (failed === 0 || this.#fail(exchanges.slice(0, failed), error, false)) this.#again(exchanges.slice(failed))
    }
  }

  /** The server had state of this session, or was to have it: what it was to answer gets an error, and the session ends. */
  // Cold: an upstream was lost
  #endFor(exchanges: Batch, error: Error): void {
    reportLoss(error, this.#info.log, this.#pool)
    this.#ended = true
    const answered = owedErrors(exchanges, this.#sharing)
    if (!this.#fail(answered, error, true)) return
    for (const exchange of exchanges) if (!answered.includes(exchange)) this.#link!.silent(exchange)
    this.#drain()
    this.#link!.end('upstream-lost')
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
