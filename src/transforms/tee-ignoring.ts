// Hot path
import { causesOf, withCauses } from '../base/errors.ts'
import { DONE, PART_TAKEN, type Batch, type Exchange } from '../core/exchange.ts'
import { FRAME_LAST, type Frame } from '../core/frame.ts'
import type { ChainFactory, Log } from '../core/kind.ts'
import type { SubChain } from '../core/sub-chain.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'
import { Rest } from './tee-rest.ts'
import type { ResultSource } from './tee-result-source.ts'
import { Shadow, type ShadowSettings } from './tee-shadow.ts'

/**
 * Sends copies of all requests of a session down a chain within, whose replies nobody gets; or, once that is the source of results, its
 * requests down that chain, and copies down the rest of the chain around.
 */
export class IgnoringTee implements Transform {
  readonly holds = true
  readonly #source: ResultSource
  readonly #log: Log
  readonly #settings: ShadowSettings
  readonly #chain: SubChain
  readonly #shadow: Shadow
  /** The rest of the chain, and the copies that go there; null before it was a shadow. */
  #rest: Rest | null = null
  #restShadow: Shadow | null = null
  #link: Link | null = null
  #stopped = false
  /** Requests of the last batch went down the chain within as they were. */
  #switched = false
  /** Why one of the two ways is closed. */
  #error: Error | null = null
  #closed = false

