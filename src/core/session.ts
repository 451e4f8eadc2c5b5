// Hot path
import { causesOf, withCauses } from '../base/errors.ts'
import type { Connection, ConnectionHandler, Task } from '../world/world.ts'
import { Chain, type ChainTop } from './chain.ts'
import { AT_OWNER, Exchange, PART_FULL, PART_SLOW, type Batch } from './exchange.ts'
import { answerWithFailure, failureText, logRefusal } from './failure.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import { Intake, type IntakeUser } from './intake.ts'
import { Linger } from './linger.ts'
import type { Outbox } from './outbox.ts'
import { ProtocolError, WIRE_OPAQUE, type ClientSideWire } from './protocol.ts'
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
export class Session implements ConnectionHandler, ChainTop, IntakeUser, Task {
  readonly level = AT_OWNER
  readonly keepsRequests = false
  readonly info: SessionInfo
  readonly chain: Chain
  /** Clock milliseconds of the last request, for the idle timeout. */
  lastActive: number
  readonly #source: Source
  readonly #connection: Connection
  readonly #wire: ClientSideWire
  readonly #outbox: Outbox
  readonly #replies: ReplyQueue
  readonly #valve: Valve
  readonly #linger: Linger
  readonly #intake: Intake
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
    this.#wire = info.protocol.clientWire(source.wireOptions)
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
    this.#intake = new Intake(this.#wire, this.chain, this.#replies, source.stats, this)
    connection.handler = this
    connection.resume()
  }

  /** Version of the protocol that the client has begun with; null: none yet, or there is no such thing. */
  get version(): string | null {
    return this.#wire.version ?? null
  }

  // --- from the client

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#state >= DRAINING) return
    this.#source.stats.bytesRead += end - start
    this.lastActive = this.#source.world.clock.now()
    this.#intake.push(bytes, start, end)
    this.#pump()
    this.#intake.keep()
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
    this.#linger.close()
    this.#valve.close()
    this.chain.cancelAll(this.#replies.takeAll())
    this.#intake.close(new Error('the client left'))
    this.chain.close()
    this.#source.closed(this, this.#reason)
  }

  run(): void {
    this.#scheduled = false
    if (this.#state !== OPEN) return
    this.#pump()
    this.#intake.keep()
    this.#weigh()
  }

  /** Idle since then? The source's clock asks. */
  idleSince(limit: number): boolean {
    return this.#state === OPEN && this.lastActive < limit && !this.#scheduled && this.#intake.bytes === 0
  }

  /** Takes no more requests, answers those in flight, hands on what stages hold, and closes. */
  drain(reason: string): void {
    if (this.#state !== OPEN) return
    this.#state = DRAINING
    this.#reason = reason
    for (const exchange of this.#intake.close(new Error(`the session ends: ${reason}`))) this.giveUp(exchange)
    this.chain.flush()
    this.#maybeEnd()
  }

  /** Nothing is under way: its chain may be given other stages. */
  get isQuiet(): boolean {
    return !this.#intake.hasRests && this.#replies.inFlight === 0 && !this.#replies.isMidway && this.chain.isQuiet
  }

  /** Takes no further requests, so that it becomes quiet, unless its client has said all it has; or takes them again. */
  hold(on: boolean): void {
    this.#held = on
    if (!on) this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#state !== OPEN) return
    this.#scheduled = true
    this.#source.world.turn.work(this)
  }

  get isBlocked(): boolean {
    if (this.#stops !== 0) return true
    // The rest of a request that has gone down in part always follows.
    if (this.#intake.hasRests) return false
    if (this.#stalled || (this.#held && !this.#inputEnded && this.#wire.readsOn !== true)) return true
    const max = this.#source.inFlightMax
    const { inFlight } = this.#replies
    return inFlight >= max && inFlight - this.chain.held >= max && this.#wire.readsOn !== true
  }

  /** One quantum of requests goes down the chain; what is left waits for its turn. */
  #pump(): void {
    // A reply that a synchronous sink gives inside the pump must not start another one.
    if (this.#pumping) return
    this.#pumping = true
    let left = true
    try {
      left = this.#intake.cut(this.#source.limits.quantumFrames, this.#source.world.clock.now())
    } catch (error) {
      this.#refuse(error)
    }
    this.#pumping = false
    if (this.isBlocked) return
    if (left || this.#intake.bytes !== 0) this.#schedule()
    else if (this.#inputEnded && this.#state === OPEN) this.#eof()
  }

  giveUp(exchange: Exchange): void {
    this.chain.cancel(exchange)
    this.onSilent(exchange)
  }

  /** The client broke the protocol: what it asked before is answered, then it gets the protocol's error, then it is closed. */
  #refuse(error: unknown): void {
    this.#reason = logRefusal(this.info.log, this.info.protocol.name, error)
    this.#intake.flush()
    const { reply } = error instanceof ProtocolError ? error : { reply: null }
    if (reply !== null) {
      const last = new Exchange(reply, this, AT_OWNER, this.lastActive)
      last.response = reply
      this.#replies.take(last)
      this.#replies.accept([last])
    }
    this.drain(this.#reason)
  }

  #eof(): void {
    try {
      this.#intake.end(this.lastActive)
    } catch (error) {
      // A client that left in the middle of a request waits for no answer to that one.
      if (!(error instanceof ProtocolError)) this.#refuse(error)
    }
    this.drain('client')
  }

  #weigh(): void {
    const jammed = this.#stops !== 0 && this.#intake.hasRests
    this.#valve.weigh(this.#intake.bytes, this.#outbox.unsentBytes, this.#stalled, jammed)
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
      if (this.#state === OPEN) this.#reason = 'stream-ended'
      this.#conclude()
      return
    }
    if (this.#outbox.unsentBytes > this.#source.limits.sessionUnsentBytes) this.#stall()
    // What was asked for comes, and nobody can be asked to push less: as a server does, the proxy gives up a client that leaves too much lying.
    if (this.#stalled && this.#valve.floods(this.#outbox.unsentBytes)) this.abort('slow-reader')
    else if (this.#state === DRAINING) this.#maybeEnd()
    else if (!this.isBlocked && (this.#intake.waits || this.#inputEnded)) this.#schedule()
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
