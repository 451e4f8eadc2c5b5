import { Assembler } from './assembler.ts'
import type { Chain } from './chain.ts'
import type { Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import { Parts } from './parts.ts'

/** A request whose head has come: either it has gone down, or it is put together. */
interface Arrival {
  readonly stream: number
  readonly exchange: Exchange | null
  readonly assembler: Assembler | null
}

/** What an arrival asks of its session: nothing more is taken until it may go on. */
interface Taker {
  stop(): void
  go(): void
}

/** Requests of one session that have come in part. There is more than one only where the protocol interleaves. */
export class Arrivals {
  readonly #chain: Chain
  readonly #taker: Taker
  readonly #interleaves: boolean
  readonly #frameBytesMax: number
  #open: Arrival[] = []

  constructor(chain: Chain, taker: Taker) {
    this.#chain = chain
    this.#taker = taker
    this.#interleaves = chain.top.info.protocol.interleaves === true
    this.#frameBytesMax = chain.limits.frameBytesMax
  }

  get some(): boolean {
    return this.#open.length !== 0
  }

  /** The head of the exchange's request is going down: the rest follows in its pipe. */
  begin(exchange: Exchange): void {
    exchange.requestParts = new Parts()
    this.#open.push({ stream: exchange.request.stream, exchange, assembler: null })
  }

  /** The head waits for the rest. */
  assemble(head: Frame): void {
    this.#open.push({ stream: head.stream, exchange: null, assembler: new Assembler(head, this.#frameBytesMax) })
  }

  /** A further frame. What it makes whole, or null. Throws where that is too large. */
  part(part: Frame): Frame | null {
    const arrival = this.#interleaves ? this.#open.find(({ stream }) => stream === part.stream) : this.#open[0]
    // It was given up before its rest came.
    if (arrival === undefined) return null
    if (part.flags & FRAME_LAST) this.#open = this.#open.filter((other) => other !== arrival)
    if (arrival.assembler !== null) return arrival.assembler.add(part)
    this.#giveOn(arrival.exchange!, part)
    return null
  }

  #giveOn(exchange: Exchange, part: Frame): void {
    if (this.#chain.partDown(exchange, part)) return
    const parts = exchange.requestParts!
    if (parts.onDrain !== null) return
    this.#taker.stop()
    parts.onDrain = () => {
      parts.onDrain = null
      this.#taker.go()
    }
  }

  /** The rest of it will not come, or is not wanted. */
  drop(exchange: Exchange): void {
    this.#open = this.#open.filter((arrival) => arrival.exchange !== exchange)
  }

  /** None of the rests will come. Those that were to have them and can be given up without their connection. */
  abort(error: Error): Exchange[] {
    const exchanges = this.#open.flatMap(({ exchange }) => (exchange === null ? [] : [exchange]))
    this.#open = []
    for (const exchange of exchanges) exchange.requestParts!.abort(error)
    return this.#interleaves ? exchanges : []
  }
}
