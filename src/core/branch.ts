// Hot path
import { Ring } from '../base/ring.ts'
import { DONE, type Batch, type Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { ChainFactory } from './kind.ts'
import type { SubChain, SubChainUser } from './sub-chain.ts'
import type { Link, SessionInfo } from './transform.ts'

/** Keeps the replies of several branches in the order of their requests, where the protocol itself would not. */
export class ReplyOrder {
  readonly #ring = new Ring<Exchange>()

  /** Requests, before they go down. */
  take(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) this.#ring.push(batch[i]!)
  }

  /** Something was answered: what need not wait any longer goes on. */
  release(link: Link): void {
    const ready: Batch = []
    for (let first = this.#ring.peek(); first !== undefined; first = this.#ring.peek()) {
      const isOver = first.cancelled || first.state === DONE
      if (first.response === null && !isOver) break
      this.#ring.shift()
      if (first.response !== null && !first.cancelled) ready.push(first)
    }
    // Those that wait keep no bytes that are lent.
    for (let i = 0; i < this.#ring.length; i++) this.#ring.at(i)!.response?.own()
    if (ready.length !== 0) link.reply(ready)
  }
}

/** A chain within that answers in the place of the chain around: what comes out of it goes on as if the transform itself had it. */
export class Branch implements SubChainUser {
  readonly #chain: SubChain
  readonly #order: ReplyOrder | null
  #link: Link | null = null
  #stopped = false

  /** `order`: replies go on in the order that it keeps, of whichever branch they are; null: as they come. */
  constructor(factory: ChainFactory, session: SessionInfo, order: ReplyOrder | null = null) {
    this.#chain = factory.open(session, this)
    this.#order = order
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
    if (exchange !== null) this.#chain.showPart(exchange, part)
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
    if (this.#order === null) this.#link!.reply(outers)
    else this.#order.release(this.#link!)
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
    this.#order?.release(this.#link!)
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
