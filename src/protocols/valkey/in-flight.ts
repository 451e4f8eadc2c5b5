// Hot path
import type { Exchange } from '../../core/exchange.ts'

/** What was sent and not answered, in order: a ring of the exchanges and of what each does to its connection. */
export class InFlight {
  length = 0
  #head = 0
  #mask = 15
  /** Where the last tombstone is, or anywhere. */
  #abandoned = 0
  #exchanges: (Exchange | null)[] = new Array(16).fill(null)
  #effects = new Uint8Array(16)
  /** A number that goes with the effect: how many channels, which database. */
  #counts = new Int32Array(16)

  push(exchange: Exchange, effect: number, count: number): void {
    if (this.length > this.#mask) this.#grow()
    const at = (this.#head + this.length++) & this.#mask
    this.#exchanges[at] = exchange
    this.#effects[at] = effect
    this.#counts[at] = count
  }

  /** Takes the oldest out; null where it was abandoned. Its effect and count are read before. */
  shift(): Exchange | null {
    const at = this.#head
    const exchange = this.#exchanges[at]
    this.#exchanges[at] = null
    this.#head = (at + 1) & this.#mask
    this.length--
    return exchange
  }

  /** The oldest; null where it was abandoned. */
  get first(): Exchange | null {
    return this.#exchanges[this.#head]
  }

  /** Effect of the oldest. */
  get effect(): number {
    return this.#effects[this.#head]
  }

  /** Count of the oldest. */
  get count(): number {
    return this.#counts[this.#head]
  }

  /** Appends those that were not abandoned to `into`, oldest first. */
  list(into: Exchange[]): void {
    for (let i = 0; i < this.length; i++) {
      const exchange = this.#exchanges[(this.#head + i) & this.#mask]
      if (exchange !== null) into.push(exchange)
    }
  }

  /** Leaves a tombstone. False: the exchange is not here. */
  abandon(exchange: Exchange): boolean {
    // A session gives up all it has at once, and in its order: the next one is looked for behind the last.
    const from = (this.#abandoned - this.#head) & this.#mask
    return this.#abandon(exchange, from, this.length) || this.#abandon(exchange, 0, Math.min(from, this.length))
  }

  #abandon(exchange: Exchange, from: number, to: number): boolean {
    for (let i = from; i < to; i++) {
      const at = (this.#head + i) & this.#mask
      if (this.#exchanges[at] !== exchange) continue
      this.#exchanges[at] = null
      this.#abandoned = at
      return true
    }
    return false
  }

  #grow(): void {
    const size = this.#mask + 1
    const exchanges: (Exchange | null)[] = new Array(size * 2).fill(null)
    const effects = new Uint8Array(size * 2)
    const counts = new Int32Array(size * 2)
    for (let i = 0; i < size; i++) {
      const at = (this.#head + i) & this.#mask
      exchanges[i] = this.#exchanges[at]
      effects[i] = this.#effects[at]
      counts[i] = this.#counts[at]
    }
    this.#exchanges = exchanges
    this.#effects = effects
    this.#counts = counts
    this.#head = 0
    this.#mask = size * 2 - 1
  }
}
