import type { Exchange } from './exchange.ts'
import type { Frame } from './frame.ts'
import type { Upstream } from './upstream.ts'

/** It goes on the shared upstream of the session's attributes. */
export const PLAN_SHARE = 0
/** It leaves state of the session on its connection: the session gets one of its own. */
export const PLAN_PIN = 1
/** As PLAN_PIN, and its reply may take for ever: a session that ends does not wait for it. */
export const PLAN_BLOCK = 2
/** It changes the session's attributes if it succeeds: it runs alone, see `Sharing.target`. */
export const PLAN_ATTRIBUTE = 3
/** It asks about what its connection did before: the session keeps the one that carried it, alone. */
export const PLAN_KEEP = 4
/** The sink answers: `response` is set. */
export const PLAN_ANSWER = 5
/** As PLAN_ANSWER, and the session ends. */
export const PLAN_END = 6
/**
 * No other session's requests go on its connection while it is in flight, and it leaves nothing there. Also what has no reply, where
 * the protocol promises order: the wire then says WIRE_DIRTY until a reply to something later came, since nothing else tells
 * that the server has taken it.
 */
export const PLAN_ALONE = 7

/**
 * The talk that brings a fresh connection to its attributes, where what is sent next depends on what was answered: yields requests,
 * is given their replies (whole ones, or the heads of larger ones), ends when the connection is ready, throws where the server
 * refuses. It runs later than it is made: what it needs of the session must be taken when it is made.
 */
export type Greeting = Iterator<readonly Frame[], void, readonly Frame[]>

/** What a protocol's sink tells the core of how its connections may be shared. One instance per session. */
export interface Sharing {
  /** Key of the session's present attributes: sessions with equal keys share upstreams. */
  readonly key: string
  /** Requests that bring a fresh connection to the present attributes, none of whose replies may be an error; or a talk. */
  handshake(): readonly Frame[] | Greeting
  /** The session got an upstream of its own: gives it what is the session's and no attribute, such as a name (`Upstream.tell`). */
  dress(upstream: Upstream): void
  /** It gives the upstream back: takes that away again. */
  undress(upstream: Upstream): void
  /** The session is over. */
  close?(): void
  /**
   * PLAN_SHARE ... PLAN_ALONE. May be asked more than once for an exchange; sets `exchange.note` when its reply matters. With
   * PLAN_ANSWER it may change the attributes itself, while nothing pins the session.
   */
  plan(exchange: Exchange, pinned: boolean): number
  /** Will the server answer it, as far as the request itself tells? */
  hasReply(exchange: Exchange): boolean
  /** Why the exchange pins: a label of a metric. */
  reason(exchange: Exchange): string
  /** PLAN_ATTRIBUTE: the key that the session has if it succeeds. */
  target(exchange: Exchange): string
  /** The reply of an exchange with a note is there. True: the attributes changed. */
  replied(exchange: Exchange): boolean
}
