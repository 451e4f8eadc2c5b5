/** Plain numbers that the data path counts in; metrics read them when they are scraped. */
export interface ChainStats {
  batches: number
  failures: number
  /** Hand-overs of exchanges that the stage did not hold. */
  swallowed: number
}

export function noStats(): ChainStats {
  return { batches: 0, failures: 0, swallowed: 0 }
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
}

export function noSourceStats(): SourceStats {
  return { requests: 0, inFlight: 0, bytesRead: 0, bytesWritten: 0, cutThroughs: 0, pauses: 0, closed: new Map() }
}

export interface PoolStats {
  sharedOpen: number
  pinnedOpen: number
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
  /** Pins ever made, by reason. */
  readonly pins: Map<string, number>
}

export function noPoolStats(): PoolStats {
  return {
    sharedOpen: 0,
    pinnedOpen: 0,
    bytesRead: 0,
    bytesWritten: 0,
    connectFailures: 0,
    deaths: 0,
    isolations: 0,
    lateReplies: 0,
    retries: 0,
    failedRequests: 0,
    pins: new Map(),
  }
}

export function countIn(map: Map<string, number>, key: string): void {
  map.set(key, (map.get(key) ?? 0) + 1)
}
