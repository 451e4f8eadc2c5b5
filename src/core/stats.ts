// Hot path
import type { Exchange } from './exchange.ts'
import { HookTimes } from './hook-times.ts'
import type { Summary } from './kind.ts'

// Plain numbers that the data path counts in, and distributions that it gives values to; metrics read them when they are scraped.

/** Takes values and forgets them. */
export const UNOBSERVED: Summary = { observe() {} }

/** Distributions of what goes through a chain. */
export interface ChainSummaries {
  /** Requests a batch. */
  readonly requests: Summary
  /** Replies a batch. */
  readonly responses: Summary
  /** Seconds from a batch going down to its replies coming up, for the client with this address. Asked once a session. */
  latency(clientAddress: string): Summary
}

export interface ChainStats extends ChainSummaries {
  batches: number
  failures: number
  /** Hand-overs of exchanges that the stage did not hold. */
  swallowed: number
}

const unobserved: ChainSummaries = { requests: UNOBSERVED, responses: UNOBSERVED, latency: () => UNOBSERVED }

export function noStats({ requests, responses, latency }: ChainSummaries = unobserved): ChainStats {
  return { batches: 0, failures: 0, swallowed: 0, requests, responses, latency }
}

/** What the stages at one place of a chain count, for all sessions together. */
export class StageStats {
  /** Batches that a hook was given. */
  batches = 0
  /** Errors of hooks, and sessions that the transform ended with one. */
  failures = 0
  readonly times = new HookTimes()
  readonly #latency: Summary
  /** Clock milliseconds at which exchanges came here that something further up had kept for a while. */
  #kept: WeakMap<Exchange, number> | null = null

  /** `latency`: seconds from a batch entering the transform to its replies leaving it. */
  constructor(latency: Summary = UNOBSERVED) {
    this.#latency = latency
  }

  /** A batch goes down into the transform. */
  entered(batch: readonly Exchange[], now: number): void {
    this.batches++
    if (batch[0]!.since !== now) this.#enteredLate(batch, now)
  }

  // Cold: a stage further up is asynchronous, or holds
  #enteredLate(batch: readonly Exchange[], now: number): void {
    const kept = (this.#kept ??= new WeakMap())
    for (let i = 0; i < batch.length; i++) kept.set(batch[i]!, now)
  }

  /** Replies went up past the transform; the first one stands for them. */
  left(batch: readonly Exchange[], now: number): void {
    const first = batch[0]!
    const since = this.#kept === null ? first.since : (this.#kept.get(first) ?? first.since)
    this.#latency.observe((now - since) / 1000)
  }
}

export interface SourceStats {
  requests: number
  /** Exchanges taken and not answered whole, of all sessions of a thread. */
  inFlight: number
  bytesRead: number
  bytesWritten: number
  /** Requests and replies that flowed through in parts. */
  cutThroughs: number
  /** Times that reading from a client stopped. */
  pauses: number
  /** Ended sessions by reason. */
  readonly closed: Map<string, number>
  /** Ended sessions by the version of the protocol that their clients had begun with. */
  readonly versions: Map<string, number>
  /** Seconds from a reply being there to its being written. */
  readonly latency: Summary
}

export function noSourceStats(latency: Summary = UNOBSERVED): SourceStats {
  return {
    requests: 0,
    inFlight: 0,
    bytesRead: 0,
    bytesWritten: 0,
    cutThroughs: 0,
    pauses: 0,
    closed: new Map(),
    versions: new Map(),
    latency,
  }
}

/** Connections that stand or are being opened, by what they are for. */
export interface ConnectionCount {
  shared: number
  pinned: number
  spare: number
  retired: number
}

/** The connections of a sink, as metrics see them. */
export interface Connections {
  readonly stats: PoolStats
  /** Requests in flight on all of them. */
  readonly inFlight: number
  count(): ConnectionCount
}

export interface PoolStats {
  bytesRead: number
  bytesWritten: number
  connectFailures: number
  deaths: number
  /** Times an upstream was taken from its sharers because of one slow reader or one large reply. */
  isolations: number
  /** Replies that came when nobody waited for them any more. */
  lateReplies: number
  /** Requests that were sent again on another upstream. */
  retries: number
  /** Error replies of the server and our own. */
  failedRequests: number
  /** Times that requests of one session failed because their upstream was lost. */
  losses: number
  /** Pins ever made, by reason. */
  readonly pins: Map<string, number>
  /** Seconds from a request being read to its being written to the server. Set when the sink was made. */
  latency: Summary
}

export function noPoolStats(): PoolStats {
  return {
    bytesRead: 0,
    bytesWritten: 0,
    connectFailures: 0,
    deaths: 0,
    isolations: 0,
    lateReplies: 0,
    retries: 0,
    failedRequests: 0,
    losses: 0,
    pins: new Map(),
    latency: UNOBSERVED,
  }
}

export function countIn(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}

/** Names of the metrics that every sink with a pool has. */
export const POOL_METRICS: readonly string[] = [
  'shotover_source_to_sink_latency_seconds',
  'shotover_failed_requests_count',
  'shotover_upstreams',
  'shotover_in_flight',
  'shotover_upstream_read_bytes',
  'shotover_upstream_written_bytes',
  'shotover_upstream_connect_failures_count',
  'shotover_upstream_deaths_count',
  'shotover_pins_count',
  'shotover_isolations_count',
  'shotover_late_replies_count',
  'shotover_retries_count',
]
