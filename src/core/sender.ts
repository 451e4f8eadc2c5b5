// Hot path
import { DONE, QUEUED, WRITTEN, type Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import { repeatable } from './loss.ts'
import type { Outbox } from './outbox.ts'
import type { Parts } from './parts.ts'
import type { Protocol, ServerSideWire } from './protocol.ts'
import type { PoolStats } from './stats.ts'

/** Unsent bytes at which nothing more should be sent for now. */
const CONGESTED_BYTES = 1024 * 1024
/** Unsent bytes at which parts of a large request wait. */
const PARTS_BYTES = 256 * 1024
/** Requests up to this size are kept until they are answered; larger ones only where somebody may want them again. */
const KEEP_BYTES = 512

/** Who is told what becomes of requests that come in parts. */
export interface SenderUser {
  /** The last part was sent. */
  onRestSent(exchange: Exchange): void
  /** The rest will not come. */
  onRestBroken(exchange: Exchange): void
}

/** What leaves on one connection to a server: requests, and the rests of large ones as the connection takes them. */
export class Sender {
  /** Null before the connection stands. */
  outbox: Outbox | null = null
  readonly #wire: ServerSideWire
  readonly #protocol: Protocol
  readonly #stats: PoolStats
  readonly #user: SenderUser
  /** What leaves is not what came. */
  readonly #leaves: boolean
  readonly #interleaves: boolean
  /** Requests of which parts are still to be sent. One at a time, unless the protocol interleaves. */
  readonly #open = new Set<Exchange>()
  /** Those that stopped their sessions until more is taken. */
  #congested: (() => void)[] = []
  #closed = false

  constructor(wire: ServerSideWire, protocol: Protocol, stats: PoolStats, user: SenderUser) {
    this.#wire = wire
    this.#protocol = protocol
    this.#stats = stats
    this.#user = user
    this.#leaves = wire.leave !== undefined
    this.#interleaves = protocol.interleaves === true
  }

  /** Bytes ever sent. */
  get bytes(): number {
    return this.outbox === null ? 0 : this.outbox.appendedBytes
  }

  /** Bytes that the kernel has taken, where it takes them slower than they come; else -1. */
  get takenBytes(): number {
    const unsent = this.outbox === null ? 0 : this.outbox.unsentBytes
    return unsent === 0 ? -1 : this.outbox!.appendedBytes - unsent
  }

  get congested(): boolean {
    return this.outbox !== null && this.outbox.unsentBytes > CONGESTED_BYTES
  }

  whenUncongested(go: () => void): void {
    this.#congested.push(go)
  }

  /** Parts of some request are still to be sent. */
  get hasRests(): boolean {
    return this.#open.size !== 0
  }

  /** Nothing may be sent before a request is whole. */
  get busy(): boolean {
    return !this.#interleaves && this.#open.size !== 0
  }

  /** Was not one byte of it handed to the kernel? */
  unsent(exchange: Exchange): boolean {
    if (this.outbox === null || exchange.state === QUEUED) return true
    // What is kept no more, its bytes or parts of it, can't go again: whether it went is not worth knowing.
    if (exchange.request.end === exchange.request.start || exchange.requestParts !== null) return false
    return exchange.offset > this.outbox.handedBytes
  }

  /** Sends the request, or its head: `flow` follows. */
  write(exchange: Exchange): void {
    const outbox = this.outbox!
    const before = outbox.appendedBytes
    outbox.since(exchange.since)
    const { request } = exchange
    const keep = this.#leaves || request.end - request.start <= KEEP_BYTES || this.#keeps(exchange, outbox)
    if (this.#leaves) this.#appendLeaving(exchange, outbox)
    else if (keep) outbox.append(request)
    else outbox.appendPart(request)
    exchange.offset = before + 1
    exchange.state = WRITTEN
    this.#stats.bytesWritten += outbox.appendedBytes - before
    this.#wire.sent(exchange)
    if (!keep) request.drop()
    if (exchange.requestParts !== null) this.#begin(exchange, exchange.requestParts)
  }

  /** Sends what tells the server that the exchange is given up, where the protocol has such a word and the server needs it. */
  // Cold: something was given up
  cancel(exchange: Exchange): void {
    const word = this.#wire.cancel?.(exchange) ?? null
    if (word !== null) this.outbox!.appendPart(word)
  }

  #appendLeaving(exchange: Exchange, outbox: Outbox): void {
    const { request } = exchange
    const { enclosure } = this.#wire
    if (enclosure !== undefined) outbox.enclose(enclosure)
    const leaving = this.#wire.leave!(request, exchange)
    // The outbox keeps what leaves; the request may have to leave once more, elsewhere.
    if (leaving !== request) request.own()
    outbox.append(leaving)
  }

  /** Will the bytes of a larger request be asked for after they were written? */
  #keeps(exchange: Exchange, outbox: Outbox): boolean {
    // Where the kernel takes no more, what waits was not sent yet if the connection is lost meanwhile.
    if (outbox.blocked || exchange.carrier!.keepsRequests || exchange.requestParts !== null) return true
    return repeatable(exchange, this.#protocol)
  }

  /** The rest goes on though the exchange may be done before. */
  #begin(exchange: Exchange, parts: Parts): void {
    this.#open.add(exchange)
    parts.onPart = () => this.flow(exchange)
    parts.take = (part) => this.#sendPart(exchange, part)
  }

  /** Sends what has come of the request's rest, as far as it may. */
  flow(exchange: Exchange): void {
    const parts = exchange.requestParts!
    if (parts.error !== null) {
      if (this.#open.delete(exchange)) this.#user.onRestBroken(exchange)
      return
    }
    while (this.#takesParts) {
      const part = parts.shift()
      if (part === null) return
      this.#sendPart(exchange, part)
    }
  }

  get #takesParts(): boolean {
    return !this.#closed && this.outbox!.unsentBytes <= PARTS_BYTES
  }

  #sendPart(exchange: Exchange, part: Frame): boolean {
    if (!this.#takesParts) return false
    this.outbox!.appendPart(this.#leaves ? this.#wire.leave!(part, exchange) : part)
    this.#stats.bytesWritten += part.end - part.start
    if (part.flags & FRAME_LAST) {
      exchange.requestParts!.onPart = exchange.requestParts!.take = null
      this.#open.delete(exchange)
      this.#user.onRestSent(exchange)
    }
    return true
  }

  /** The connection took all that it was given. */
  drained(): void {
    this.outbox!.drained()
    for (const exchange of this.#open) this.flow(exchange)
    if (!this.congested) this.letGo()
  }

  /** Who waited until more is taken waits no longer. */
  letGo(): void {
    if (this.#congested.length === 0) return
    const waiting = this.#congested
    this.#congested = []
    for (const go of waiting) go()
  }

  /** The connection is gone. What is left of a request whose reply came before it had ended goes nowhere. */
  close(error: Error): void {
    this.#closed = true
    for (const exchange of this.#open) if (exchange.state === DONE) exchange.requestParts!.abort(error)
  }
}
