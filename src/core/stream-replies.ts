// Hot path
import { AT_OWNER, DONE, PART_FULL, PART_SLOW, PART_TAKEN, type Batch, type Exchange } from './exchange.ts'
import { FRAME_INTERIM, FRAME_LAST, type Frame } from './frame.ts'
import type { Outbox } from './outbox.ts'
import { Parts } from './parts.ts'
import type { Wire } from './protocol.ts'
import type { Replies } from './reply-queue.ts'
import type { SourceStats } from './stats.ts'

/** `Exchange.slot` of one that is in flight no more. */
const GONE = -1

/** What a session owes its client where frames of several replies may alternate: everything leaves as it comes. */
export class StreamReplies implements Replies {
  inFlight = 0
  ended = false
  readonly #outbox: Outbox
  readonly #wire: Wire
  readonly #unsentBytesMax: number
  readonly #stats: SourceStats
  /** In flight, each at its `slot`. */
  readonly #open: Exchange[] = []
  #closed = false

  constructor(outbox: Outbox, wire: Wire, unsentBytesMax: number, stats: SourceStats) {
    this.#outbox = outbox
    this.#wire = wire
    this.#unsentBytesMax = unsentBytesMax
    this.#stats = stats
  }

  get isMidway(): boolean {
    return this.#open.some((exchange) => exchange.at === AT_OWNER && exchange.response !== null)
  }

  take(exchange: Exchange): void {
    this.inFlight++
    this.#stats.inFlight++
    exchange.slot = this.#open.push(exchange) - 1
  }

  accept(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (exchange.slot === GONE) continue
      this.#append(exchange.response!, exchange)
      if (exchange.response!.flags & FRAME_LAST) this.#finish(exchange)
      else if (exchange.responseParts !== null) this.#emitParts(exchange, exchange.responseParts)
    }
  }

  acceptPart(exchange: Exchange, part: Frame): number {
    if (exchange.slot === GONE) return PART_TAKEN
    if (exchange.at !== AT_OWNER && (part.flags & FRAME_INTERIM) === 0) {
      const parts = (exchange.responseParts ??= new Parts())
      parts.onDrain ??= () => exchange.onReplyDrain?.()
      return parts.push(part) ? PART_TAKEN : PART_FULL
    }
    this.#append(part, exchange)
    if (part.flags & FRAME_LAST) this.#finish(exchange)
    // The real one follows soon: nobody is told to wait for the client because of it.
    if (part.flags & FRAME_INTERIM) return PART_TAKEN
    return this.#outbox.unsentBytes <= this.#unsentBytesMax ? PART_TAKEN : PART_SLOW
  }

  acceptSilence(exchange: Exchange): void {
    exchange.at = AT_OWNER
    exchange.response = null
    this.#finish(exchange)
  }

  acceptPush(push: Frame): void {
    this.#append(push, null)
  }

  drained(): void {
    for (let i = 0; i < this.#open.length; i++) this.#open[i]!.onReplyDrain?.()
  }

  unanswered(): Exchange[] {
    const all: Exchange[] = []
    for (let i = 0; i < this.#open.length; i++) if (this.#open[i]!.at !== AT_OWNER) all.push(this.#open[i]!)
    return all
  }

  settle(exchanges: Batch, failures: Frame[]): void {
    for (let i = 0; i < exchanges.length; i++) {
      exchanges[i]!.at = AT_OWNER
      exchanges[i]!.response = failures[i]!
    }
    this.accept(exchanges)
  }

  takeAll(): Exchange[] {
    this.#closed = true
    this.#stats.inFlight -= this.inFlight
    this.inFlight = 0
    for (let i = 0; i < this.#open.length; i++) this.#open[i]!.slot = GONE
    return this.#open.splice(0)
  }

  #emitParts(exchange: Exchange, parts: Parts): void {
    for (let part = parts.shift(); part !== null; part = parts.shift()) {
      this.#append(part, exchange)
      if (part.flags & FRAME_LAST) this.#finish(exchange)
    }
  }

  #append(frame: Frame, exchange: Exchange | null): void {
    if (this.#closed) return
    const leaving = this.#wire.leave === undefined ? frame : this.#wire.leave(frame, exchange)
    this.#stats.bytesWritten += leaving.end - leaving.start
    this.#outbox.append(leaving)
    if (this.#wire.ended === true) this.ended = this.#closed = true
  }

  #finish(exchange: Exchange): void {
    if (exchange.slot === GONE) return
    exchange.state = DONE
    this.inFlight--
    this.#stats.inFlight--
    const last = this.#open.pop()!
    last.slot = exchange.slot
    if (last !== exchange) this.#open[last.slot] = last
    exchange.slot = GONE
    if (exchange.requestParts?.onPart === null) exchange.requestParts.abort(answered)
  }
}

const answered = new Error('answered before all of the request had come')
