import type { Limits } from '../core/kind.ts'
import type { Address, TlsFiles } from '../world/world.ts'

/** A topology that passed every check. Plain data: it is sent to threads as it is. */
export interface CheckedTopology {
  readonly sources: readonly CheckedSource[]
  /** Files of TLS, each set once; absent: none. */
  readonly tls?: readonly CheckedTls[]
}

export interface CheckedTls {
  readonly files: TlsFiles
  /** The sources and transforms that have it, as logs call them. */
  readonly users: readonly string[]
}

export interface CheckedSource {
  /** Valkey, Cassandra ...: a key of the list of source kinds. */
  readonly type: string
  readonly name: string
  readonly listen: Address
  /** `listen_addr` as written, for texts. */
  readonly listenText: string
  readonly connectionLimit: number
  readonly hardConnectionLimit: boolean
  /** Connections begin with a header that says who the client is (the PROXY protocol); absent: they do not. */
  readonly proxyProtocol?: boolean
  /** Seconds without a request after which a client is disconnected; null: never. */
  readonly idleTimeoutSeconds: number | null
  readonly limits: Limits
  /** Clients speak TLS; absent: in the clear. */
  readonly tls?: TlsFiles
  readonly chain: readonly CheckedTransform[]
}

export interface CheckedTransform {
  readonly type: string
  readonly name: string
  /** What the kind's schema made of the options, `name` taken out. */
  readonly options: unknown
  /** Absolute path of the file that holds the kind, where it is a user's own; absent for kinds of the list. */
  readonly module?: string
  /** How often the module has been read anew; absent: never. */
  readonly version?: number
  /** Chains within the options, by their place there; absent: none. */
  readonly chains?: Readonly<Record<string, CheckedSubChain>>
}

export interface CheckedSubChain {
  /** One chain is built of each name. */
  readonly names: readonly string[]
  /** Name of the source kind whose protocol it speaks; absent: that of the chain around it. */
  readonly protocol?: string
  /** Nobody waits for its replies; absent: somebody does. */
  readonly isDetached?: true
  readonly chain: readonly CheckedTransform[]
}

/** config.yaml, checked. */
export interface Settings {
  readonly mainLogLevel: string
  readonly observability: Address | null
  readonly limits: Partial<Limits>
  /** Absent: none is written. */
  readonly accessLog?: AccessLogSettings
  /** Absent: nothing is traced. */
  readonly tracing?: TracingSettings
}

export interface AccessLogSettings {
  /** The file that lines are appended to; null: standard output. */
  readonly path: string | null
  /** The part of the requests that has a line, above 0, 1 at most. */
  readonly sample: number
}

export interface TracingSettings {
  /** Where traces are sent, by OTLP over HTTP. */
  readonly endpoint: string
  readonly serviceName: string
  /** The part of the requests that is traced, above 0, 1 at most. */
  readonly sample: number
}
