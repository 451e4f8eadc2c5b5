// Hot path
import { assert } from '../../base/assert.ts'
import { FRAME_HEAD, FRAME_LAST, FRAME_WHOLE, Frame } from '../../core/frame.ts'
import type { ReplyScan } from './reply-scan.ts'
import type { RequestScan } from './request-scan.ts'

const EMPTY = Buffer.alloc(0)
/** First and largest guess of how much of new bytes a torn message still needs. */
const FILL_BYTES = 512
const FILL_BYTES_MAX = 16 * 1024
/** More than this is not allocated on the word of a peer that announces it. */
const ANNOUNCED_BYTES_MAX = 1024 * 1024
/** Times the cut-through bound at which a request goes on though its key is not whole. */
const ROUTABLE_WITHIN = 4

/**
 * Cuts what was read into frames. Bytes are used where they lie. Only a message torn between two reads is copied, into a buffer
 * of its own that takes no more of the new bytes than the message needs; and one larger than the bound not even then: it leaves
 * as a head and parts.
 */
export class Cutter {
  readonly #scan: RequestScan | ReplyScan
  readonly #cutThroughBytes: number
  #bytes: Buffer = EMPTY
  #end = 0
  /** `#bytes` is the cutter's own; it is never written twice at the same place. */
  #isOwn = false
  /** Bytes lent while those kept before are not used up: `#lent[#lentAt, #lentEnd)`. */
  #lent: Buffer = EMPTY
  #lentAt = 0
  #lentEnd = 0
  /** Bytes at the end of `#bytes` that were copied last, from `#lent`. */
  #filled = 0
  #fillBytes = FILL_BYTES
  /** The head of the current message has left. */
  #headGone = false

  constructor(scan: RequestScan | ReplyScan, cutThroughBytes: number) {
    this.#scan = scan
    this.#cutThroughBytes = cutThroughBytes
  }

  /** Bytes pushed and not consumed. */
  get pending(): number {
    return this.#end - this.#scan.from + this.#lentEnd - this.#lentAt
  }

  /** A message began and has not ended. */
  get isTorn(): boolean {
    return this.#headGone || this.pending > 0
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.#scan.from < this.#end || this.#lentAt < this.#lentEnd) {
      assert(this.#lentAt === this.#lentEnd, 'bytes are pushed before those lent last were used up or kept')
      if (!this.#isOwn) this.keep()
      this.#lent = bytes
      this.#lentAt = start
      this.#lentEnd = end
      this.#filled = 0
      return
    }
    this.#scan.move(start - this.#scan.from)
    this.#bytes = bytes
    this.#end = end
    this.#isOwn = false
  }

  next(): Frame | null {
    const scan = this.#scan
    for (;;) {
      if (scan.resume(this.#bytes, this.#end)) {
        const frame = scan.take(this.#bytes, !this.#isOwn, this.#headGone ? FRAME_LAST : FRAME_WHOLE)
        this.#headGone = false
        if (this.#isOwn) this.#giveBack()
        return frame
      }
      const part = this.#cutThrough()
      if (part !== null) return part
      if (this.#lentAt === this.#lentEnd) return null
      this.#fill()
    }
  }

  keep(): void {
    const rest = this.#lentEnd - this.#lentAt
    if (this.#isOwn) {
      if (rest > 0) this.#append(rest)
    } else if (this.#scan.from < this.#end) {
      this.#own(0)
    }
    this.#lent = EMPTY
    this.#lentAt = this.#lentEnd = this.#filled = 0
    // What is left of a reader's buffer must not keep it alive.
    if (this.#scan.from === this.#end) this.#forget()
  }

  /** What was pushed and not consumed, whatever it is: for connections that carry no messages any more. */
  takeRaw(): Frame | null {
    const { from } = this.#scan
    if (from < this.#end) {
      this.#scan.move(this.#end - from)
      return new Frame(this.#bytes, from, this.#end, 0, 0, !this.#isOwn)
    }
    if (this.#lentAt === this.#lentEnd) return null
    const at = this.#lentAt
    this.#lentAt = this.#lentEnd
    return new Frame(this.#lent, at, this.#lentEnd, 0, 0, true)
  }

  /** The head of a message that is too large to be kept, or what more there is of it; else null. */
  #cutThrough(): Frame | null {
    const scan = this.#scan
    let flags = 0
    if (!this.#headGone) {
      if (scan.announced(this.#end) <= this.#cutThroughBytes) return null
      if (!scan.routable && !this.#mustGo()) return null
      flags = FRAME_HEAD
    }
    scan.drain(this.#bytes, this.#end)
    if (scan.at === scan.from) return null
    const part = scan.takePart(this.#bytes, !this.#isOwn, flags)
    this.#headGone = true
    if (this.#isOwn) this.#giveBack()
    return part
  }

  /** So much of it came that waiting for its key would hold too much memory. */
  #mustGo(): boolean {
    return this.#scan.left > 0 && this.#end - this.#scan.from > ROUTABLE_WITHIN * this.#cutThroughBytes
  }

  /** Takes more of the lent bytes: as many as the torn message is known to need, and some more. */
  #fill(): void {
    if (this.#scan.from === this.#end) {
      this.#filled = 0
      this.#giveBack()
      return
    }
    const wanted = Math.max(this.#scan.missing(this.#end), this.#fillBytes)
    if (this.#fillBytes < FILL_BYTES_MAX) this.#fillBytes *= 2
    this.#append(Math.min(wanted, this.#lentEnd - this.#lentAt))
  }

  /** Moves `size` of the lent bytes behind the own ones. */
  #append(size: number): void {
    if (this.#end + size > this.#bytes.length) this.#own(size)
    this.#lent.copy(this.#bytes, this.#end, this.#lentAt, this.#lentAt + size)
    this.#end += size
    this.#lentAt += size
    this.#filled = size
  }

  /** Copies what is not consumed into a new buffer with room for `more` and for what is announced. */
  #own(more: number): void {
    const { from } = this.#scan
    const size = this.#end - from
    const announced = Math.min(this.#scan.announced(this.#end), ANNOUNCED_BYTES_MAX)
    const own = Buffer.allocUnsafe(Math.max(announced, this.#isOwn ? 2 * (size + more) : size + FILL_BYTES))
    this.#bytes.copy(own, 0, from, this.#end)
    this.#scan.move(-from)
    this.#bytes = own
    this.#end = size
    this.#isOwn = true
  }

  /** Goes back to the lent bytes where the own ones are used up but for what was copied from there. */
  #giveBack(): void {
    this.#fillBytes = FILL_BYTES
    const rest = this.#end - this.#scan.from
    if (rest > this.#filled) return
    if (this.#lentEnd === 0) {
      if (rest === 0) this.#forget()
      return
    }
    this.#scan.move(this.#lentAt - this.#end)
    this.#bytes = this.#lent
    this.#end = this.#lentEnd
    this.#isOwn = false
    this.#lent = EMPTY
    this.#lentAt = this.#lentEnd = this.#filled = 0
  }

  #forget(): void {
    this.#scan.move(-this.#scan.from)
    this.#bytes = EMPTY
    this.#end = 0
    this.#isOwn = false
  }
}
