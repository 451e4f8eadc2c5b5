import type { Timer } from '../world/world.ts'
import type { Batch, Exchange } from './exchange.ts'
import type { Frame } from './frame.ts'
import type { Log } from './kind.ts'
import type { Protocol } from './protocol.ts'

/** What a stage sees of its neighbours. */
export interface Link {
  /** Some stage of the chain takes replies: requests must stay readable until they are answered. */
  readonly keepsRequests: boolean
  /**
   * Hands exchanges on, towards the server. Only what the stage holds counts, and an exchange goes down once; anything else is
   * swallowed and counted.
   */
  forward(batch: Batch): void
  /** Hands exchanges back, towards the client; each has its `response` set. */
  reply(batch: Batch): void
  /** Answers what the stage holds of `batch` with a failure, as when a hook throws: for what goes wrong outside a hook. */
  replyFailure(batch: Batch, error: Error): void
  /** Asks the rest of the chain something of the stage's own. The reply, a whole frame, ends here. Rejects when it can't be had. */
  call(request: Frame): Promise<Frame>
  /** Hands on a push, towards the client. */
  push(push: Frame): void
  /** Hands on a further part of a request, towards the server. */
  forwardPart(exchange: Exchange, part: Frame): void
  /** Hands on a further part of a reply, towards the client. PART_TAKEN, PART_SLOW or PART_FULL, see core/exchange.ts. */
  replyPart(exchange: Exchange, part: Frame): number
  /** The exchange has no reply. */
  silent(exchange: Exchange): void
  /**
   * Calls `fire` once, after `ms` milliseconds; without `ms`, after the time that an asynchronous hook may take. Never once the
   * session has ended. What `fire` throws is counted and logged.
   */
  after(fire: () => void, ms?: number): Timer
  /** Stops taking requests of this session for `ms` milliseconds. */
  pause(ms: number): void
  /** Stops taking requests of this session until `go` was called as often. */
  stop(): void
  go(): void
  /** Closes the session because of an error of the chain: what is in flight gets an error reply, where the protocol has one. */
  fail(error: Error): void
  /** Ends the session once everything in flight was answered. `reason` is counted. */
  end(reason: string): void
  /** Closes the session at once. `reason` is counted. */
  close(reason: string): void
}

/** One instance per session. A hook is synchronous unless it returns a promise; an absent hook costs nothing. */
export interface Transform {
  onRequests?(batch: Batch, link: Link): void | Promise<void>
  onResponses?(batch: Batch, link: Link): void | Promise<void>
  /** 'whole': messages of this kind come assembled, up to the frame bound. Default 'head': the parts pass by. */
  wants?(kind: number): 'head' | 'whole'
  onPart?(exchange: Exchange, part: Frame, link: Link): void
  onPush?(push: Frame, link: Link): void
  /** The exchange, which was forwarded, has no reply and never will have one: CLIENT REPLY OFF, acks=0. Its owner is told next. */
  onSilent?(exchange: Exchange): void
  /** The client is gone, or a deadline passed: nobody waits for this exchange any more. */
  onCancel?(exchange: Exchange): void
  /**
   * Something further down ends the session; `error` is null where it just ends. True: it shall not, and what was handed on there may
   * never be answered.
   */
  onEnding?(reason: string, error: Error | null): boolean
  /** The session is about to end: hand on whatever is held. */
  onFlush?(link: Link): void
  /** It may keep exchanges past the hook. Those of others are answered with a failure when the hook returns. */
  readonly holds?: boolean
  /** How many exchanges it keeps for later of its own accord: they count towards no bound on what may be in flight. */
  readonly held?: number
  close?(): void
}

/** What a stage knows of the session that it serves. */
export interface SessionInfo {
  readonly id: number
  readonly protocol: Protocol
  readonly source: string
  readonly chain: string
  readonly clientAddress: string
  readonly clientPort: number
  readonly localAddress: string
  readonly localPort: number
  /** Its lines name the connection, where the filter of the log wants that. */
  readonly log: Log
}
