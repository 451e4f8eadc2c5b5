import type { Batch } from '../core/exchange.ts'
import { PassingLink } from '../core/passing-link.ts'
import type { Link } from '../core/transform.ts'

/** A link by which failures go elsewhere. */
export class WatchedLink extends PassingLink {
  readonly #onFailure: (batch: Batch, error: Error) => void

  constructor(link: Link, onFailure: (batch: Batch, error: Error) => void) {
    super(link)
    this.#onFailure = onFailure
  }

  override replyFailure(batch: Batch, error: Error): void {
    this.#onFailure(batch, error)
  }
}
