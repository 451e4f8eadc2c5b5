import { LateError } from '../base/errors.ts'
import type { Clock } from '../world/world.ts'

/**
 * One lane of a stage. While it is shut everything that comes later waits, in order; when it opens, what waits goes on before
 * anything new does.
 */
export class Gate<Item> {
  readonly #run: (item: Item) => void
  readonly #held: Item[] = []
  #shut = 0
  #isOpening = false
  #closed = false

  constructor(run: (item: Item) => void) {
    this.#run = run
  }

  /** What comes must be held: also while it opens, so that this stands behind what waits. */
  get shut(): boolean {
    return this.#shut !== 0 || this.#isOpening
  }

  shutFor(): void {
    this.#shut++
  }

  /** Shut until the promise is settled, or for `ms` milliseconds at most. `settled` is told first: null, or the error. */
  shutUntil(promise: Promise<void>, clock: Clock, ms: number, settled: (error: unknown) => void): void {
    this.shutFor()
    let waits = true
    const end = (error: unknown) => {
      if (!waits) return
      waits = false
      timer.cancel()
      if (this.#closed) return
      settled(error)
      this.open()
    }
    const timer = clock.after(ms, () => end(new LateError('it took too long')))
    promise.then(
      () => end(null),
      (error: unknown) => end(error),
    )
  }

  hold(item: Item): void {
    if (!this.#closed) this.#held.push(item)
  }

  /** Undoes one `shutFor`, and lets what waits through as long as nothing shuts the gate again. */
  open(): void {
    this.#shut--
    if (this.#isOpening) return
    this.#isOpening = true
    while (this.#shut === 0 && this.#held.length !== 0) this.#run(this.#held.shift()!)
    this.#isOpening = false
  }

  close(): void {
    this.#closed = true
    this.#held.length = 0
  }
}
