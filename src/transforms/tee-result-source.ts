/** Of which chain clients get the replies; one for all threads and clients of a Tee. */
export class ResultSource {
  readonly #cell: Int32Array

  /** `memory`: RESULT_SOURCE_BYTES, zeros at first. */
  constructor(memory: SharedArrayBuffer) {
    this.#cell = new Int32Array(memory)
  }

  /** Replies are those of the chain within. */
  get isTee(): boolean {
    return Atomics.load(this.#cell, 0) !== 0
  }

  set isTee(value: boolean) {
    Atomics.store(this.#cell, 0, value ? 1 : 0)
  }
}

export const RESULT_SOURCE_BYTES = 4
