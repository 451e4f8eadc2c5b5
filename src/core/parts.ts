import { FRAME_LAST, type Frame } from './frame.ts'

/** Bytes that may wait in a `Parts` before its producer is asked to stop. */
export const PARTS_HIGH_BYTES = 256 * 1024
/** Bytes at which a stopped producer may go on. */
export const PARTS_LOW_BYTES = 64 * 1024

/**
 * More frames of one message and direction: a bounded pipe. The producer stops when `push` says false and goes on at `onDrain`;
 * the consumer takes with `shift`, told by `onPart`, or at once in `take`. What waits is owned: never lost, never overwritten.
 */
export class Parts {
  bytes = 0
  ended = false
  error: Error | null = null
  onPart: (() => void) | null = null
  onDrain: (() => void) | null = null
  /** The consumer, where it can take a part at once, borrowed as it is. It says whether it did. */
  take: ((part: Frame) => boolean) | null = null
  #frames: Frame[] = []
  #head = 0
  #full = false

  get empty(): boolean {
    return this.#head === this.#frames.length
  }

  /** Adds a frame; the one with FRAME_LAST ends the pipe. False: stop until `onDrain`. */
  push(part: Frame): boolean {
    if (this.error !== null) return true
    if (part.flags & FRAME_LAST) this.ended = true
    if (this.take !== null && this.empty && this.take(part)) return true
    this.#frames.push(part.own())
    this.bytes += part.end - part.start
    this.onPart?.()
    if (this.bytes > PARTS_HIGH_BYTES) this.#full = true
    return !this.#full
  }

  /** The frame that `shift` would give. */
  peek(): Frame | null {
    return this.empty ? null : this.#frames[this.#head]!
  }

  /** The next frame, or null where none waits. */
  shift(): Frame | null {
    if (this.#head === this.#frames.length) return null
    const part = this.#frames[this.#head]!
    this.#frames[this.#head++] = undefined as unknown as Frame
    if (this.#head === this.#frames.length) {
      this.#frames.length = 0
      this.#head = 0
    }
    this.bytes -= part.end - part.start
    if (this.#full && this.bytes <= PARTS_LOW_BYTES) {
      this.#full = false
      this.onDrain?.()
    }
    return part
  }

  /** Ends the pipe early: what waits is dropped and the consumer is told once. */
  abort(error: Error): void {
    if (this.error !== null) return
    this.error = error
    this.#frames.length = 0
    this.#head = 0
    this.bytes = 0
    this.onPart?.()
    if (this.#full) {
      this.#full = false
      this.onDrain?.()
    }
  }
}