  constructor(factory: ChainFactory, session: SessionInfo, source: ResultSource, log: Log, settings: ShadowSettings) {
    this.#source = source
    this.#log = log
    this.#settings = settings
    this.#chain = factory.open(session, {
      onReplies: (batch) => this.#answered(batch),
      onReplyPart: (exchange, part) => this.#answeredPart(exchange, part),
      onSilent: (exchange) => this.#silent(exchange),
      onPush: (push) => this.#pushed(push),
      onStop: () => this.#stop(),
      onGo: () => this.#go(),
      onFail: (error, open) => this.#failed(error, open),
      onEnd: (reason) => this.#ended(reason),
      onClose: (reason, open) => this.#lost(reason, open),
    })
    this.#shadow = new Shadow(this.#chain, settings)
  }

  /** Of requests: nobody waits for copies. */
  get held(): number {
    return this.#switched ? this.#chain.chain.held : 0
  }

  wants(kind: number): 'head' | 'whole' {
    return this.#chain.chain.wantsWhole(kind) ? 'whole' : 'head'
  }

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    this.#chain.keepsRequests = link.keepsRequests
    const isTee = this.#source.isTee
    if (isTee !== this.#switched) this.#switch(isTee)
    if (isTee) this.#swapped(batch, link)
    else if (this.#rest !== null && !this.#rest.isOpen) link.fail(this.#error!)
    else {
      const copies = this.#shadow.copies(batch)
      link.forward(batch)
      this.#shadow.offer(copies)
    }
  }

  /** What went one way as a copy is not overtaken by what goes there now. */
  // Cold: an operator switched
  #switch(isTee: boolean): void {
    this.#switched = isTee
    if (isTee) this.#shadow.flush()
    else this.#restShadow?.flush()
  }

  #swapped(batch: Batch, link: Link): void {
    if (!this.#chain.isOpen) {
      link.fail(this.#error ?? new Error(`chain ${this.#chain.info.chain} has ended`))
      return
    }
    if (this.#rest === null) {
      this.#rest = new Rest(link, batch[0]!.at, (copy) => this.#restShadow!.done(copy))
      this.#restShadow = new Shadow(this.#rest, this.#settings)
    }
    this.#rest.level = batch[0]!.at
    const copies = this.#restShadow!.copies(batch)
    const standIns: Batch = []
    for (let i = 0; i < batch.length; i++) standIns.push(this.#chain.standIn(batch[i]!))
    this.#chain.send(standIns)
    this.#restShadow!.offer(copies)
  }

  // Cold: a large request
  onPart(outer: Exchange, part: Frame): void {
    const standIn = this.#chain.standingFor(outer)
    if (standIn === null && !this.#switched) this.#shadow.onPart(outer, part)
    else {
      this.#restShadow?.onPart(outer, part)
      if (standIn !== null) this.#chain.showPart(standIn, part)
    }
  }

  onCancel(outer: Exchange): void {
    this.#shadow.cancel(outer)
    this.#restShadow?.cancel(outer)
    this.#chain.cancelWithOuter()
  }

  onPush(push: Frame, link: Link): void {
    if (!this.#source.isTee) link.push(push)
  }

  /** The rest of the chain ends the session: not while clients get their replies from elsewhere. */
  // Cold: once a session
  onEnding(reason: string, error: Error | null): boolean {
    if (!this.#switched || reason === 'quit') return false
    this.#error ??= error ?? new Error(`the connection was lost: ${reason}`)
    if (this.#rest!.isOpen) {
      this.#rest!.isOpen = false
      this.#restShadow!.lost([])
    }
    return true
  }

  // Cold: once a session
  onFlush(): void {
    this.#shadow.flush()
    this.#restShadow?.flush()
    this.#chain.flush()
  }

  /** What clients have sent goes to the shadow, though nobody waits for it here. */
  // Cold: once a session
  close(): void {
    this.#closed = true
    this.#restShadow?.close()
    this.#shadow.flush()
    this.#shadow.close()
    this.#chain.drain()
    this.#log.info(`Buffered chain ${this.#chain.info.chain} was shutdown`)
  }

  // --- from the chain within: an exchange without an outer one is a copy

  #answered(batch: Batch): void {
    let replies: Batch | null = null
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const { outer } = exchange
      const response = exchange.response!
      if (outer === null) {
        if (response.flags & FRAME_LAST || exchange.state === DONE) this.#shadow.done(exchange)
        continue
      }
      outer.response = response
      outer.state = exchange.state
      if ((response.flags & FRAME_LAST) === 0) this.#follow(exchange, outer)
      ;(replies ??= []).push(outer)
    }
    if (replies !== null) this.#link!.reply(replies)
  }

  // Cold: large replies
  #follow(exchange: Exchange, outer: Exchange): void {
    outer.onReplyDrain = () => exchange.onReplyDrain?.()
  }

  #answeredPart(exchange: Exchange, part: Frame): number {
    const { outer } = exchange
    if (outer === null) {
      if (part.flags & FRAME_LAST) this.#shadow.done(exchange)
      return PART_TAKEN
    }
    outer.state = exchange.state
    return this.#link!.replyPart(outer, part)
  }

  #silent(exchange: Exchange): void {
    const { outer } = exchange
    if (outer === null) {
      this.#shadow.done(exchange)
      return
    }
    outer.state = DONE
    if (exchange.cancelled) outer.cancelled = true
    this.#link!.silent(outer)
  }

  #pushed(push: Frame): void {
    if (this.#source.isTee) this.#link?.push(push)
  }

  #stop(): void {
    if (!this.#switched) return
    this.#stopped = true
    this.#link!.stop()
  }

  #go(): void {
    if (this.#stopped) this.#link!.go()
    this.#stopped = false
    if (!this.#closed) this.#shadow.run()
  }

  // Cold: once a session
  #failed(error: Error, open: Batch): void {
    this.#mourn(error, open)
    if (this.#switched) this.#link!.fail(error)
  }

  // Cold: once a session
  #ended(reason: string): void {
    this.#error ??= new Error(`the connection was lost: ${reason}`)
    if (this.#switched) this.#link!.end(reason)
  }

  // Cold: once a session
  #lost(reason: string, open: Batch): void {
    this.#mourn(new Error(`the connection was lost: ${reason}`), open)
    if (this.#switched) this.#link!.close(reason)
  }

  // Cold: once a session
  #mourn(error: Error, open: Batch): void {
    this.#error ??= error
    const message = `Internal error in buffered chain "${this.#chain.info.chain}": ${error.message}`
    this.#log.error(withCauses(message, causesOf(error).slice(1)))
    this.#shadow.lost(open.filter(({ outer }) => outer === null))
  }
}
