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
  /** In flight, or in any order: those whose replies came and wait. */
  readonly #ring = new Ring<Exchange>()
  /** In any order: in flight, each at its `slot`. */
  readonly #open: Exchange[] = []
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
    else exchange.slot = this.#open.push(exchange) - 1
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
    if (this.#emitting !== exchange) {
      // Where a stage put a whole reply in the place of its head, the rest goes nowhere.
      if (exchange.at === AT_OWNER && exchange.response!.flags & FRAME_LAST) return PART_TAKEN
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
    else this.#leave(exchange)
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
    for (let i = 0; i < this.inFlight; i++) {
      const exchange = this.#ordered ? this.#ring.at(i)! : this.#open[i]!
      if (exchange.at !== AT_OWNER) all.push(exchange)
    }
    return all
  }

  /** An error is the reply to each of `exchanges`, which nothing came for. */
  settle(exchanges: Batch, failures: Frame[]): void {
    for (let i = 0; i < exchanges.length; i++) {
      exchanges[i]!.at = AT_OWNER
      exchanges[i]!.response = failures[i]!
    }
    if (this.#ordered) this.advance()
    else this.accept(exchanges)
  }

  /** The client is gone: what was owed, oldest first. */
  takeAll(): Exchange[] {
    this.#closed = true
    this.inFlight = 0
    const all = this.#ring.takeAll()
    return this.#ordered ? all : this.#open.splice(0)
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

  #leave(exchange: Exchange): void {
    this.inFlight--
    if (this.#ordered) return
    const last = this.#open.pop()!
    if (last === exchange) return
    last.slot = exchange.slot
    this.#open[last.slot] = last
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
    this.#leave(exchange)
    // A stage answered it before all of it came: the rest goes nowhere.
    if (exchange.carrier === null) exchange.requestParts?.abort(answered)
    if (this.#pushes.length === 0) return
    for (let i = 0; i < this.#pushes.length; i++) this.#append(this.#pushes[i]!)
    this.#pushes.length = 0
  }
}

const answered = new Error('answered before all of the request had come')
