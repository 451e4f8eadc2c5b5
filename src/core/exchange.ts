import type { Frame } from './frame.ts'
import type { Parts } from './parts.ts'
import type { Upstream } from './upstream.ts'

/** In the chain: a stage has it. */
export const HELD = 0
/** An upstream has it; not one byte of it was handed to the kernel. */
export const QUEUED = 1
/** Handed to the kernel: the server may have executed it. */
export const WRITTEN = 2
/** The first frame of its reply came. */
export const ANSWERING = 3
/** It has its whole reply, or will never have one. */
export const DONE = 4

/** `Exchange.at` of one that its owner has: before it goes down, and once its reply has come up. */
export const AT_OWNER = -1

/** Added to `Exchange.at` on the way up: a stage may hold one in either lane, and each lane answers for its own. */
export const UPWARDS = 0x1000

/** What an owner says of a part of a reply: it went on its way. */
export const PART_TAKEN = 0
/** It was taken, but the client is slow: nobody should wait behind this reply. */
export const PART_SLOW = 1
/** It was taken, but no more may come until `exchange.onReplyDrain` is called. */
export const PART_FULL = 2

/** Whom replies go to: the session, a `link.call`, a splitter, a sub-chain's caller. */
export interface Owner {
  /** The stage above which the owner stands; replies climb the stages below it and then end here. -1: above all of them. */
  readonly level: number
  /** Replies, whole or their heads, in the order in which they came. */
  onReplies(batch: Batch): void
  /**
   * A further frame of a reply whose head was handed up before. It may still be on its way: then the owner lets the part wait.
   * PART_TAKEN, PART_SLOW or PART_FULL.
   */
  onReplyPart(exchange: Exchange, part: Frame): number
  /** The exchange has no reply: the protocol gives none, or it was cancelled. */
  onSilent(exchange: Exchange): void
}

/** What sends through an upstream and gets what the upstream has for it. */
export interface Carrier {
  /** Replies that came in the current read, gathered by the upstream. */
  arrived: Batch
  /** Somebody above may look at requests after they were sent. */
  readonly keepsRequests: boolean
  /** Takes `arrived`. Their bytes are lent until this returns. */
  onArrived(): void
  onReplyPart(upstream: Upstream, exchange: Exchange, part: Frame): void
  onSilent(exchange: Exchange): void
  onPush(push: Frame): void
  /**
   * The upstream died, or was taken from its sharers: these exchanges, in the order in which they were sent, get nothing from it
   * any more. `error` is null when they may simply be sent elsewhere; `dirty`: the upstream held state of the session.
   */
  onLost(upstream: Upstream, exchanges: Batch, error: Error | null, dirty: boolean): void
}

/** A request and its reply, full duplex. Goes down the chain once, comes up at least once. */
export class Exchange {
  request: Frame
  requestParts: Parts | null
  response: Frame | null
  /** Further frames of the reply that its owner could not take yet. */
  responseParts: Parts | null
  state: number
  owner: Owner
  /** Index of the stage that holds it, plus UPWARDS once its reply is there. A hand-over by anyone else is swallowed and counted. */
  at: number
  carrier: Carrier | null
  upstream: Upstream | null
  /** Of the chain around, where this one was made in its place for a chain within. */
  outer: Exchange | null
  /** The sink's own: what is to be done when the reply comes; 0: nothing. */
  note: number
  /** Where its first byte stands in what was ever appended to its upstream: handed to the kernel or not? */
  offset: number
  /** Place in its session's list of what is in flight, where replies may come in any order. */
  slot: number
  /** Times it was sent again. */
  retries: number
  /** Clock milliseconds at which the request was read; Infinity: nobody measures. */
  since: number
  /** Clock milliseconds at which its reply went up first, on the one that stands for its batch; else null. */
  answeredAt: number | null
  cancelled: boolean
  /** Set by the sink: its owner takes parts of the reply again. */
  onReplyDrain: (() => void) | null

  constructor(request: Frame, owner: Owner, at: number, since: number) {
    this.request = request
    this.requestParts = null
    this.response = null
    this.responseParts = null
    this.state = HELD
    this.owner = owner
    this.at = at
    this.carrier = null
    this.upstream = null
    this.outer = null
    this.note = 0
    this.offset = 0
    this.slot = 0
    this.retries = 0
    this.since = since
    this.answeredAt = null
    this.cancelled = false
    this.onReplyDrain = null
  }
}

/** Exchanges handed on together, in the order in which their requests came. */
export type Batch = Exchange[]
