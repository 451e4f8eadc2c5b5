import { DONE, type Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Parts } from './parts.ts'

/** What sends the parts. */
export interface PartSender {
  /** More parts can be taken now. */
  readonly takesParts: boolean
  sendPart(exchange: Exchange, part: Frame): void
  /** The last part of its request was sent. */
  onRestSent(exchange: Exchange): void
  /** The rest will not come. */
  onRestBroken(exchange: Exchange): void
}

/** Requests that an upstream has begun to send: their pipes are emptied as it takes more. One at a time, unless the protocol interleaves. */
export class RequestRests {
  readonly #sender: PartSender
  readonly #interleaves: boolean
  readonly #open = new Set<Exchange>()

  constructor(sender: PartSender, interleaves: boolean) {
    this.#sender = sender
    this.#interleaves = interleaves
  }

  get some(): boolean {
    return this.#open.size !== 0
  }

  /** Nothing else can be sent before the request is whole. */
  get block(): boolean {
    return !this.#interleaves && this.#open.size !== 0
  }

  /** The head was sent. The rest follows with `flow`, and when it comes. */
  begin(exchange: Exchange, parts: Parts): void {
    this.#open.add(exchange)
    parts.onPart = () => this.flow(exchange)
    parts.take = (part) => this.#send(exchange, part)
  }

  flow(exchange: Exchange): void {
    const parts = exchange.requestParts!
    if (parts.error !== null) {
      this.#open.delete(exchange)
      this.#sender.onRestBroken(exchange)
      return
    }
    while (this.#sender.takesParts) {
      const part = parts.shift()
      if (part === null) return
      this.#send(exchange, part)
    }
  }

  /** The upstream takes more. */
  flowAll(): void {
    for (const exchange of this.#open) this.flow(exchange)
  }

  /** The upstream is gone. What is left of a request whose reply came before it had ended goes nowhere. */
  close(error: Error): void {
    for (const exchange of this.#open) if (exchange.state === DONE) exchange.requestParts!.abort(error)
  }

  #send(exchange: Exchange, part: Frame): boolean {
    if (!this.#sender.takesParts) return false
    this.#sender.sendPart(exchange, part)
    if (part.flags & FRAME_LAST) {
      exchange.requestParts!.onPart = exchange.requestParts!.take = null
      this.#open.delete(exchange)
      this.#sender.onRestSent(exchange)
    }
    return true
  }
}
