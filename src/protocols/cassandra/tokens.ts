// Hot path

/** The tokens of a ring, in order. */
export class Tokens {
  readonly #tokens: readonly bigint[]
  /** The same in halves of 32 bits, for those of 64: a bigint costs an allocation each time that one is looked at. */
  readonly #high: Int32Array
  readonly #low: Uint32Array

  /** `tokens`: in order, each once. */
  constructor(tokens: readonly bigint[]) {
    this.#tokens = tokens
    this.#high = new Int32Array(tokens.length)
    this.#low = new Uint32Array(tokens.length)
    for (let i = 0; i < tokens.length; i++) {
      this.#high[i] = Number(BigInt.asIntN(32, tokens[i]! >> 32n))
      this.#low[i] = Number(BigInt.asUintN(32, tokens[i]!))
    }
  }

  get size(): number {
    return this.#tokens.length
  }

  /** The place of the first token that is no less than this one; behind the last comes the first. */
  indexOf(token: bigint): number {
    const tokens = this.#tokens
    let from = 0
    let to = tokens.length
    while (from < to) {
      const middle = (from + to) >>> 1
      if (tokens[middle]! < token) from = middle + 1
      else to = middle
    }
    return from === tokens.length ? 0 : from
  }

  /** As `indexOf`, of the token with these upper and lower 32 bits, among tokens of 64 bits. */
  indexOfHalves(high: number, low: number): number {
    const highs = this.#high
    const lows = this.#low
    const unsigned = low >>> 0
    let from = 0
    let to = highs.length
    while (from < to) {
      const middle = (from + to) >>> 1
      const at = highs[middle]!
      if (at < high || (at === high && lows[middle]! < unsigned)) from = middle + 1
      else to = middle
    }
    return from === highs.length ? 0 : from
  }
}
