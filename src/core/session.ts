// Hot path
import { causesOf, withCauses } from '../base/errors.ts'
import type { Connection, ConnectionHandler, Task } from '../world/world.ts'
import { Arrivals } from './arrivals.ts'
import { Chain, type ChainTop } from './chain.ts'
import { AT_OWNER, Exchange, PART_FULL, PART_SLOW, type Batch } from './exchange.ts'
import { answerWithFailure, failureText, logRefusal } from './failure.ts'
import { FRAME_HEAD, FRAME_LAST, FRAME_WHOLE, type Frame } from './frame.ts'
import { Input } from './input.ts'
import { Linger } from './linger.ts'
import type { Outbox } from './outbox.ts'
import { ProtocolError, WIRE_OPAQUE, type Wire } from './protocol.ts'
import { ReplyQueue } from './reply-queue.ts'
import type { Source } from './source.ts'
import type { SessionInfo } from './transform.ts'
import { Valve } from './valve.ts'

const OPEN = 0
/** Takes no more requests; ends when everything in flight was answered. */
const DRAINING = 1
/** Everything was answered; the last bytes are on their way. */
const ENDING = 2
const CLOSED = 3

/** One client connection and its state: cuts requests, sends them down the chain in quanta, keeps the order of the replies. */
export class Session implements ConnectionHandler, ChainTop, Task {
  readonly level = AT_OWNER
  readonly keepsRequests = false
  readonly info: SessionInfo
  readonly chain: Chain
  /** Clock milliseconds of the last request, for the idle timeout. */
  lastActive: number
  readonly #source: Source
  readonly #connection: Connection
  readonly #wire: Wire
  readonly #outbox: Outbox
  readonly #input = new Input()
  readonly #replies: ReplyQueue
  readonly #valve: Valve
  readonly #linger: Linger
  readonly #arrivals: Arrivals
  #state = OPEN
  #stops = 0
  #held = false
  #scheduled = false
  #pumping = false
  #stalled = false
  #inputEnded = false
  #reason = 'client'

