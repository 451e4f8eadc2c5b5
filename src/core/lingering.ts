import type { SubChain } from './sub-chain.ts'

/** The chains of one topology that outlive their sessions, until what they were sent was answered. */
export class Lingering {
  readonly #chains = new Set<SubChain>()
  #gone: (() => void)[] = []

  add(chain: SubChain): void {
    this.#chains.add(chain)
  }

  delete(chain: SubChain): void {
    if (!this.#chains.delete(chain) || this.#chains.size !== 0) return
    for (const resolve of this.#gone.splice(0)) resolve()
  }

  get size(): number {
    return this.#chains.size
  }

  /** Resolves when there are none. */
  gone(): Promise<void> {
    if (this.#chains.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#gone.push(resolve))
  }
}
