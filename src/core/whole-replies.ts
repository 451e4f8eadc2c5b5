import { Assembler } from './assembler.ts'
import type { Exchange } from './exchange.ts'
import { FRAME_INTERIM, type Frame } from './frame.ts'

/** Replies that some stage wants whole, whose heads have come: they stay with the sink until the last part is there. */
export class WholeReplies {
  readonly #bytesMax: number
  readonly #open = new Map<Exchange, Assembler>()

  /** `bytesMax`: a larger reply can't be had whole. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get size(): number {
    return this.#open.size
  }

  /** The exchange has the head of its reply. Throws where that alone is too large. */
  begin(exchange: Exchange): void {
    this.#open.set(exchange, new Assembler(exchange.response!, this.#bytesMax))
  }

  /** Is the part one that the reply waits for? */
  takes(exchange: Exchange, part: Frame): boolean {
    return (part.flags & FRAME_INTERIM) === 0 && this.#open.has(exchange)
  }

  /** A further part. True: the exchange has its whole reply now. Throws where that is too large. */
  add(exchange: Exchange, part: Frame): boolean {
    let whole: Frame | null
    try {
      whole = this.#open.get(exchange)!.add(part)
    } catch (error) {
      this.#open.delete(exchange)
      throw error
    }
    if (whole === null) return false
    this.#open.delete(exchange)
    exchange.response = whole
    return true
  }

  /** Nobody waits for it any more. */
  drop(exchange: Exchange): void {
    this.#open.delete(exchange)
  }
}
