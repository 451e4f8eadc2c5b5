// Hot path
import { Ring } from '../base/ring.ts'
import { AT_OWNER, DONE, PART_FULL, PART_SLOW, PART_TAKEN, type Batch, type Exchange } from './exchange.ts'
import { FRAME_HEAD, FRAME_INTERIM, FRAME_LAST, type Frame } from './frame.ts'
import type { Outbox } from './outbox.ts'
import { Parts } from './parts.ts'
import type { ClientSideWire, Protocol } from './protocol.ts'
import type { SourceStats } from './stats.ts'

/**
 * What a session owes its client, in the order in which it leaves: replies in request order where the protocol wants that, else
 * as they come; parts right behind their head; pushes never inside a reply. Where the protocol interleaves everything leaves as it comes.
 */
export class ReplyQueue {
  /** Exchanges taken and not answered whole. */
  inFlight = 0
  /** What left ends the stream: nothing can follow. */
  ended = false
  readonly #outbox: Outbox
  /** Where what leaves is not what came; else null. */
  readonly #wire: ClientSideWire | null
  readonly #ordered: boolean
  /** Everything leaves as it comes. */
  readonly #interleaves: boolean
  /** Unsent bytes at which parts are to stop. */
  readonly #unsentBytesMax: number
  readonly #stats: SourceStats
  /** In flight, or in any order: those whose replies came and wait. */
  readonly #ring = new Ring<Exchange>()
  /** In any order: in flight, each at its `slot`. */
  readonly #open: Exchange[] = []
  /** Its reply's head has left, the rest has not. */
  #emitting: Exchange | null = null
  /** The head of a push has left, the rest has not. */
  #isInPush = false
  /** Pushes that came in the middle of something else. */
  readonly #pushes: Frame[] = []
  #closed = false

  constructor(outbox: Outbox, wire: ClientSideWire, protocol: Protocol, unsentBytesMax: number, stats: SourceStats) {
    this.#outbox = outbox
    this.#wire = wire.leave === undefined ? null : wire
    this.#ordered = protocol.orderToClient === 'request-order'
    this.#interleaves = protocol.interleaves === true
    this.#unsentBytesMax = unsentBytesMax
    this.#stats = stats
  }

  /** A reply or a push has left in part. */
  get isMidway(): boolean {
    return this.#emitting !== null || this.#isInPush || this.#open.some((exchange) => this.#isOut(exchange))
  }

  /** Its head has left, the rest has not. */
  #isOut(exchange: Exchange): boolean {
    if (!this.#interleaves) return this.#emitting === exchange
    return exchange.at === AT_OWNER && exchange.response !== null && (exchange.response.flags & FRAME_LAST) === 0
  }

