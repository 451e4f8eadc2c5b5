import type { Socket } from 'node:net'
import type { CheckedTopology } from '../config/checked.ts'
import type { Directive } from '../config/log-directives.ts'
import type { ObserveSettings } from '../observability/observe.ts'
import type { LogFormat } from '../observability/log-format.ts'
import type { Snapshot } from '../observability/snapshot.ts'
import type { Trace } from '../observability/trace.ts'
import type { TlsMaterial } from '../world/tls-files.ts'
import type { TlsStart } from '../world/tls.ts'

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly topology: CheckedTopology
  readonly thread: string
  /** Threads that serve clients, this one included. */
  readonly threads: number
  readonly observe: ObserveSettings
  readonly tls: TlsStart | null
  readonly log: { readonly format: LogFormat; readonly colours: boolean; readonly directives: readonly Directive[] }
}

/** From the main thread to a worker. */
export type Order =
  | { readonly kind: 'accept'; readonly source: number; readonly id: number; readonly socket: Socket }
  | { readonly kind: 'snapshot'; readonly request: number }
  | { readonly kind: 'directives'; readonly directives: readonly Directive[] }
  /** What the worker asked for by 'share'. */
  | { readonly kind: 'shared'; readonly request: number; readonly memory: SharedArrayBuffer }
  /** Is it alive? */
  | { readonly kind: 'ping' }
  /** Other stages are to be made; then come 'commit' or 'abandon'. */
  | { readonly kind: 'prepare'; readonly request: number; readonly topology: CheckedTopology; readonly swap: number }
  | { readonly kind: 'commit' }
  | { readonly kind: 'abandon' }
  | { readonly kind: 'revert'; readonly topology: CheckedTopology }
  | { readonly kind: 'tls'; readonly key: string; readonly material: TlsMaterial }
  | { readonly kind: 'drain' }

/** From a worker to the main thread. */
export type Report =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: Error }
  /** It needs memory that all threads share. */
  | { readonly kind: 'share'; readonly request: number; readonly key: string; readonly bytes: number }
  | { readonly kind: 'closed'; readonly source: number }
  | { readonly kind: 'snapshot'; readonly request: number; readonly snapshot: Snapshot }
  | { readonly kind: 'alive' }
  /** Lines of the access log. */
  | { readonly kind: 'access'; readonly lines: string }
  | { readonly kind: 'trace'; readonly trace: Trace }
  /** `error` null: what was to be prepared is. */
  | { readonly kind: 'prepared'; readonly request: number; readonly error: string | null }
  /** What was committed throws too often. */
  | { readonly kind: 'given-up'; readonly swap: number; readonly error: string }
  | { readonly kind: 'line'; readonly line: string }
  | { readonly kind: 'drained' }