  constructor(source: Source, connection: Connection, info: SessionInfo) {
    this.#source = source
    this.#connection = connection
    this.info = info
    this.#wire = info.protocol.wire('client', source.wireOptions)
    this.#outbox = source.openOutbox(connection)
    this.#replies = new ReplyQueue(
      this.#outbox,
      this.#wire,
      info.protocol,
      source.limits.sessionUnsentBytes,
      source.stats,
    )
    this.#valve = new Valve(connection, source.limits, source.budget, source.stats, source.world.clock)
    this.#linger = new Linger(connection, this.#outbox, source.world.clock)
    this.lastActive = source.world.clock.now()
    this.chain = new Chain(source.chain, this, source.world, source.limits, info.log)
    this.#arrivals = new Arrivals(this.chain, this)
    connection.handler = this
    connection.resume()
  }

  // --- from the client

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#state >= DRAINING) return
    this.#source.stats.bytesRead += end - start
    this.lastActive = this.#source.world.clock.now()
    if (this.#wire.pending !== 0 && this.#blocked()) {
      this.#input.push(bytes, start, end)
    } else if (this.#input.bytes !== 0) {
      this.#input.push(bytes, start, end)
      this.#pump()
    } else {
      this.#wire.push(bytes, start, end)
      this.#pump()
      if (this.#wire.pending !== 0) this.#wire.keep()
    }
    this.#weigh()
  }

  onDrain(): void {
    this.#outbox.drained()
    if (this.#outbox.unsentBytes <= this.#source.limits.sessionUnsentBytes / 2) {
      if (this.#stalled) {
        this.#stalled = false
        this.#schedule()
      }
      this.#replies.drained()
    }
    this.#weigh()
    if (this.#state === DRAINING) this.#maybeEnd()
    else if (this.#state === ENDING) this.#linger.goOn()
  }

  onEnd(): void {
    this.#inputEnded = true
    if (this.#state === OPEN && !this.#scheduled) this.#schedule()
    if (this.#state === ENDING && this.#outbox.unsentBytes === 0) this.#connection.destroy()
  }

  onClose(error: Error | null): void {
    if (this.#state === CLOSED) return
    if (error !== null && this.#state === OPEN) this.#reason = 'client-reset'
    this.#state = CLOSED
    this.#outbox.clear()
    this.#input.clear()
    this.#linger.close()
    this.#valve.close()
    this.chain.cancelAll(this.#replies.takeAll())
    this.#arrivals.abort(new Error('the client left'))
    this.chain.close()
    this.#source.closed(this, this.#reason)
  }

  run(): void {
    this.#scheduled = false
    if (this.#state !== OPEN) return
    this.#pump()
    if (this.#wire.pending !== 0) this.#wire.keep()
    this.#weigh()
  }

  /** Idle since then? The source's clock asks. */
  idleSince(limit: number): boolean {
    return this.#state === OPEN && this.lastActive < limit && !this.#scheduled && this.#input.bytes === 0
  }

  /** Takes no more requests, answers those in flight, hands on what stages hold, and closes. */
  drain(reason: string): void {
    if (this.#state !== OPEN) return
    this.#state = DRAINING
    this.#reason = reason
    this.#input.clear()
    for (const exchange of this.#arrivals.abort(new Error(`the session ends: ${reason}`))) this.#giveUp(exchange)
    this.chain.flush()
    this.#maybeEnd()
  }

  /** Nothing is under way: its chain may be given other stages. */
  get isQuiet(): boolean {
    return !this.#arrivals.some && this.#replies.inFlight === 0 && !this.#replies.isMidway && this.chain.isQuiet
  }

  /** Takes no further requests, so that it becomes quiet; or takes them again. */
  hold(on: boolean): void {
    this.#held = on
    if (!on) this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#state !== OPEN) return
    this.#scheduled = true
    this.#source.world.turn.work(this)
  }

  #blocked(): boolean {
    if (this.#stops !== 0) return true
    // The rest of a request that has gone down in part always follows.
    if (this.#arrivals.some) return false
    if (this.#stalled || this.#held) return true
    return this.#replies.inFlight >= this.#source.inFlightMax && this.#wire.readsOn !== true
  }

  /** One quantum of requests goes down the chain; what is left waits for its turn. */
  #pump(): void {
    // A reply that a synchronous sink gives inside the pump must not start another one.
    if (this.#pumping) return
    this.#pumping = true
    const left = this.#cut(this.#source.limits.quantumFrames)
    this.#pumping = false
    if (this.#blocked()) return
    if (left || this.#input.bytes !== 0) this.#schedule()
    else if (this.#inputEnded && this.#state === OPEN) this.#eof()
  }

  /** True when more may be there: one quantum was, or the session may take no more for now. */
  #cut(quantum: number): boolean {
    const wire = this.#wire
    const now = this.#source.world.clock.now()
    let batch: Batch = []
    let frames = 0
    let left = true
    try {
      while (frames < quantum && !this.#blocked()) {
        const frame = this.#input.next(wire)
        if (wire.cancelled !== undefined) batch = this.#cancel(wire, batch)
        if (frame === null) {
          left = false
          break
        }
        frames++
        if (frame.flags === FRAME_WHOLE) this.#take(frame, batch, now)
        else batch = this.#takePart(frame, batch, now)
      }
    } catch (error) {
      this.#refuse(error, batch, now)
    }
    if (batch.length !== 0) this.chain.down(batch)
    return left
  }

  /** What the client gave up is answered no more, unless part of its reply has left. */
  #cancel(wire: Wire, batch: Batch): Batch {
    let given = wire.cancelled!()
    if (given === null) return batch
    // It may be among those that have not gone down.
    if (batch.length !== 0) this.chain.down(batch)
    for (; given !== null; given = wire.cancelled!()) {
      this.#arrivals.drop(given)
      this.#giveUp(given)
    }
    return []
  }

  #giveUp(exchange: Exchange): void {
    this.chain.cancel(exchange)
    this.onSilent(exchange)
  }

  #take(frame: Frame, batch: Batch, now: number): Exchange {
    const exchange = new Exchange(frame, this, AT_OWNER, now)
    this.#source.stats.requests++
    this.#replies.take(exchange)
    this.#wire.sent(exchange)
    batch.push(exchange)
    return exchange
  }

  #takePart(frame: Frame, batch: Batch, now: number): Batch {
    if (frame.flags & FRAME_HEAD) {
      if (this.chain.wantsWhole(frame.kind)) this.#arrivals.assemble(frame)
      else {
        this.#source.stats.cutThroughs++
        this.#arrivals.begin(this.#take(frame, batch, now))
      }
      return batch
    }
    // The head must be down before its part.
    if (batch.length !== 0) this.chain.down(batch)
    const next: Batch = []
    const whole = this.#arrivals.part(frame)
    if (whole !== null) this.#take(whole, next, now)
    return next
  }

  /** The client broke the protocol: what it asked before is answered, then it gets the protocol's error, then it is closed. */
  #refuse(error: unknown, batch: Batch, now: number): void {
    this.#reason = logRefusal(this.info.log, this.info.protocol.name, error)
    if (batch.length !== 0) this.chain.down(batch.splice(0))
    const { reply } = error instanceof ProtocolError ? error : { reply: null }
    if (reply !== null) {
      const last = new Exchange(reply, this, AT_OWNER, now)
      last.response = reply
      this.#replies.take(last)
      this.#replies.accept([last])
    }
    this.drain(this.#reason)
  }

  #eof(): void {
    const batch: Batch = []
    try {
      const last = this.#wire.eof()
      if (last !== null) this.#take(last, batch, this.lastActive)
    } catch (error) {
      // A client that left in the middle of a request waits for no answer to that one.
      if (!(error instanceof ProtocolError)) this.#refuse(error, batch, this.lastActive)
    }
    if (batch.length !== 0) this.chain.down(batch)
    this.drain('client')
  }

  #weigh(): void {
    const jammed = this.#stops !== 0 && this.#arrivals.some
    this.#valve.weigh(this.#input.bytes, this.#outbox.unsentBytes, this.#stalled, jammed)
  }

  // --- towards the client

  onReplies(batch: Batch): void {
    this.#replies.accept(batch)
    this.#after()
  }

  onReplyPart(exchange: Exchange, part: Frame): number {
    const verdict = this.#replies.acceptPart(exchange, part)
    if (part.flags & FRAME_LAST) this.#after()
    else if (verdict === PART_SLOW) this.#stall()
    return verdict === PART_SLOW && this.#valve.full ? PART_FULL : verdict
  }

  onSilent(exchange: Exchange): void {
    this.#replies.acceptSilence(exchange)
    this.#after()
  }

  onPush(push: Frame): void {
    this.#replies.acceptPush(push)
    this.#after()
  }

  stop(): void {
    this.#stops++
  }

  go(): void {
    this.#stops--
    if (this.#stops === 0) this.#schedule()
  }

  end(reason: string): void {
    this.drain(reason)
  }

  abort(reason: string): void {
    if (this.#state === CLOSED) return
    this.#reason = reason
    this.#state = ENDING
    this.#break()
  }

  /** Closes at once. Where only the end of the connection ends what is leaving, the client must not take this for it. */
  #break(): void {
    if (this.#wire.state() === WIRE_OPAQUE) this.#connection.reset()
    else this.#connection.destroy()
  }

  /** Ends the session: what is in flight gets an error, where its protocol has one. */
  fail(error: Error): void {
    if (this.#state >= ENDING) return
    this.info.log.error(withCauses('connection was unexpectedly terminated', causesOf(error)))
    this.#reason = 'failed'
    if (!this.#replies.isMidway && this.#failAll(error) && !this.#replies.isMidway) {
      this.#state = DRAINING
      this.#maybeEnd()
    } else this.#break()
  }

  #failAll(error: Error): boolean {
    const message = failureText(this.chain.spec.name, causesOf(error), true)
    const unanswered = this.#replies.unanswered()
    if (!answerWithFailure(unanswered, this.info.protocol, 'internal', message)) return false
    this.chain.cancelAll(unanswered)
    this.#replies.settle(unanswered)
    return true
  }

  /** Something left, or was answered: is the client too slow, may the next requests go, is this the end? */
  #after(): void {
    this.lastActive = this.#source.world.clock.now()
    if (this.#replies.ended && this.#state < ENDING) {
      this.#reason = 'stream-ended'
      this.#conclude()
      return
    }
    if (this.#outbox.unsentBytes > this.#source.limits.sessionUnsentBytes) this.#stall()
    // What was asked for comes, and nobody can be asked to push less: as a server does, the proxy gives up a client that leaves too much lying.
    if (this.#stalled && this.#valve.floods(this.#outbox.unsentBytes)) this.abort('slow-reader')
    else if (this.#state === DRAINING) this.#maybeEnd()
    else if (!this.#blocked() && (this.#wire.pending !== 0 || this.#input.bytes !== 0 || this.#inputEnded))
      this.#schedule()
  }

  /** The client does not read. It may be writing all it has before it does: its requests are taken, but not sent on. */
  #stall(): void {
    this.#stalled = true
    this.#weigh()
  }

  #maybeEnd(): void {
    if (this.#state === DRAINING && this.#replies.inFlight === 0) this.#conclude()
  }

  /** Nothing more is to be said: the last bytes leave. */
  #conclude(): void {
    this.#state = ENDING
    this.chain.cancelAll(this.#replies.takeAll())
    this.chain.close()
    this.#linger.goOn()
  }
}
