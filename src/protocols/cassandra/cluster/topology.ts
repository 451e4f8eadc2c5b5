import type { Frame } from '../../../core/frame.ts'
import type { Log } from '../../../core/kind.ts'
import type { Pool } from '../../../core/pool.ts'
import type { Address, World } from '../../../world/world.ts'
import type { Login } from '../greeting.ts'
import type { Fleet } from './fleet.ts'
import type { ClusterView } from './view.ts'

export interface TopologyOptions {
  readonly world: World
  readonly log: Log
  readonly fleet: Fleet
  /** Asked in their order where no node is known. */
  readonly contactPoints: readonly Address[]
  /** The pool whose connections go there; the topology takes one of them for itself. */
  pool(endpoint: Address): Pool
}

/**
 * What a thread knows of the cluster: from a connection of its own, on which it asks a node for what the system tables say, and hears of
 * changes. It has no credentials but those that clients came in with.
 */
export class ClusterTopology {
  /** Null: nothing is known yet. */
  view: ClusterView | null = null
  readonly #options: TopologyOptions

  constructor(options: TopologyOptions) {
    this.#options = options
  }

  /** The node at `near` has let a client in with this: the first of these begins it all, later ones are kept for when it must log in again. */
  loggedIn(_login: Login, _near: Address): void {
    this.#options.log.debug('')
  }

  /** `listener` hears of each new view, with the one before, null at first. Returns what ends that. */
  onChange(_listener: (view: ClusterView, before: ClusterView | null) => void): () => void {
    return () => undefined
  }

  /** `listener` gets each EVENT that the cluster sends, in the version of the topology's own connection; its bytes are lent. Returns what ends that. */
  onEvent(_listener: (event: Frame) => void): () => void {
    return () => undefined
  }

  /** The sink is closed. */
  close(): void {
    this.view = null
  }
}
