// Hot path
import type { Exchange } from '../../core/exchange.ts'
import { HEADER_BYTES } from './envelope.ts'

/** Stream ids are 0 ... 32767: negative ones are the server's. */
export const STREAMS_MAX = 32768

/** The exchanges in flight on one connection, each at its stream id. */
export class Streams {
  inFlight = 0
  /** Null: free, or nobody waits for the reply any more. */
  readonly #exchanges: (Exchange | null)[] = []
  /** The opcode that was sent; -1: the id is free. */
  readonly #opcodes: number[] = []
  /** How many were sent before it. */
  readonly #orders: number[] = []
  readonly #free: number[] = []
  #sent = 0

  /** Gives the exchange a stream id that is free. There must be one. */
  take(exchange: Exchange): number {
    this.inFlight++
    const id = this.#free.length === 0 ? this.#exchanges.length : this.#free.pop()!
    this.#exchanges[id] = exchange
    this.#opcodes[id] = exchange.request.kind
    this.#orders[id] = this.#sent++
    return id
  }

  /** The opcode that was sent with this id; -1: none. */
  opcode(id: number): number {
    return id < 0 || id >= this.#opcodes.length ? -1 : this.#opcodes[id]!
  }

  /** The exchange of an id in flight; null where nobody waits for it. */
  exchange(id: number): Exchange | null {
    return this.#exchanges[id]!
  }

  /** Its whole reply is there. */
  release(id: number): void {
    this.inFlight--
    this.#exchanges[id] = null
    this.#opcodes[id] = -1
    this.#free.push(id)
  }

  /** Nobody waits for it any more: its id stays taken until the reply came. */
  abandon(exchange: Exchange): void {
    const id = this.#find(exchange)
    if (id >= 0) this.#exchanges[id] = null
  }

  /** The id of an exchange; -1: it has none. Most requests lie as they left, with it: a client that leaves may have thousands open. */
  #find(exchange: Exchange): number {
    const { bytes, start, end } = exchange.request
    if (end - start >= HEADER_BYTES) {
      const id = bytes.readInt16BE(start + 2)
      if (id >= 0 && id < this.#exchanges.length && this.#exchanges[id] === exchange) return id
    }
    return this.#exchanges.indexOf(exchange)
  }

  /** Those that somebody waits for, in the order in which they were sent. */
  // Cold: a connection is looked after, or lost
  waiting(): Exchange[] {
    const ids: number[] = []
    for (let id = 0; id < this.#exchanges.length; id++) if (this.#exchanges[id] !== null) ids.push(id)
    ids.sort((a, b) => this.#orders[a]! - this.#orders[b]!)
    return ids.map((id) => this.#exchanges[id]!)
  }

  clear(): void {
    this.inFlight = 0
    this.#exchanges.length = this.#opcodes.length = this.#orders.length = this.#free.length = 0
  }
}
