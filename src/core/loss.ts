import { causesOf, withCauses } from '../base/errors.ts'
import { ANSWERING, HELD, WRITTEN, type Batch, type Carrier, type Exchange } from './exchange.ts'
import type { Log } from './kind.ts'
import type { Pool } from './pool.ts'
import type { Protocol } from './protocol.ts'
import { PLAN_BLOCK, PLAN_KEEP, type Sharing } from './sharing.ts'
import type { Upstream } from './upstream.ts'

/** No connection could be had: nothing was sent. */
export class ConnectError extends Error {}
/** One stood, and the server refused what it was to begin with. */
export class GreetingError extends ConnectError {}
/** It could not be had for this session, whose identity the server takes no more: the client does better on a new one. */
export class RefusedError extends GreetingError {}
/** A connection was lost: what was sent may have been executed. */
export class LostError extends Error {}

/** The end of a connection that was not ready yet, whatever brought it: it could not be had. */
export function beforeReady(error: Error, destination: string): ConnectError {
  if (error instanceof ConnectError) return error
  return new ConnectError(`Failed to connect to destination ${destination}`, { cause: error })
}

/** The exchanges of each carrier, in their order. */
export function byCarrier(exchanges: Batch): Map<Carrier, Batch> {
  const groups = new Map<Carrier, Batch>()
  for (const exchange of exchanges) {
    const group = groups.get(exchange.carrier!)
    if (group === undefined) groups.set(exchange.carrier!, [exchange])
    else group.push(exchange)
  }
  return groups
}

/** May it go to the server once more, though the server may have executed it? Only what changes nothing there. */
export function repeatable(exchange: Exchange, protocol: Protocol): boolean {
  if (exchange.state >= ANSWERING || exchange.requestParts !== null) return false
  return protocol.queries?.idempotent(exchange.request) === true
}

/** What a lost upstream leaves of one session: what must be answered with an error, and what may go again. */
export interface Triage {
  readonly failed: Batch
  readonly again: Batch
}

/**
 * What of them may go again. Where replies come in the order of requests, so do the requests: then only what stands behind the last one
 * that can't be repeated does, else the server would see them in another order.
 */
export function triage(upstream: Upstream, exchanges: Batch, error: Error, protocol: Protocol): Triage {
  if (error instanceof ConnectError) return { failed: exchanges, again: [] }
  const mayGo = (exchange: Exchange) =>
    upstream.sender.unsent(exchange) || (exchange.retries === 0 && repeatable(exchange, protocol))
  if (protocol.orderToClient === 'any')
    return { failed: exchanges.filter((exchange) => !mayGo(exchange)), again: exchanges.filter(mayGo) }
  const last = exchanges.findLastIndex((exchange) => !mayGo(exchange))
  return { failed: exchanges.slice(0, last + 1), again: exchanges.slice(last + 1) }
}

/** A session loses its upstream, and with it its connection to the client. */
export function reportLoss(error: Error, log: Log, { stats, destination }: Pool): void {
  stats.losses++
  log.error(withCauses('connection was unexpectedly terminated', causesOf(error)), { destination })
}

/** May what a session's own upstream owes next never come? Where replies come in any order: may nothing of it? */
export function waitsInVain(upstream: Upstream, sharing: Sharing, protocol: Protocol): boolean {
  const owed = upstream.owed()
  const next = protocol.orderToClient === 'any' ? owed : owed.slice(0, 1)
  const mayBlock = (exchange: Exchange) => {
    // What gives the upstream its attributes is no request of the session's, which a plan would change.
    if (exchange.carrier !== upstream.pinnedTo) return false
    const plan = sharing.plan(exchange, true)
    return plan === PLAN_BLOCK || plan === PLAN_KEEP
  }
  return next.length !== 0 && next.every(mayBlock)
}

/** Did its client leave in the middle of it? The upstream was closed for that alone. */
export function brokenOff(exchange: Exchange): boolean {
  return exchange.requestParts !== null && exchange.requestParts.error !== null
}

/** They are to be sent once more, elsewhere. */
export function rewind(exchanges: Batch): void {
  for (const exchange of exchanges) {
    if (exchange.state !== HELD) exchange.retries++
    exchange.state = HELD
    exchange.carrier = null
  }
}

/** Which of them get an error when the session ends with its upstream. */
export function owedErrors(exchanges: Batch, sharing: Sharing): Batch {
  // Whether there is a reply to what the server never saw depends on what stands before it: only of the first it is known.
  return exchanges.filter(
    (exchange, index) => exchange.state === WRITTEN || (index === 0 && sharing.hasReply(exchange)),
  )
}
