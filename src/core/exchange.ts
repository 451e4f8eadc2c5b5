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

/** Whom replies go to: the session, a `link.call`, a splitter, a sub-chain's caller. */
export interface Owner {
  /** The stage above which the owner stands; replies climb the stages below it and then end here. -1: above all of them. */
  readonly level: number
  /** Replies, whole or their heads, in the order in which they came. */
  onReplies(batch: Batch): void
  /** A further frame of a reply whose head came through `onReplies`. */
  onReplyPart(exchange: Exchange, part: Frame): void
  /** The exchange has no reply: the protocol gives none, or it was cancelled. */
  onSilent(exchange: Exchange): void
}

/** Receives what an upstream has for the one that sent through it. */
export interface Carrier {
  /** Replies that came in the current read, gathered by the upstream. */
  arrived: Batch
  onArrived(): void
  onReplyPart(exchange: Exchange, part: Frame): void
  onSilent(exchange: Exchange): void
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
  /** Index of the stage that holds it. A hand-over by anyone else is swallowed and counted. */
  at: number
  carrier: Carrier | null
  upstream: Upstream | null
  /** Times it was handed to the kernel. */
  attempts: number
  /** Clock milliseconds at which the request was read. */
  since: number
  cancelled: boolean

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
    this.attempts = 0
    this.since = since
    this.cancelled = false
  }
}

/** Exchanges handed on together, in the order in which their requests came. */
export type Batch = Exchange[]
