import type { z } from 'zod'
import type { World } from '../world/world.ts'
import type { Exchange } from './exchange.ts'
import type { Protocol } from './protocol.ts'
import type { Route } from './route.ts'
import type { Connections } from './stats.ts'
import type { SubChain, SubChainUser } from './sub-chain.ts'
import type { SessionInfo, Transform } from './transform.ts'

/** A number that only grows. */
export interface Counter {
  add(count: number): void
}
export interface Gauge {
  set(value: number): void
  add(delta: number): void
}
/** Distribution of seconds, or of sizes. */
export interface Summary {
  observe(value: number): void
}

/** Where metrics are made, once, when a topology is built. Labels of a family are fixed when it is made. */
export interface Metrics {
  counter(name: string, labels: Record<string, string>): Counter
  gauge(name: string, labels: Record<string, string>): Gauge
  summary(name: string, labels: Record<string, string>): Summary
}

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** A chain within a transform (Tee, ParallelMap), built once per topology. */
export interface ChainFactory {
  readonly name: string
  /** Opens it for a session; `user` gets what comes out. Throws where a stage can't make an instance. */
  open(session: SessionInfo, user: SubChainUser): SubChain
  /** The same built once more: it shares nothing with this one, connections to servers included. */
  again(): ChainFactory
}

/** What a kind is given when a topology is built. */
export interface Env {
  readonly world: World
  readonly metrics: Metrics
  readonly log: Log
  readonly limits: Limits
  /** Name of the transform in its topology. */
  readonly name: string
  readonly chain: string
  /** Sub-chains by their place in the options, built and checked. */
  readonly chains: Record<string, ChainFactory[]>
  /** Memory that the threads of the process share for this transform: `sharedBytes` of its kind, zeros at first. */
  readonly shared: SharedArrayBuffer
  /** Where sinks enter what holds their connections, for metrics. */
  readonly pools: Connections[]
  /** Called when the topology ends. */
  onClose(close: () => void): void
}

/** Bounds; docs/configuration.md lists them with their defaults. */
export interface Limits {
  readonly cutThroughBytes: number
  readonly frameBytesMax: number
  readonly quantumFrames: number
  readonly sessionInFlightMax: number
  readonly sessionBytesMax: number
  readonly sessionUnsentBytes: number
  readonly stallMs: number
  readonly processBytesMax: number
  readonly callTimeoutMs: number
  readonly tlsHandshakeTimeoutMs: number
  readonly hookBlockMs: number
  readonly hookWaitMs: number
}

export const LIMITS: Limits = {
  cutThroughBytes: 64 * 1024,
  frameBytesMax: 64 * 1024 * 1024,
  quantumFrames: 256,
  sessionInFlightMax: 256,
  sessionBytesMax: 64 * 1024 * 1024,
  sessionUnsentBytes: 1024 * 1024,
  stallMs: 1000,
  processBytesMax: 1024 * 1024 * 1024,
  callTimeoutMs: 30_000,
  tlsHandshakeTimeoutMs: 10_000,
  hookBlockMs: 50,
  hookWaitMs: 1000,
}

/** Makes the instance of one session; `previous` is what served the session before a reload. */
export type SessionFactory = (session: SessionInfo, previous: Transform | null) => Transform

/** A chain within the options of a transform. */
export interface SubChainPlace {
  /** Where it stands: keys joined by dots, `behavior.SubchainOnMismatch.chain`. Its key in `Env.chains`. */
  readonly place: string
  /** Names of the chains that are made of it: ParallelMap makes several. */
  readonly names: readonly string[]
  /** Name of the source kind whose protocol it speaks; absent: that of the chain around it. */
  readonly protocol?: string
  /** Nobody waits for its replies: what it has in flight, or keeps, holds up no client. */
  readonly isDetached?: boolean
}

/** What operators may ask of a transform, and tell it, over HTTP on a port of its own at 127.0.0.1. One for all threads. */
export interface Control {
  readonly port: number
  /** What texts call it. */
  readonly listener: string
  answer(method: string, path: string, body: string, log: Log): { readonly status: number; readonly body: string }
}

/** What schemas are made with: `z` of zod. */
export type Zod = typeof z

/**
 * The schema of a kind's options, or what makes it of zod's `z`. Only the thread that reads a topology calls that, so that threads
 * which serve clients need no zod, nor memory for it.
 */
export type OptionsSchema<Options> = z.ZodType<Options> | ((z: Zod) => z.ZodType<Options>)

/** A registered type of transform or sink. Registered once per process, created once per topology, opened once per session. */
export interface TransformKind<Options = unknown> {
  readonly type: string
  readonly doc: string
  /** Ends a chain. */
  readonly terminating: boolean
  /** Protocols that it can stand in front of; absent: any. */
  readonly protocols?: readonly string[]
  /** Facets of the protocol that it asks for; 'keys' are queries whose keys can be renamed. */
  readonly needs?: readonly ('queries' | 'keys')[]
  readonly options: OptionsSchema<Options>
  /** Options as a topology may have them, for the reference; absent: none are needed. */
  readonly example?: Readonly<Record<string, unknown>>
  /** Names of the metrics of its own, besides those that every transform has. */
  readonly metrics?: readonly string[]
  /** The chains within `options`, whose schema has `z.array(z.unknown())` in their places. */
  subChains?(options: Options, name: string): readonly SubChainPlace[]
  /** Bytes of memory that the threads of the process are to share for it; absent: none. */
  sharedBytes?(options: Options): number
  /** What operators may do with it, by the memory that its instances on all threads share; null: nothing. */
  control?(options: Options, shared: SharedArrayBuffer): Control | null
  create(options: Options, env: Env): SessionFactory
  /** Sinks: tells where a session's first request would go. Nothing is connected to. Absent: an instance shows it by answering. */
  route?(options: Options, session: SessionInfo): (exchange: Exchange) => Route
  /** What instances do past `Env.world`, such as `writes requests to files`: who only wants to know what would happen makes none then. */
  readonly outside?: string
}

/** A registered type of source. */
export interface SourceKind {
  readonly type: string
  readonly doc: string
  readonly protocol: Protocol
  /** Fields of such a source besides those that every source has; absent: none. They must be optional, and are only checked. */
  fields?(z: Zod): Readonly<Record<string, z.ZodType>>
}

/** Declares a kind of transform. `options` makes a zod strict object without `name`, which every transform has. */
export function transform<Options>(
  kind: Omit<TransformKind<Options>, 'terminating'> & { terminating?: boolean },
): TransformKind<Options> {
  return { ...kind, terminating: kind.terminating ?? false }
}
