// Hot path
import { Arrivals } from './arrivals.ts'
import type { Chain } from './chain.ts'
import { AT_OWNER, Exchange, type Batch, type Owner } from './exchange.ts'
import { FRAME_HEAD, FRAME_WHOLE, type Frame } from './frame.ts'
import { Input } from './input.ts'
import type { ClientSideWire } from './protocol.ts'
import type { ReplyQueue } from './reply-queue.ts'
import type { SourceStats } from './stats.ts'

/** Whose requests are taken. */
export interface IntakeUser extends Owner {
  /** No request may be taken for now. */
  readonly isBlocked: boolean
  stop(): void
  go(): void
  /** Its client gave it up. */
  giveUp(exchange: Exchange): void
}

/** Cuts what a client sends into requests and sends these down the chain. What may not be taken yet waits. */
export class Intake {
  readonly #wire: ClientSideWire
  readonly #chain: Chain
  readonly #replies: ReplyQueue
  readonly #stats: SourceStats
  readonly #user: IntakeUser
  readonly #input = new Input()
  readonly #arrivals: Arrivals
  /** Taken, and not sent down. */
  #batch: Batch = []

  constructor(wire: ClientSideWire, chain: Chain, replies: ReplyQueue, stats: SourceStats, user: IntakeUser) {
    this.#wire = wire
    this.#chain = chain
    this.#replies = replies
    this.#stats = stats
    this.#user = user
    this.#arrivals = new Arrivals(chain, user)
  }

  /** Bytes that no request was cut of. */
  get waits(): boolean {
    return this.#wire.pending !== 0 || this.#input.bytes !== 0
  }

  /** Of these, those that were read though they could not be taken. */
  get bytes(): number {
    return this.#input.bytes
  }

  /** The rest of a request that has gone down is still to come. */
  get hasRests(): boolean {
    return this.#arrivals.some
  }

  /** More bytes, lent. `keep` follows once as many were cut as may be now. */
  push(bytes: Buffer, start: number, end: number): void {
    if (this.#input.bytes !== 0 || (this.#wire.pending !== 0 && this.#user.isBlocked))
      this.#input.push(bytes, start, end)
    else this.#wire.push(bytes, start, end)
  }

  keep(): void {
    if (this.#wire.pending !== 0) this.#wire.keep()
  }

  /**
   * So many requests, or parts of one, go down the chain. True: there may be more; that was all of the quantum, or no more may be taken for
   * now. Throws what the wire throws: then `flush` what was taken before.
   */
  cut(quantum: number, now: number): boolean {
    const wire = this.#wire
    for (let frames = 0; frames < quantum && !this.#user.isBlocked; frames++) {
      const frame = this.#input.next(wire)
      if (wire.cancelled !== undefined) this.#cancel(wire)
      if (frame === null) {
        this.flush()
        return false
      }
      if (frame.flags === FRAME_WHOLE) this.#take(frame, now)
      else this.#takePart(frame, now)
    }
    this.flush()
    return true
  }

  /** The client's stream has ended, and perhaps a request with it. Throws ProtocolError where it ended within one. */
  // Cold: once a session
  end(now: number): void {
    const last = this.#wire.eof()
    if (last !== null) this.#take(last, now)
    this.flush()
  }

  /** What was taken goes down. */
  flush(): void {
    if (this.#batch.length === 0) return
    const batch = this.#batch
    this.#batch = []
    this.#chain.down(batch)
  }

  /** What the client gave up is answered no more, unless part of its reply has left. */
  #cancel(wire: ClientSideWire): void {
    for (let given = wire.cancelled!(); given !== null; given = wire.cancelled!()) {
      // It may be among those that have not gone down.
      this.flush()
      this.#arrivals.drop(given)
      this.#user.giveUp(given)
    }
  }

  #take(frame: Frame, now: number): Exchange {
    const exchange = new Exchange(frame, this.#user, AT_OWNER, now)
    this.#stats.requests++
    this.#replies.take(exchange)
    this.#wire.read?.(exchange)
    this.#batch.push(exchange)
    return exchange
  }

  #takePart(frame: Frame, now: number): void {
    if (frame.flags & FRAME_HEAD) {
      if (this.#chain.wantsWhole(frame.kind)) this.#arrivals.assemble(frame)
      else {
        this.#stats.cutThroughs++
        this.#arrivals.begin(this.#take(frame, now))
      }
      return
    }
    // The head must be down before its part.
    this.flush()
    const whole = this.#arrivals.part(frame)
    if (whole !== null) this.#take(whole, now)
  }

  /** Nothing more is taken. What was begun and can be given up without its connection; the rest is broken off. */
  // Cold: once a session
  close(error: Error): Exchange[] {
    this.#input.clear()
    return this.#arrivals.abort(error)
  }
}
