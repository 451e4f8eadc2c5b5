import type { Frame } from './frame.ts'
import type { Wire } from './protocol.ts'

/** Bytes of a client that were read before the session could take them. Its client may write all before it reads: they wait here. */
export class Input {
  bytes = 0
  #chunks: Buffer[] = []
  #head = 0

  push(bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start
    this.#chunks.push(Buffer.from(bytes.subarray(start, end)))
  }

  #shift(): Buffer | null {
    if (this.#head === this.#chunks.length) return null
    const chunk = this.#chunks[this.#head]!
    this.#chunks[this.#head++] = undefined as unknown as Buffer
    if (this.#head === this.#chunks.length || this.#head === 1024) {
      this.#chunks = this.#chunks.slice(this.#head)
      this.#head = 0
    }
    this.bytes -= chunk.length
    return chunk
  }

  /** The next frame of `wire`, which gets what waits here whenever it needs more. */
  next(wire: Wire): Frame | null {
    for (;;) {
      const frame = wire.next()
      if (frame !== null) return frame
      const chunk = this.#shift()
      if (chunk === null) return null
      wire.push(chunk, 0, chunk.length)
    }
  }

  clear(): void {
    this.#chunks = []
    this.#head = 0
    this.bytes = 0
  }
}
