import type { SourceKind, TransformKind } from '../core/kind.ts'
import type { SourceTls } from '../core/tls.ts'
import type { TlsFiles } from '../world/world.ts'
import type { Path } from './yaml-file.ts'

/** What is wrong with options that have their types. */
export interface Refusal {
  readonly text: string
  /** What is behind it, outermost first. */
  readonly causes: readonly string[]
  /** Its place; null: the whole of the options. */
  readonly path: Path | null
  readonly hint: string | null
}

/** A topology as it is written, each part checked for itself. What could not be made out is null. */
export interface DraftSource {
  readonly index: number
  readonly path: Path
  readonly type: string
  readonly kind: SourceKind
  readonly options: SourceOptions
  readonly refused: readonly Refusal[]
  readonly tls: readonly TlsFiles[]
  readonly chain: DraftChain
}

export interface SourceOptions {
  readonly name: string
  readonly listen_addr: string
  readonly connection_limit?: number | undefined
  readonly hard_connection_limit?: boolean | undefined
  readonly timeout?: number | undefined
  readonly tls?: SourceTls | undefined
  readonly proxy_protocol?: boolean | undefined
  readonly limits?: Record<string, number | undefined> | undefined
}

export interface DraftChain {
  /** One chain is built of each. */
  readonly names: readonly string[]
  readonly path: Path
  readonly transforms: readonly DraftTransform[]
  /** Entries that could not be made out; they take part in no further check. */
  readonly unknown: boolean
}

export interface DraftTransform {
  readonly index: number
  readonly path: Path
  readonly kind: TransformKind
  readonly module: string | undefined
  readonly version: number
  readonly name: string
  /** The name stands in the file; else it was derived. */
  readonly named: boolean
  readonly options: unknown
  readonly refused: readonly Refusal[]
  readonly tls: readonly TlsFiles[]
  readonly subChains: readonly DraftSubChain[]
}

export interface DraftSubChain extends DraftChain {
  readonly place: string
  /** What flows in it; null: what flows around it. */
  readonly source: SourceKind | null
  /** Nobody waits for its replies. */
  readonly isDetached: boolean
}
