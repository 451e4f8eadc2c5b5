// Hot path
import { Ring } from '../base/ring.ts'
import { AT_OWNER, DONE, PART_FULL, PART_SLOW, PART_TAKEN, type Batch, type Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Outbox } from './outbox.ts'
import { Parts } from './parts.ts'
import type { SourceStats } from './stats.ts'

/**
 * What a session owes its client, in the order in which it leaves: replies in request order where the protocol wants that, else
 * as they come; parts right behind their head; pushes never inside a reply.
 */
export class ReplyQueue {
  /** Exchanges taken and not answered whole. */
  inFlight = 0
  readonly #outbox: Outbox
  readonly #ordered: boolean
  /** Unsent bytes at which parts are to stop. */
  readonly #unsentBytesMax: number
  readonly #stats: SourceStats
  readonly #ring = new Ring<Exchange>()
  /** Its reply's head has left, the rest has not. */
  #emitting: Exchange | null = null
  /** Pushes that came in the middle of a reply. */
  readonly #pushes: Frame[] = []
  #closed = false

  constructor(outbox: Outbox, ordered: boolean, unsentBytesMax: number, stats: SourceStats) {
    this.#outbox = outbox
    this.#ordered = ordered
    this.#unsentBytesMax = unsentBytesMax
    this.#stats = stats
  }

  /** A reply has left in part: only its rest can follow. */
  get emitting(): Exchange | null {
    return this.#emitting
  }

  /** A request was read. */
  take(exchange: Exchange): void {
    this.inFlight++
    if (this.#ordered) this.#ring.push(exchange)
  }

  /** Replies, or their heads, came up. Those whose turn it is leave; the others keep their bytes. */
  accept(batch: Batch): void {
    const ring = this.#ring
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (!this.#ordered) ring.push(exchange)
      if (ring.peek() === exchange && this.#emitting === null) this.#emit(exchange)
      else exchange.response!.own()
    }
    this.advance()
  }

  /** A further frame of a reply. PART_SLOW: the client takes it slowly; PART_FULL: the order of replies holds it up. */
  acceptPart(exchange: Exchange, part: Frame): number {
    if (this.#emitting !== exchange || (exchange.responseParts !== null && !exchange.responseParts.empty)) {
      const parts = (exchange.responseParts ??= new Parts())
      parts.onDrain ??= () => exchange.onReplyDrain?.()
      return parts.push(part) ? PART_TAKEN : PART_FULL
    }
    this.#append(part)
    if (part.flags & FRAME_LAST) {
      this.#emitting = null
      this.#finish(exchange)
      this.advance()
      return PART_TAKEN
    }
    return this.#outbox.unsentBytes <= this.#unsentBytesMax ? PART_TAKEN : PART_SLOW
  }

  /** The exchange has no reply. */
  acceptSilence(exchange: Exchange): void {
    exchange.at = AT_OWNER
    exchange.response = null
    exchange.state = DONE
    if (this.#ordered) this.advance()
    else this.inFlight--
  }

  acceptPush(push: Frame): void {
    if (this.#emitting !== null) this.#pushes.push(push.own())
    else this.#append(push)
  }

  /** Everything whose turn has come leaves. */
  advance(): void {
    for (let exchange = this.#ring.peek(); exchange !== undefined; exchange = this.#ring.peek()) {
      if (exchange.at !== AT_OWNER || this.#emitting !== null) return
      if (exchange.response !== null) this.#emit(exchange)
      else if (exchange.state === DONE) this.#finish(exchange)
      else return
    }
  }

  /** Those that nothing came for yet, oldest first. */
  unanswered(): Exchange[] {
    const all: Exchange[] = []
    for (let i = 0; i < this.#ring.length; i++) {
      const exchange = this.#ring.at(i)!
      if (exchange.at !== AT_OWNER) all.push(exchange)
    }
    return all
  }

  /** The client is gone: what was owed, oldest first. */
  takeAll(): Exchange[] {
    this.#closed = true
    this.inFlight = 0
    return this.#ring.takeAll()
  }

  /** Nothing more may be written. */
  close(): void {
    this.#closed = true
  }

  #emit(exchange: Exchange): void {
    const frame = exchange.response!
    this.#append(frame)
    if (frame.flags & FRAME_LAST) {
      this.#finish(exchange)
      return
    }
    this.#emitting = exchange
    const parts = exchange.responseParts
    if (parts === null) return
    for (let part = parts.shift(); part !== null; part = parts.shift()) {
      this.#append(part)
      if (part.flags & FRAME_LAST) {
        this.#emitting = null
        this.#finish(exchange)
        return
      }
    }
  }

  #append(frame: Frame): void {
    if (this.#closed) return
    this.#stats.bytesWritten += frame.end - frame.start
    this.#outbox.append(frame)
  }

  /** The exchange at the ring's head has left whole. */
  #finish(exchange: Exchange): void {
    exchange.state = DONE
    this.#ring.shift()
    this.inFlight--
    // A stage answered it before all of it came: the rest goes nowhere.
    if (exchange.carrier === null) exchange.requestParts?.abort(answered)
    if (this.#pushes.length === 0) return
    for (let i = 0; i < this.#pushes.length; i++) this.#append(this.#pushes[i]!)
    this.#pushes.length = 0
  }
}

const answered = new Error('answered before all of the request had come')
