import type { Timer } from '../world/world.ts'

/** Something that happens at a time. */
export class SimEvent implements Timer {
  readonly atMs: number
  readonly order: number
  readonly run: () => void
  cancelled = false

  constructor(atMs: number, order: number, run: () => void) {
    this.atMs = atMs
    this.order = order
    this.run = run
  }

  cancel(): void {
    this.cancelled = true
  }
}

function before(a: SimEvent, b: SimEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
}

/** Events by time; those of one time in the order in which they were added. A binary heap. */
export class Schedule {
  #heap: SimEvent[] = []
  #order = 0

  add(atMs: number, run: () => void): SimEvent {
    const event = new SimEvent(atMs, this.#order++, run)
    const heap = this.#heap
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(event, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = event
    return event
  }

  /** Time of the next event, Infinity where none waits. */
  nextMs(): number {
    while (this.#heap.length > 0 && this.#heap[0]!.cancelled) this.#take()
    return this.#heap.length === 0 ? Infinity : this.#heap[0]!.atMs
  }

  /** Takes out the next event that is due at `nowMs`. */
  due(nowMs: number): SimEvent | null {
    return this.nextMs() <= nowMs && this.#heap.length > 0 ? this.#take() : null
  }

  #take(): SimEvent {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return first
  }
}
