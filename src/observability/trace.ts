/** One request's way through the chain and those within it, after its end. Plain data: threads send it to each other. Milliseconds since 1970. */
export interface Trace {
  readonly source: string
  readonly chain: string
  readonly protocol: string
  readonly connection: number
  readonly clientAddress: string
  readonly clientPort: number
  /** Name of the query; empty where the protocol does not tell. */
  readonly query: string
  readonly outcome: TraceOutcome
  readonly startMs: number
  readonly endMs: number
  /** The stages that it came to, in that order. */
  readonly stages: readonly TraceStage[]
}

export type TraceOutcome = 'answered' | 'error' | 'no-reply' | 'given-up'

export interface TraceStage {
  readonly type: string
  readonly name: string
  /** Name of the chain that it stands in. */
  readonly chain: string
  /** Index of the stage that it stands within, among those of the trace: the one before it in its chain, or the one whose chain it is; -1: none. */
  readonly within: number
  /** Where the sink sends it, as the topology says; null: no sink, or it has no address. */
  readonly upstream: string | null
  readonly isSink: boolean
  readonly startMs: number
  /** When its reply had left the stage. */
  readonly endMs: number
}