  /** A request was read. */
  take(exchange: Exchange): void {
    this.inFlight++
    this.#stats.inFlight++
    if (this.#ordered) this.#ring.push(exchange)
    else exchange.slot = this.#open.push(exchange) - 1
  }

  /** Replies, or their heads, came up. Those whose turn it is leave; the others keep their bytes. */
  accept(batch: Batch): void {
    if (this.#closed) return
    const ring = this.#ring
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (!this.#ordered) ring.push(exchange)
      if (ring.peek() === exchange && this.#emitting === null && !this.#isInPush) this.#emit(exchange)
      else exchange.response!.own()
    }
    this.#advance()
  }

  /** A further frame of a reply. PART_SLOW: the client takes it slowly; PART_FULL: the order of replies holds it up. */
  acceptPart(exchange: Exchange, part: Frame): number {
    if (!this.#isOut(exchange)) return this.#holdPart(exchange, part)
    this.#append(part, exchange)
    if (part.flags & FRAME_LAST) {
      this.#finish(exchange)
      this.#advance()
      return PART_TAKEN
    }
    return this.#outbox.unsentBytes <= this.#unsentBytesMax ? PART_TAKEN : PART_SLOW
  }

  /** What waits there leaves with its head, or when the head's turn has come. */
  #holdPart(exchange: Exchange, part: Frame): number {
    const hasHead = exchange.at === AT_OWNER
    // Where a stage put a whole reply in the place of its head, the rest goes nowhere.
    if (hasHead && (exchange.response === null || exchange.response.flags & FRAME_LAST)) return PART_TAKEN
    const isFree = this.#interleaves || (this.#emitting === null && !this.#isInPush)
    if (part.flags & FRAME_INTERIM && !hasHead && isFree && (!this.#ordered || this.#ring.peek() === exchange)) {
      this.#append(part, exchange)
      return PART_TAKEN
    }
    const parts = (exchange.responseParts ??= new Parts())
    parts.onDrain ??= () => exchange.onReplyDrain?.()
    return parts.push(part) ? PART_TAKEN : PART_FULL
  }

  /** The exchange has no reply, or nobody waits for it. A reply that has left in part goes on. */
  acceptSilence(exchange: Exchange): void {
    if (this.#emitting === exchange) return
    const waits = !this.#interleaves && exchange.at === AT_OWNER && exchange.response !== null
    exchange.at = AT_OWNER
    exchange.response = null
    exchange.state = DONE
    if (this.#ordered || waits) this.#advance()
    else this.#leave(exchange)
  }

  /** A push, or a further frame of one, which follows its head. */
  acceptPush(push: Frame): void {
    if (this.#interleaves) {
      this.#append(push, null)
      return
    }
    const isHead = (push.flags & FRAME_HEAD) !== 0
    const last = this.#pushes.at(-1)
    if (this.#isInPush ? isHead : this.#emitting !== null) {
      // Not between the frames of one that waits.
      if (isHead && last !== undefined && (last.flags & FRAME_LAST) === 0) this.#pushes.unshift(push.own())
      else this.#pushes.push(push.own())
      return
    }
    this.#appendPush(push)
    if (isHead || this.#isInPush) return
    this.#emitPushes()
    this.#advance()
  }

  #appendPush(push: Frame): void {
    this.#isInPush = (push.flags & FRAME_LAST) === 0
    this.#append(push, null)
  }

  #emitPushes(): void {
    for (let i = 0; i < this.#pushes.length; i++) this.#appendPush(this.#pushes[i]!)
    this.#pushes.length = 0
  }

  /** Everything whose turn has come leaves. */
  #advance(): void {
    for (let exchange = this.#ring.peek(); exchange !== undefined; exchange = this.#ring.peek()) {
      if (this.#emitting !== null || this.#isInPush) return
      if (exchange.at !== AT_OWNER) {
        if (exchange.responseParts !== null) this.#emitInterims(exchange, exchange.responseParts)
        return
      }
      if (exchange.response !== null) this.#emit(exchange)
      else if (exchange.state !== DONE) return
      else if (!exchange.cancelled || !this.#ordered) this.#finish(exchange)
      // The place of a reply that never comes can't be left to another one.
      else this.ended = this.#closed = true
      if (this.#closed) return
    }
  }

  /** The client takes more: so may go on what it held up. */
  drained(): void {
    if (!this.#interleaves) this.#emitting?.onReplyDrain?.()
    else for (let i = 0; i < this.#open.length; i++) this.#open[i]!.onReplyDrain?.()
  }

  /** Those that nothing came for yet. */
  unanswered(): Exchange[] {
    const all: Exchange[] = []
    for (let i = 0; i < this.inFlight; i++) {
      const exchange = this.#ordered ? this.#ring.at(i)! : this.#open[i]!
      if (exchange.at !== AT_OWNER) all.push(exchange)
    }
    return all
  }

  /** These, which nothing came for, were given their `response`. */
  settle(exchanges: Batch): void {
    for (let i = 0; i < exchanges.length; i++) exchanges[i]!.at = AT_OWNER
    if (this.#ordered) this.#advance()
    else this.accept(exchanges)
  }

  /** The client is gone: what was owed, in the order of the requests where that counts. Nothing more may be written. */
  takeAll(): Exchange[] {
    this.#closed = true
    this.#stats.inFlight -= this.inFlight
    this.inFlight = 0
    const all = this.#ring.takeAll()
    if (this.#ordered) return all
    for (let i = 0; i < this.#open.length; i++) this.#open[i]!.slot = GONE
    return this.#open.splice(0)
  }

  #emit(exchange: Exchange): void {
    const frame = exchange.response!
    const parts = exchange.responseParts
    if (parts !== null) this.#emitInterims(exchange, parts)
    if (exchange.answeredAt !== null) this.#outbox.since(exchange.answeredAt)
    this.#append(frame, exchange)
    if (frame.flags & FRAME_LAST) {
      this.#finish(exchange)
      return
    }
    if (this.#interleaves) this.#ring.shift()
    else this.#emitting = exchange
    this.#stats.cutThroughs++
    if (parts === null) return
    for (let part = parts.shift(); part !== null; part = parts.shift()) {
      this.#append(part, exchange)
      if (part.flags & FRAME_LAST) this.#finish(exchange)
    }
  }

  /** Interim replies leave before the head, of which the parts that stand behind them are. */
  #emitInterims(exchange: Exchange, parts: Parts): void {
    for (let part = parts.peek(); part !== null && part.flags & FRAME_INTERIM; part = parts.peek()) {
      parts.shift()
      this.#append(part, exchange)
    }
  }

  /** It is in flight no more. */
  #leave(exchange: Exchange): void {
    // A stage answered it before all of it came: the rest goes nowhere.
    if (exchange.requestParts?.onPart === null) exchange.requestParts.abort(answered)
    if (exchange.slot === GONE) return
    this.inFlight--
    this.#stats.inFlight--
    if (this.#ordered) return
    const last = this.#open.pop()!
    last.slot = exchange.slot
    if (last !== exchange) this.#open[last.slot] = last
    exchange.slot = GONE
  }

  #append(frame: Frame, exchange: Exchange | null): void {
    if (this.#closed) return
    const wire = this.#wire
    const outbox = this.#outbox
    let leaving = frame
    if (wire !== null) {
      if (wire.enclosure !== undefined) outbox.enclose(wire.enclosure)
      leaving = wire.leave!(frame, exchange)
    }
    const before = outbox.appendedBytes
    outbox.append(leaving)
    this.#stats.bytesWritten += outbox.appendedBytes - before
    if (wire !== null && wire.ended === true) this.ended = this.#closed = true
  }

  /** Its reply has left whole, or there is none. */
  #finish(exchange: Exchange): void {
    exchange.state = DONE
    this.#emitting = null
    if (this.#ring.peek() === exchange) this.#ring.shift()
    this.#leave(exchange)
    if (this.#pushes.length !== 0) this.#emitPushes()
  }
}

/** `Exchange.slot` of one that is in flight no more. */
const GONE = -1

const answered = new Error('answered before all of the request had come')
