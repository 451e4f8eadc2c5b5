// Hot path

/** A second has so many units, about: time since the machine's start stays below 2^53 for a hundred days. */
const UNITS_PER_SECOND = 1e9
/** By so many units rounding may be off in the years after. */
const ROUNDING = 16

/**
 * Limits of one rate over memory that threads share, one in each cell: GCRA, with a burst of one second. A cell holds the time at which
 * the next request would come if all had come evenly, in units of which a request takes a whole number.
 */
export class RateLimit {
  readonly perSecond: number
  readonly #cells: BigInt64Array
  readonly #unitsPerRequest: number
  readonly #unitsPerMs: number
  readonly #burst: number

  constructor(cells: BigInt64Array, perSecond: number) {
    this.perSecond = perSecond
    this.#cells = cells
    this.#unitsPerRequest = Math.max(1, Math.floor(UNITS_PER_SECOND / perSecond))
    this.#burst = this.#unitsPerRequest * perSecond
    this.#unitsPerMs = this.#burst / 1000
  }

  /** True: so much was free in the cell, and is taken. `debt`: how many seconds' worth may be taken ahead of the burst. */
  take(cell: number, nowMs: number, cost: number, debt = 0): boolean {
    const now = nowMs * this.#unitsPerMs
    // Whoever comes in between has taken something: this ends.
    for (;;) {
      const seen = Atomics.load(this.#cells, cell)
      const next = Math.max(Number(seen), now) + cost * this.#unitsPerRequest
      if (next - now > this.#burst * (1 + debt) + ROUNDING) return false
      if (Atomics.compareExchange(this.#cells, cell, seen, BigInt(Math.round(next))) === seen) return true
    }
  }

  /** What was taken is not needed. */
  giveBack(cell: number, cost: number): void {
    Atomics.sub(this.#cells, cell, BigInt(cost * this.#unitsPerRequest))
  }
}

/** Numbers for names, the same in all threads: each name that comes gets the next free place, as long as there are any. */
export class SharedNames {
  readonly #hashes: Int32Array

  /** As many names as `hashes` has places; what comes later shares the last one. */
  constructor(hashes: Int32Array) {
    this.#hashes = hashes
  }

  // Cold: once a login
  placeOf(name: string): number {
    const hash = hashOf(name)
    for (let place = 0; place < this.#hashes.length - 1; place++) {
      const there = Atomics.compareExchange(this.#hashes, place, 0, hash)
      if (there === 0 || there === hash) return place
    }
    return this.#hashes.length - 1
  }
}

/** FNV-1a; never 0. */
// Cold: once a login
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash | 1
}
