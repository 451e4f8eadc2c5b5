import type { Exchange } from './exchange.ts'
import {
  PLAN_ALONE,
  PLAN_ANSWER,
  PLAN_ATTRIBUTE,
  PLAN_BLOCK,
  PLAN_END,
  PLAN_KEEP,
  PLAN_PIN,
  PLAN_SHARE,
  type Sharing,
} from './sharing.ts'

/**
 * On which of a sink's connections a request goes. shared: one that sessions with equal attributes share. alone: one that nobody else uses
 * meanwhile. pinned: one that is the session's own from there on. kept: the shared one that it used last, which becomes its own. attributes:
 * one on which it runs alone, since its success changes the session's attributes. answered: none, the sink answers; ended: and the
 * session ends.
 */
export type Way = 'shared' | 'alone' | 'pinned' | 'kept' | 'attributes' | 'answered' | 'ended'

/** Where a sink would send a request. */
export interface Route {
  readonly way: Way
  /** `host:port` of the server, or what is known of which it will be. */
  readonly server: string
  /** Why it is pinned: the label of the metric; null where it is not. */
  readonly reason: string | null
}

const WAYS: Readonly<Record<number, Way>> = {
  [PLAN_SHARE]: 'shared',
  [PLAN_PIN]: 'pinned',
  [PLAN_BLOCK]: 'pinned',
  [PLAN_ATTRIBUTE]: 'attributes',
  [PLAN_KEEP]: 'kept',
  [PLAN_ANSWER]: 'answered',
  [PLAN_END]: 'ended',
  [PLAN_ALONE]: 'alone',
}

/** Where `sharing`'s session would send its first request to `server`. */
export function routeBy(sharing: Sharing, server: string, exchange: Exchange): Route {
  const way = WAYS[sharing.plan(exchange, false)]!
  // The rest of a large request is still to come: nobody else can be made to wait for it.
  if (way === 'shared' && exchange.requestParts !== null) return { way: 'pinned', server, reason: 'large-request' }
  return { way, server, reason: way === 'pinned' || way === 'kept' ? sharing.reason(exchange) : null }
}
