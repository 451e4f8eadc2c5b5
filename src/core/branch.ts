// Hot path
import { DONE, type Batch, type Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { ChainFactory } from './kind.ts'
import type { SubChain, SubChainUser } from './sub-chain.ts'
import type { Link, SessionInfo } from './transform.ts'

/** A chain within that answers in the place of the chain around: what comes out of it goes on as if the transform itself had it. */
export class Branch implements SubChainUser {
  readonly #chain: SubChain
  #link: Link | null = null
  #stopped = false

  constructor(factory: ChainFactory, session: SessionInfo) {
    this.#chain = factory.open(session, this)
  }

  /** Sends what the transform holds down this chain; replies come back by `link`. */
  send(batch: Batch, link: Link): void {
    if (!this.#chain.isOpen) return
    this.#link = link
    this.#chain.keepsRequests = link.keepsRequests
    const standIns: Batch = []
    for (let i = 0; i < batch.length; i++) standIns.push(this.#chain.standIn(batch[i]!))
    this.#chain.send(standIns)
  }

  /** Exchanges that stages of the chain keep of their own accord. */
  get held(): number {
    return this.#chain.chain.held
  }

  wantsWhole(kind: number): boolean {
    return this.#chain.chain.wantsWhole(kind)
  }

  /** Shows a further part of a request that was sent; the part itself comes through the pipe that both exchanges have. */
  onPart(outer: Exchange, part: Frame): void {
    const exchange = this.#chain.standingFor(outer)
    if (exchange !== null) this.#chain.chain.showPart(exchange, part)
  }

  /** Some of what was sent was given up. */
  cancel(): void {
    this.#chain.cancelWithOuter()
  }

  flush(): void {
    this.#chain.flush()
  }

  close(): void {
    this.#chain.close()
  }

  // --- from the chain within

  onReplies(batch: Batch): void {
    const outers: Batch = []
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const outer = exchange.outer!
      outer.response = exchange.response
      outer.state = exchange.state
      if ((exchange.response!.flags & FRAME_LAST) === 0) this.#follow(exchange, outer)
      outers.push(outer)
    }
    this.#link!.reply(outers)
  }

  /** Its reply comes in parts: when they may go on is for the sink to know. */
  // Cold: large replies
  #follow(exchange: Exchange, outer: Exchange): void {
    outer.onReplyDrain = () => exchange.onReplyDrain?.()
  }

  onReplyPart(exchange: Exchange, part: Frame): number {
    exchange.outer!.state = exchange.state
    return this.#link!.replyPart(exchange.outer!, part)
  }

  onSilent(exchange: Exchange): void {
    const outer = exchange.outer!
    outer.state = DONE
    if (exchange.cancelled) outer.cancelled = true
    this.#link!.silent(outer)
  }

  onPush(push: Frame): void {
    this.#link?.push(push)
  }

  onStop(): void {
    if (this.#link === null) return
    this.#stopped = true
    this.#link.stop()
  }

  onGo(): void {
    if (this.#stopped) this.#link!.go()
    this.#stopped = false
  }

  onFail(error: Error): void {
    this.#link?.fail(error)
  }

  onEnd(reason: string): void {
    this.#link?.end(reason)
  }

  onClose(reason: string): void {
    this.#link?.close(reason)
  }
}
