import { FRAME_LAST, FRAME_WHOLE, Frame } from './frame.ts'

/** Puts a head and its parts together again, for stages that want the message whole. */
export class Assembler {
  readonly #head: Frame
  readonly #bytesMax: number
  readonly #pieces: Buffer[] = []
  #size = 0

  constructor(head: Frame, bytesMax: number) {
    this.#head = head
    this.#bytesMax = bytesMax
    this.#add(head)
  }

  /** The whole frame once the last part is there, else null. Throws when the bound is passed. */
  add(part: Frame): Frame | null {
    this.#add(part)
    if ((part.flags & FRAME_LAST) === 0) return null
    const whole = new Frame(Buffer.concat(this.#pieces), 0, this.#size, this.#head.kind, this.#head.code, false)
    whole.flags = FRAME_WHOLE
    whole.stream = this.#head.stream
    return whole
  }

  #add(part: Frame): void {
    part.own()
    this.#size += part.end - part.start
    if (this.#size > this.#bytesMax)
      throw new RangeError(
        `a message of more than ${this.#bytesMax} bytes (limits: frame_bytes_max) can't be held whole`,
      )
    this.#pieces.push(part.bytes.subarray(part.start, part.end))
  }
}
