// Hot path
import type { Exchange } from '../../core/exchange.ts'
import { FRAME_LAST } from '../../core/frame.ts'
import type { Frame } from '../../core/frame.ts'
import { MATCH_DROP, MATCH_PART, MATCH_PUSH, MATCH_REPLY, ProtocolError, WIRE_CLEAN } from '../../core/protocol.ts'
import type { Wire } from '../../core/protocol.ts'
import { Cutter } from './cutter.ts'
import { InFlight } from './in-flight.ts'
import { ReplyScan } from './reply-scan.ts'
import { PUSH } from './resp.ts'

/** Cuts what a server sends into replies and says which request each answers. */
export class ServerWire implements Wire {
  matched = MATCH_DROP
  readonly #cutter: Cutter
  readonly #inFlight = new InFlight()
  /** What the frames of a message that came in parts are, after its head. */
  #partsAre = MATCH_DROP
  /** The exchange that they answer. */
  #answering: Exchange | null = null

  constructor(cutThroughBytes: number) {
    this.#cutter = new Cutter(new ReplyScan(), cutThroughBytes)
  }

  get pending(): number {
    return this.#cutter.pending
  }

  get inFlight(): number {
    return this.#inFlight.length
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#cutter.push(bytes, start, end)
  }

  next(): Frame | null {
    return this.#cutter.next()
  }

  keep(): void {
    this.#cutter.keep()
  }

  eof(): Frame | null {
    if (this.#cutter.isTorn) throw new ProtocolError('the server closed the connection inside a reply')
    return null
  }

  sent(exchange: Exchange): void {
    this.#inFlight.push(exchange, 0, 0)
  }

  match(frame: Frame): Exchange | null {
    if ((frame.flags & 1) === 0) {
      this.matched = this.#partsAre
      const exchange = this.#answering
      if (frame.flags & FRAME_LAST) this.#answering = null
      return exchange
    }
    let exchange: Exchange | null = null
    let matched = MATCH_REPLY
    if (frame.kind === PUSH) matched = MATCH_PUSH
    else if (this.#inFlight.length === 0) matched = MATCH_DROP
    else {
      exchange = this.#inFlight.shift()
      if (exchange === null) matched = MATCH_DROP
    }
    if ((frame.flags & FRAME_LAST) === 0) {
      this.#answering = exchange
      this.#partsAre = matched === MATCH_REPLY ? MATCH_PART : matched
    }
    this.matched = matched
    return exchange
  }

  silent(): Exchange | null {
    return null
  }

  abandon(exchange: Exchange): void {
    if (this.#answering === exchange) {
      this.#answering = null
      this.#partsAre = MATCH_DROP
      return
    }
    this.#inFlight.abandon(exchange)
  }

  waiting(): Exchange[] {
    const all: Exchange[] = []
    if (this.#answering !== null) all.push(this.#answering)
    this.#inFlight.list(all)
    return all
  }

  takeAll(): Exchange[] {
    const all = this.waiting()
    this.#answering = null
    this.#partsAre = MATCH_DROP
    while (this.#inFlight.length > 0) this.#inFlight.shift()
    return all
  }

  state(): number {
    return WIRE_CLEAN
  }
}
