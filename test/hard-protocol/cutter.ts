import { FRAME_HEAD, FRAME_INTERIM, FRAME_LAST, Frame } from '../../src/core/frame.ts'
import { DATA, END, HEADER_BYTES, headerAt, INTERIM, UNTIL_CLOSE, Unwrapper, type Header } from './format.ts'

/** `Frame.code`: it starts with a header. A further piece of a frame that was cut does not. */
export const WITH_HEADER = 1

/** Bytes of a frame that tell what it is: fewer do not go on alone. */
const TELLING_BYTES = 40

/**
 * Cuts bytes into frames, which lie in what was lent, or in a buffer of the cutter's own that is overwritten when the running
 * callback has returned: so that who keeps a frame without owning it, or forgets to keep the rest, is found out.
 */
export class Cutter {
  readonly #cutThroughBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #unwrapper: Unwrapper | null = null
  /** Bytes to come of a frame that was cut, and what it was. */
  #rawLeft = 0
  #raw: Header | null = null

  constructor(cutThroughBytes: number) {
    this.#cutThroughBytes = cutThroughBytes
  }

  get pending(): number {
    return this.#bytes.length - this.#at + (this.#unwrapper?.pending ?? 0)
  }

  /** A frame began and has not ended. */
  get torn(): boolean {
    return this.pending > 0 || this.#rawLeft > 0
  }

  get untilClose(): boolean {
    return this.#rawLeft === Infinity
  }

  push(bytes: Buffer, start: number, end: number): void {
    const pushed = bytes.subarray(start, end)
    const rest = this.#rest()
    if (rest.length === 0 && this.#unwrapper === null) this.#bytes = pushed
    else this.#replace(Buffer.concat([rest, this.#unwrapper === null ? pushed : this.#unwrapper.add(pushed)]))
    this.#at = 0
  }

  keep(): void {
    this.#replace(Buffer.from(this.#rest()))
    this.#at = 0
  }

  #replace(own: Buffer): void {
    this.#bytes = own
    queueMicrotask(() => {
      if (this.#bytes === own) own.fill(0xee, 0, this.#at)
      else own.fill(0xee)
    })
  }

  /** From here on the bytes come in segments. */
  switch(): void {
    const rest = Buffer.from(this.#rest())
    this.#unwrapper = new Unwrapper()
    this.#replace(this.#unwrapper.add(rest))
    this.#at = 0
  }

  /** `isBodiless`: the length of such a frame is that of bytes which do not follow. */
  next(isBodiless: (header: Header) => boolean): Frame | null {
    if (this.#rawLeft > 0) return this.#piece()
    const header = headerAt(this.#bytes, this.#at)
    if (header === null) return null
    if (header.flags & UNTIL_CLOSE) return this.#start(header, HEADER_BYTES, Infinity)
    const size = HEADER_BYTES + (isBodiless(header) ? 0 : header.length)
    const there = this.#bytes.length - this.#at
    if (there >= size) return this.#start(header, size, 0)
    if (there < Math.min(size, TELLING_BYTES) || header.kind === INTERIM) return null
    return size > this.#cutThroughBytes ? this.#start(header, there, size - there) : null
  }

  /** The end of what only the end of the connection ends. */
  end(): Frame {
    const frame = new Frame(Buffer.alloc(0), 0, 0, this.#raw!.kind, 0, false)
    frame.flags = FRAME_LAST
    frame.stream = this.#raw!.stream
    this.#rawLeft = 0
    return frame
  }

  #rest(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  #start(header: Header, size: number, rawLeft: number): Frame {
    const frame = this.#take(header, size)
    frame.code = WITH_HEADER
    this.#raw = header
    this.#rawLeft = rawLeft
    const last = rawLeft === 0 && header.flags & END ? FRAME_LAST : 0
    frame.flags = header.kind === INTERIM ? FRAME_INTERIM : (header.kind === DATA ? 0 : FRAME_HEAD) | last
    frame.announced = size + (rawLeft === Infinity ? 0 : rawLeft)
    return frame
  }

  #piece(): Frame | null {
    const size = Math.min(this.#rawLeft, this.#bytes.length - this.#at)
    if (size === 0) return null
    const frame = this.#take(this.#raw!, size)
    this.#rawLeft -= size
    frame.flags = this.#rawLeft === 0 && this.#raw!.flags & END ? FRAME_LAST : 0
    return frame
  }

  #take({ kind, stream }: Header, size: number): Frame {
    const frame = new Frame(this.#bytes, this.#at, this.#at + size, kind, 0, true)
    frame.stream = stream
    this.#at += size
    return frame
  }
}
