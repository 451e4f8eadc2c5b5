import { Assembler } from '../core/assembler.ts'
import { DONE, PART_TAKEN, type Batch, type Exchange } from '../core/exchange.ts'
import { FRAME_INTERIM, FRAME_LAST, type Frame } from '../core/frame.ts'
import type { ChainFactory, Limits, Log } from '../core/kind.ts'
import type { SubChain, SubChainUser } from '../core/sub-chain.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'
import type { ResultSource } from './tee-result-source.ts'

const FAILED =
  'The responses from the Tee subchain and down-chain did not match and behavior is set to fail on mismatch'

/** What is done where two replies differ. */
export type OnMismatch = 'log' | 'fail' | 'send'

export interface ComparingSettings {
  readonly limits: Limits
  readonly log: Log
  readonly source: ResultSource
  readonly onMismatch: OnMismatch
  /** Where requests go whose replies differ: 'send'. */
  readonly mismatch: ChainFactory | null
}

/** A request that went both ways. */
interface Pair {
  /** The reply of the rest of the chain is there. */
  isAnswered: boolean
  /** The reply of the chain within; undefined while it is awaited, null where there is none. */
  other: Frame | null | undefined
  /** Puts that reply together where it comes in parts. */
  assembler: Assembler | null
}

/** Sends all requests of a session down a chain within too, waits for both replies, and compares them. */
export class ComparingTee implements Transform {
  readonly holds = true
  readonly #settings: ComparingSettings
  readonly #session: SessionInfo
  readonly #chain: SubChain
  readonly #mismatch: SubChain | null
  readonly #pairs = new Map<Exchange, Pair>()
  #link: Link | null = null

  constructor(factory: ChainFactory, session: SessionInfo, settings: ComparingSettings) {
    this.#settings = settings
    this.#session = session
    this.#chain = factory.open(session, this.#user(true))
    try {
      this.#mismatch = settings.mismatch?.open(session, this.#user(false)) ?? null
    } catch (error) {
      this.#chain.close()
      throw error
    }
  }

  /** Whoever waits for the reply to what a stage of the chain keeps waits for that stage. */
  get held(): number {
    return this.#chain.chain.held + (this.#mismatch?.chain.held ?? 0)
  }

  /** Only whole messages can be compared. */
  wants(): 'whole' {
    return 'whole'
  }

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    const copies: Batch = []
    for (const outer of batch) {
      if (!this.#chain.isOpen) break
      this.#pairs.set(outer, { isAnswered: false, other: undefined, assembler: null })
      copies.push(this.#chain.copyOf(outer))
    }
    link.forward(batch)
    if (copies.length !== 0 && this.#chain.isOpen) this.#chain.send(copies)
  }

  onResponses(batch: Batch, link: Link): void {
    const ready: Batch = []
    for (const outer of batch) {
      const pair = this.#pairs.get(outer)
      if (pair !== undefined) pair.isAnswered = true
      if (pair === undefined || this.#settle(outer, pair)) ready.push(outer)
    }
    if (ready.length !== 0) link.reply(ready)
  }

  onPush(push: Frame, link: Link): void {
    if (!this.#settings.source.isTee) link.push(push)
  }

  onSilent(outer: Exchange): void {
    this.#pairs.delete(outer)
  }

  onCancel(outer: Exchange): void {
    this.#pairs.delete(outer)
  }

  onFlush(): void {
    this.#chain.flush()
    this.#mismatch?.flush()
  }

  close(): void {
    this.#pairs.clear()
    for (const chain of [this.#chain, this.#mismatch]) {
      if (chain === null) continue
      chain.drain()
      this.#settings.log.info(`Buffered chain ${chain.info.chain} was shutdown`)
    }
  }

  /** What comes out of a chain within; `isTee`: the one whose replies are compared. */
  #user(isTee: boolean): SubChainUser {
    const answer = (copy: Exchange, reply: Frame | null) => {
      if (isTee) this.#answered(copy.outer!, reply)
      else this.#release(copy.outer!)
    }
    return {
      onReplies: (batch) => {
        for (const copy of batch) {
          if (copy.response!.flags & FRAME_LAST) answer(copy, copy.response!.own())
          else if (isTee) this.#begun(copy)
          else if (copy.state === DONE) answer(copy, null)
        }
      },
      onReplyPart: (copy, part) => {
        if (isTee) this.#continued(copy, part)
        else if (part.flags & FRAME_LAST) answer(copy, null)
        return PART_TAKEN
      },
      onSilent: (copy) => answer(copy, null),
      onPush: (push) => {
        if (isTee && this.#settings.source.isTee) this.#link!.push(push)
      },
      onStop: () => this.#link!.stop(),
      onGo: () => this.#link!.go(),
      onFail: (error) => this.#link!.fail(error),
      // Both ways see the client quit.
      onEnd: (reason) => {
        if (reason !== 'quit') this.#link!.end(reason)
      },
      onClose: (reason) => this.#link!.close(reason),
    }
  }

  /** The head of a large reply of the chain within. */
  #begun(copy: Exchange): void {
    const pair = this.#pairs.get(copy.outer!)
    if (pair !== undefined) pair.assembler = new Assembler(copy.response!, this.#settings.limits.frameBytesMax)
  }

  #continued(copy: Exchange, part: Frame): void {
    const pair = this.#pairs.get(copy.outer!)
    if (pair === undefined || pair.assembler === null || part.flags & FRAME_INTERIM) return
    const whole = pair.assembler.add(part)
    if (whole !== null) this.#answered(copy.outer!, whole)
  }

  /** The chain within has replied to the copy of `outer`, or gives no reply to it. */
  #answered(outer: Exchange, reply: Frame | null): void {
    const pair = this.#pairs.get(outer)
    if (pair === undefined) return
    pair.other = reply
    if (pair.isAnswered && this.#settle(outer, pair)) this.#link!.reply([outer])
  }

  /** True: the exchange has the response that the client gets, and may go on. */
  #settle(outer: Exchange, pair: Pair): boolean {
    if (pair.other === undefined) return false
    this.#pairs.delete(outer)
    const isTee = this.#settings.source.isTee
    const regular = outer.response!
    const kept = isTee ? pair.other : regular
    const other = isTee ? regular : pair.other
    const differ = kept === null || other === null || !kept.toBuffer().equals(other.toBuffer())
    if (kept !== null) outer.response = kept
    return !differ || this.#differ(outer, kept, other)
  }

  #differ(outer: Exchange, kept: Frame | null, other: Frame | null): boolean {
    const { log, onMismatch } = this.#settings
    const { protocol } = this.#session
    if (onMismatch === 'send') return this.#send(outer)
    const text = (reply: Frame | null) => (reply === null ? 'none' : protocol.describe(reply))
    const message = `Tee mismatch:\nresult-source response: ${text(kept)}\nother response: ${text(other)}`
    if (onMismatch === 'log') {
      log.warn(message)
      return true
    }
    log.debug(message)
    outer.response = protocol.failure(outer.request, 'internal', FAILED)
    if (outer.response !== null) return true
    this.#link!.fail(new Error(FAILED))
    return false
  }

  /** The client waits until the chain for such requests has seen this one. */
  #send(outer: Exchange): boolean {
    const chain = this.#mismatch!
    if (!chain.isOpen) return true
    this.#pairs.set(outer, { isAnswered: true, other: null, assembler: null })
    chain.send([chain.copyOf(outer)])
    return false
  }

  #release(outer: Exchange): void {
    if (this.#pairs.delete(outer)) this.#link!.reply([outer])
  }
}
