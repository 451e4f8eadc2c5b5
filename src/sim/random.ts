import type { Random } from '../world/world.ts'

/** Spreads the bits of a small seed (splitmix32, public domain). */
function splitmix(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
}

/** The simulation's one source of chance: sfc32. The same seed gives the same numbers for ever. */
export class SimRandom implements Random {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(seed: number) {
    const spread = splitmix(seed)
    this.#a = spread()
    this.#b = spread()
    this.#c = spread()
    for (let i = 0; i < 12; i++) this.#draw()
  }

  #draw(): number {
    const sum = (this.#a + this.#b + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    this.#c |= 0
    return sum >>> 0
  }

  next(): number {
    return this.#draw() / 0x1_0000_0000
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count)
    for (let i = 0; i < count; i++) bytes[i] = this.#draw() >>> 24
    return bytes
  }

  /** An integer in [0, count). */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  /** An integer in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1)
  }

  /** True with that probability. A chance of 0 or 1 draws nothing. */
  chance(probability: number): boolean {
    if (probability <= 0) return false
    return probability >= 1 || this.next() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}
