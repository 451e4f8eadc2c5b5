// Hot path
import { FRAME_HEAD, FRAME_LAST, Frame } from '../../core/frame.ts'
import { Cutter, HEAD_BYTES, type Format } from './cutter.ts'
import { frameAt } from './envelope.ts'
import { Payload, type SegmentFormat } from './segment.ts'

/**
 * The envelopes of one direction of a connection, as frames. From version 5 on, and once the connection has started, they come in
 * outer frames. One that is larger than the cut-through bound comes as a head and parts.
 */
export class Envelopes {
  /** Bits for `Frame.code`: how bodies are compressed. */
  compression = 0
  readonly #raw: Cutter
  readonly #format: Format
  readonly #cutThroughBytes: number
  /** What outer frames carry; null where there are none. */
  #inner: Cutter | null = null
  #segments: SegmentFormat | null = null
  readonly #payload = new Payload()
  /** Bytes to come of an envelope whose head has left, and what it was. */
  #left = 0
  #kind = 0
  #code = 0
  #stream = 0

  constructor(format: Format, cutThroughBytes: number) {
    this.#format = format
    this.#cutThroughBytes = cutThroughBytes
    this.#raw = new Cutter(format, cutThroughBytes)
  }

  get pending(): number {
    return this.#raw.pending + (this.#inner === null ? 0 : this.#inner.pending)
  }

  /** The first byte that is pending; -1 where there is none. */
  get first(): number {
    return (this.#inner ?? this.#raw).first
  }

  /** A message began and has not ended. */
  get isTorn(): boolean {
    return this.#left > 0 || this.pending > 0
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#raw.push(bytes, start, end)
  }

  keep(): void {
    this.#inner?.keep()
    this.#raw.keep()
  }

  /** What is pending, and comes, is outer frames. */
  switch(segments: SegmentFormat): void {
    this.#segments = segments
    this.#raw.switch(segments)
    this.#inner = new Cutter(this.#format, this.#cutThroughBytes)
  }

  next(): Frame | null {
    const inner = this.#inner
    if (inner === null) return this.#cut(this.#raw)
    for (;;) {
      const frame = this.#cut(inner)
      if (frame !== null) return frame
      const raw = this.#raw
      if (!raw.next()) return null
      const payload = this.#payload
      this.#segments!.open(raw.bytes, raw.start, raw.end, payload)
      inner.push(payload.bytes, payload.start, payload.end)
    }
  }

  #cut(cutter: Cutter): Frame | null {
    if (this.#left > 0) return this.#part(cutter)
    if (cutter.next()) {
      const frame = frameAt(cutter.bytes, cutter.start, cutter.end, true)
      frame.code |= this.compression
      return frame
    }
    const { announced } = cutter
    if (announced <= this.#cutThroughBytes || cutter.piece < HEAD_BYTES) return null
    cutter.take(announced)
    const head = frameAt(cutter.bytes, cutter.start, cutter.end, true)
    head.code |= this.compression
    head.flags = FRAME_HEAD
    head.announced = announced
    this.#left = announced - (cutter.end - cutter.start)
    this.#kind = head.kind
    this.#code = head.code
    this.#stream = head.stream
    return head
  }

  #part(cutter: Cutter): Frame | null {
    if (!cutter.take(this.#left)) return null
    const part = new Frame(cutter.bytes, cutter.start, cutter.end, this.#kind, this.#code, true)
    part.stream = this.#stream
    this.#left -= cutter.end - cutter.start
    part.flags = this.#left === 0 ? FRAME_LAST : 0
    return part
  }
}
