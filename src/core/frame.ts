/** The frame starts a message. */
export const FRAME_HEAD = 1
/** The frame ends a message. */
export const FRAME_LAST = 2
/** A reply before the real one, of which there may be several; handed up like a part, and alone: neither head nor last. */
export const FRAME_INTERIM = 4
/** A frame that is the whole message. */
export const FRAME_WHOLE = FRAME_HEAD | FRAME_LAST

const nothing = Buffer.alloc(0)

/** Bytes `[start, end)` of the frame that leave as `bytes` instead. Offsets are relative to `Frame.start`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly bytes: Buffer
}

/**
 * One protocol message, or a part of one: a range of bytes in a slab, and what the wire learnt on its way.
 *
 * A frame that a wire cut from a connection's read buffer is *borrowed*: its bytes are overwritten by the next read. Whoever
 * keeps a frame past the call that brought it calls `own()` first. Owned bytes never change.
 */
export class Frame {
  bytes: Buffer
  start: number
  end: number
  /** FRAME_HEAD | FRAME_LAST, or FRAME_INTERIM. A message larger than the cut-through bound comes as a head and further parts. */
  flags: number
  /** The protocol's own type: RESP type byte, CQL opcode, Kafka api key. */
  kind: number
  /** What the wire learnt of the message while it scanned, as a small integer of the protocol's own: the command, the version. */
  code: number
  /** CQL stream id, Kafka correlation id; -1 where there is none. */
  stream: number
  /** Bytes of the whole message where a head announces them, else those of the frame. A lower bound where more may follow. */
  announced: number
  borrowed: boolean
  /** The decoded form, null until `protocol.body(frame)` is asked. */
  body: unknown
  /** Ranges replaced by `protocol.splice`, in order, not overlapping. */
  edits: Edit[] | null

  constructor(bytes: Buffer, start: number, end: number, kind: number, code: number, borrowed: boolean) {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.flags = FRAME_WHOLE
    this.kind = kind
    this.code = code
    this.stream = -1
    this.announced = end - start
    this.borrowed = borrowed
    this.body = null
    this.edits = null
  }

  /** Bytes that this frame puts on the wire. */
  get size(): number {
    let size = this.end - this.start
    if (this.edits !== null) for (const edit of this.edits) size += edit.bytes.length - (edit.end - edit.start)
    return size
  }

  get whole(): boolean {
    return this.flags === FRAME_WHOLE
  }

  /** Makes the bytes the frame's own, so that it may be kept. */
  own(): this {
    if (this.borrowed) {
      const size = this.end - this.start
      // allocUnsafe: small ones come from Node's shared 8 KiB slabs, large ones exactly sized.
      const copy = Buffer.allocUnsafe(size)
      this.bytes.copy(copy, 0, this.start, this.end)
      this.bytes = copy
      this.start = 0
      this.end = size
      this.borrowed = false
    }
    return this
  }

  /** Another frame of the same bytes, for another chain. They become owned, so that neither sees what becomes of the other. */
  copy(): Frame {
    this.own()
    const copy = new Frame(this.bytes, this.start, this.end, this.kind, this.code, false)
    copy.flags = this.flags
    copy.stream = this.stream
    copy.announced = this.announced
    copy.edits = this.edits === null ? null : this.edits.slice()
    return copy
  }

  /** The bytes are needed no more: they may be overwritten from here on. */
  drop(): void {
    this.bytes = nothing
    this.start = this.end = 0
    this.borrowed = false
    this.edits = null
  }

  /** The bytes as they leave, edits applied. The view shares memory where there are no edits. */
  toBuffer(): Buffer {
    if (this.edits === null) return this.bytes.subarray(this.start, this.end)
    const pieces: Buffer[] = []
    let from = this.start
    for (const edit of this.edits) {
      pieces.push(this.bytes.subarray(from, this.start + edit.start), edit.bytes)
      from = this.start + edit.end
    }
    pieces.push(this.bytes.subarray(from, this.end))
    return Buffer.concat(pieces)
  }
}
