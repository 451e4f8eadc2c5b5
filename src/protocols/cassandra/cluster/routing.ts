// Hot path
import type { Frame } from '../../../core/frame.ts'
import type { ClusterNode } from './node.ts'
import type { ClusterView } from './view.ts'

/** Any node does. */
export const ROUTE_ANY = 0
/** What changes the schema, or is about one node: it goes where such requests all go. */
export const ROUTE_CONTROL = 1
/** It is about one partition, which `Router.replicas` have. */
export const ROUTE_KEYED = 2

const NONE: readonly ClusterNode[] = []

/** What is known of a prepared statement, as far as its requests are routed by that. */
export interface PreparedStatement {
  readonly text: string
  /** The keyspace that names without one are of: what the PREPARE said, or its connection had; null: none. */
  readonly keyspace: string | null
  /** Of the markers: keyspace, table and column of each, as the server told them. */
  readonly markers: readonly { readonly keyspace: string; readonly table: string; readonly name: string }[]
  /** Which markers are the partition key, in its order; empty where the server did not tell. */
  readonly keyIndices: readonly number[]
}

/** Where the ids of prepared statements are looked up. */
export interface PreparedLookup {
  /** By the id `bytes[at, end)`; null where it is not known. */
  find(bytes: Buffer, at: number, end: number): PreparedStatement | null
}

/** Tells which nodes a request is for. One for each thread and sink. */
export class Router {
  /** After ROUTE_KEYED: who has the partition, in the server's order; at least one. */
  replicas: readonly ClusterNode[] = NONE
  readonly #prepared: PreparedLookup

  constructor(prepared: PreparedLookup) {
    this.#prepared = prepared
  }

  /** ROUTE_ANY ... ROUTE_KEYED. `keyspace`: that of the session; null: none. */
  route(_request: Frame, _keyspace: string | null, _view: ClusterView): number {
    this.replicas = NONE
    this.#prepared.find(Buffer.alloc(0), 0, 0)
    return ROUTE_ANY
  }
}
