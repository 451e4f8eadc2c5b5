// Hot path
import type { Counter, Gauge } from '../core/kind.ts'

/** One number of one series: adding is a store into a typed array. */
export class Slot implements Counter, Gauge {
  readonly #slots: Float64Array
  readonly #index: number

  constructor(slots: Float64Array, index: number) {
    this.#slots = slots
    this.#index = index
  }

  get value(): number {
    return this.#slots[this.#index]!
  }

  add(delta: number): void {
    this.#slots[this.#index]! += delta
  }

  set(value: number): void {
    this.#slots[this.#index] = value
  }
}
