// Hot path
/** Chooses requests, each with the same chance. What is not chosen costs a comparison a batch. */
export class Sampler {
  readonly #share: number
  readonly #random: () => number
  /** So many are passed over before the next one that is chosen. */
  #skip = 0

  /** `share`: the part of them that is chosen, above 0, 1 at most. `random`: in [0, 1). */
  constructor(share: number, random: () => number) {
    this.#share = share
    this.#random = random
    this.#draw()
  }

  /** Is none of the next `count` chosen? Then they are passed over. */
  passesOver(count: number): boolean {
    if (this.#skip < count) return false
    this.#skip -= count
    return true
  }

  /** Is the next one chosen? */
  chooses(): boolean {
    if (this.#skip > 0) {
      this.#skip--
      return false
    }
    this.#draw()
    return true
  }

  /** How many come before the next one is distributed geometrically: one number drawn for each that is chosen, and none for the others. */
  // Cold: once a chosen request
  #draw(): void {
    if (this.#share >= 1) return
    this.#skip = Math.floor(Math.log1p(-this.#random()) / Math.log1p(-this.#share))
  }
}
