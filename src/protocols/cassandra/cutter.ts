// Hot path

/** How messages are told apart: by a header of fixed size that says how many bytes there are in all. */
export interface Format {
  readonly headerBytes: number
  /** Bytes of the message whose whole header stands at `at`. Throws ProtocolError where it can't be one. */
  size(bytes: Buffer, at: number): number
}

/** A message that is not put together begins with so many bytes at least: they tell what it is about. No bound on messages is less. */
export const HEAD_BYTES = 96

const EMPTY = Buffer.alloc(0)

/**
 * Cuts what was read into messages. Bytes are used where they lie; only a message torn between two reads is copied, into a buffer
 * of its own that takes no more of the new bytes than it needs. What `next` and `take` found stands in `bytes[start, end)`,
 * and is lent until `keep` was called.
 */
export class Cutter {
  bytes: Buffer = EMPTY
  start = 0
  end = 0
  /** `next` gave false: bytes of the message that is not whole, as its header says; 0 where there is no header yet. */
  announced = 0
  #format: Format
  /** Larger messages are not put together. */
  #wholeMax: number
  /** Bytes that were kept come first: `[#ownAt, #ownEnd)` of a buffer that is never written twice at the same place. */
  #own: Buffer = EMPTY
  #ownAt = 0
  #ownEnd = 0
  #lent: Buffer = EMPTY
  #lentAt = 0
  #lentEnd = 0

  constructor(format: Format, wholeMax: number) {
    this.#format = format
    this.#wholeMax = wholeMax
  }

  /** Bytes pushed and not consumed. */
  get pending(): number {
    return this.#ownEnd - this.#ownAt + this.#lentEnd - this.#lentAt
  }

  /** So many of them would be taken at once. */
  get piece(): number {
    return this.#ownAt < this.#ownEnd ? this.#ownEnd - this.#ownAt : this.#lentEnd - this.#lentAt
  }

  /** The first of them; -1 where there is none. */
  get first(): number {
    if (this.#ownAt < this.#ownEnd) return this.#own[this.#ownAt]!
    return this.#lentAt < this.#lentEnd ? this.#lent[this.#lentAt]! : -1
  }

  /** What is pending, and comes, is cut in another way from here on, and always put together. */
  switch(format: Format): void {
    this.#format = format
    this.#wholeMax = Infinity
  }

  push(bytes: Buffer, start: number, end: number): void {
    if (this.#lentAt < this.#lentEnd) this.keep()
    this.#lent = bytes
    this.#lentAt = start
    this.#lentEnd = end
  }

  /** Finds the next message, if it is whole. */
  next(): boolean {
    const format = this.#format
    this.announced = 0
    while (this.#ownAt < this.#ownEnd) {
      const have = this.#ownEnd - this.#ownAt
      let needed = format.headerBytes
      if (have >= needed) {
        needed = format.size(this.#own, this.#ownAt)
        this.announced = needed
        if (have >= needed) {
          this.#takeOwn(needed)
          return true
        }
        if (needed > this.#wholeMax) {
          if (have < HEAD_BYTES && this.#lentAt < this.#lentEnd) this.#fill(have, Math.min(HEAD_BYTES, needed))
          return false
        }
      }
      if (this.#lentAt === this.#lentEnd) return false
      this.#fill(have, needed)
    }
    const have = this.#lentEnd - this.#lentAt
    if (have < format.headerBytes) return false
    const size = format.size(this.#lent, this.#lentAt)
    this.announced = size
    if (have < size) return false
    this.#takeLent(size)
    return true
  }

  /** Takes what is there, at most `max` bytes, as far as it lies in one piece. False: nothing is. */
  take(max: number): boolean {
    if (this.#ownAt < this.#ownEnd) this.#takeOwn(Math.min(max, this.#ownEnd - this.#ownAt))
    else if (this.#lentAt < this.#lentEnd) this.#takeLent(Math.min(max, this.#lentEnd - this.#lentAt))
    else return false
    return true
  }

  /** Copies what was pushed and not consumed. */
  keep(): void {
    const rest = this.#lentEnd - this.#lentAt
    if (rest > 0) {
      this.#reserve(rest)
      this.#append(rest)
    }
    this.#lent = EMPTY
    this.#lentAt = this.#lentEnd = 0
  }

  #takeOwn(size: number): void {
    this.bytes = this.#own
    this.start = this.#ownAt
    this.end = this.#ownAt += size
    if (this.#ownAt < this.#ownEnd) return
    this.#own = EMPTY
    this.#ownAt = this.#ownEnd = 0
  }

  #takeLent(size: number): void {
    this.bytes = this.#lent
    this.start = this.#lentAt
    this.end = this.#lentAt += size
  }

  /** Of the lent bytes, what the message that begins in the kept ones needs. */
  #fill(have: number, needed: number): void {
    if (this.#ownAt + needed > this.#own.length) this.#reserve(needed - have)
    this.#append(Math.min(needed - have, this.#lentEnd - this.#lentAt))
  }

  /** Makes room for `more` bytes behind the kept ones. */
  #reserve(more: number): void {
    if (this.#ownEnd + more <= this.#own.length) return
    const have = this.#ownEnd - this.#ownAt
    const own = Buffer.allocUnsafe(have + more)
    this.#own.copy(own, 0, this.#ownAt, this.#ownEnd)
    this.#own = own
    this.#ownAt = 0
    this.#ownEnd = have
  }

  #append(size: number): void {
    this.#lent.copy(this.#own, this.#ownEnd, this.#lentAt, this.#lentAt + size)
    this.#ownEnd += size
    this.#lentAt += size
  }
}
