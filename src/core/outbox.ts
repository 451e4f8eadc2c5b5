// Hot path
import type { Clock, Connection, Task, Turn } from '../world/world.ts'
import { FRAME_WHOLE, type Frame } from './frame.ts'
import type { Summary } from './kind.ts'
import type { Enclosure } from './protocol.ts'

const CHUNK_BYTES = 64 * 1024
const SMALL_BYTES = 4 * 1024
const RETAIN_BYTES = 16 * 1024
/** Owned bytes from this size on leave from where they are; smaller ones are copied next to their neighbours. */
const RANGE_BYTES = 16 * 1024
/** Buffers of each size that are kept for later: of the small ones as many as sockets may have something to write in one turn. */
const SMALL_KEPT_MAX = 1024
const LARGE_KEPT_MAX = 64

/** Buffers that the outboxes of one thread fill and give back once the kernel took the bytes. */
export class Scratch {
  readonly #small: Buffer[] = []
  readonly #large: Buffer[] = []

  take(large: boolean): Buffer {
    if (large) return this.#large.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES)
    return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES)
  }

  give(buffer: Buffer): void {
    if (buffer.length === SMALL_BYTES) {
      if (this.#small.length < SMALL_KEPT_MAX) this.#small.push(buffer)
    } else if (this.#large.length < LARGE_KEPT_MAX) this.#large.push(buffer)
  }
}

/**
 * What one socket has to write in this turn: small frames are copied side by side and leave in one write at the turn's end, or
 * as soon as 64 KiB are there. While the kernel takes no more, bytes gather here, densely.
 */
export class Outbox implements Task {
  /** Bytes that wait here; those that wait in the connection are not counted. */
  waitingBytes = 0
  /** Bytes ever appended, and ever handed to the connection. */
  appendedBytes = 0
  handedBytes = 0
  readonly #connection: Connection
  readonly #turn: Turn
  readonly #scratch: Scratch
  /** Keep what was written: frames point at their copies in here, for as long as they live. */
  readonly #retain: boolean
  /** The chunk that is being filled; `[#from, #at)` of it waits to be written. */
  #chunk: Buffer | null = null
  #from = 0
  #at = 0
  /** The chunk comes from the scratch, which gets it back. */
  #given = false
  /** Closed ranges that wait before the chunk, and the scratch buffer that each gives back, if any. */
  readonly #ranges: Buffer[] = []
  readonly #gives: (Buffer | null)[] = []
  /** Bytes that were appended as what leaves in each of them. */
  readonly #sizes: number[] = []
  /** Whole frames leave in it. */
  #enclosure: Enclosure | null = null
  #scheduled = false
  #blocked = false
  /** Scratch that the connection has until it drains. */
  #held: Buffer | null = null
  /** Clock milliseconds from which on the oldest of what waits here has been on its way; Infinity: nobody measures. */
  #oldest = Infinity
  #latency: Summary | null = null
  #clock: Clock | null = null

  constructor(connection: Connection, turn: Turn, scratch: Scratch, retain: boolean) {
    this.#connection = connection
    this.#turn = turn
    this.#scratch = scratch
    this.#retain = retain
  }

  /** From now on each write tells how many seconds the oldest of what it takes was on its way. */
  measure(latency: Summary, clock: Clock): void {
    this.#latency = latency
    this.#clock = clock
  }

  /** Whole frames that are appended from here on leave as it encloses them. Others, and parts, leave as they are. */
  enclose(enclosure: Enclosure | null): void {
    if (enclosure === this.#enclosure) return
    this.#closeChunk()
    this.#enclosure = enclosure
  }

  /** What is appended next has been on its way since then, in clock milliseconds. */
  since(ms: number): void {
    if (ms < this.#oldest) this.#oldest = ms
  }

  /** Bytes that the kernel does not take, although it was asked to. What only waits for the turn's end does not count. */
  get unsentBytes(): number {
    return this.#blocked ? this.waitingBytes + this.#connection.unsentBytes : 0
  }

  /** Appends a frame. A retaining outbox re-points it at the copy, so that it can be sent again. */
  append(frame: Frame): void {
    let bytes = frame.bytes
    let start = frame.start
    let end = frame.end
    let owned = !frame.borrowed
    if (frame.edits !== null) {
      bytes = frame.toBuffer()
      start = 0
      end = bytes.length
      owned = true
    }
    const size = end - start
    this.appendedBytes += size
    this.waitingBytes += size
    const enclosure = this.#enclosure
    if (enclosure !== null && (size >= RANGE_BYTES || frame.flags !== FRAME_WHOLE)) {
      // What may leave again is kept.
      if (this.#retain || frame.flags !== FRAME_WHOLE) frame.own()
      this.#closeChunk()
      const isWhole = frame.flags === FRAME_WHOLE
      this.#pushRange(isWhole ? enclosure.enclose(bytes, start, end) : frame.toBuffer(), size, null)
    } else if (size >= RANGE_BYTES && (owned || this.#retain)) {
      frame.own()
      if (!owned) {
        bytes = frame.bytes
        start = frame.start
        end = frame.end
      }
      this.#closeChunk()
      this.#pushRange(bytes.subarray(start, end), size, null)
    } else if (this.#retain) {
      this.#copyRetained(frame, bytes, start, size)
    } else this.#copy(bytes, start, end)
    this.#appended()
  }

  /** The kernel takes no more for now. */
  get blocked(): boolean {
    return this.#blocked
  }

  /** Appends what is never sent again: the frame is not re-pointed, and its bytes are the caller's. */
  appendPart(part: Frame): void {
    const { edits } = part
    const bytes = edits === null ? part.bytes : part.toBuffer()
    const start = edits === null ? part.start : 0
    const end = edits === null ? part.end : bytes.length
    const size = end - start
    this.appendedBytes += size
    this.waitingBytes += size
    if (!this.#given) this.#closeChunk()
    const isLent = part.borrowed && edits === null
    if (this.#enclosure === null && (isLent || size < RANGE_BYTES)) this.#copy(bytes, start, end)
    else {
      this.#closeChunk()
      this.#pushRange(isLent ? Buffer.from(bytes.subarray(start, end)) : bytes.subarray(start, end), size, null)
    }
    this.#appended()
  }

  #appended(): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      this.#turn.flush(this)
    }
    if (this.waitingBytes >= CHUNK_BYTES && !this.#blocked) this.#write()
  }

  run(): void {
    this.#scheduled = false
    if (!this.#blocked) this.#write()
  }

  /** The connection took all it was given. */
  drained(): void {
    this.#blocked = false
    if (this.#held !== null) this.#scratch.give(this.#held)
    this.#held = null
    this.#write()
  }

  /** Nothing more will be written. */
  clear(): void {
    this.#ranges.length = 0
    this.#gives.length = 0
    this.#sizes.length = 0
    this.#chunk = null
    this.#from = this.#at = 0
    this.waitingBytes = 0
  }

  #copyRetained(frame: Frame, bytes: Buffer, start: number, size: number): void {
    let chunk = this.#chunk
    if (chunk === null || this.#given || this.#at + size > chunk.length) {
      this.#closeChunk()
      chunk = this.#chunk = Buffer.allocUnsafeSlow(RETAIN_BYTES)
      this.#given = false
    }
    bytes.copy(chunk, this.#at, start, start + size)
    if (frame.edits === null) {
      frame.bytes = chunk
      frame.start = this.#at
      frame.end = this.#at + size
      frame.borrowed = false
    } else frame.own()
    this.#at += size
  }

  #copy(bytes: Buffer, start: number, end: number): void {
    let from = start
    // Outer frames carry whole ones.
    if (this.#enclosure !== null && this.#at + (end - start) > CHUNK_BYTES) this.#closeChunk()
    while (from < end) {
      let chunk = this.#chunk
      if (chunk === null) {
        chunk = this.#chunk = this.#scratch.take(end - from > SMALL_BYTES)
        this.#given = true
      } else if (chunk.length === SMALL_BYTES && this.#at + (end - from) > SMALL_BYTES) {
        const large = this.#scratch.take(true)
        chunk.copy(large, 0, 0, this.#at)
        this.#scratch.give(chunk)
        chunk = this.#chunk = large
      }
      const count = Math.min(end - from, chunk.length - this.#at)
      bytes.copy(chunk, this.#at, from, from + count)
      this.#at += count
      from += count
      if (this.#at === chunk.length) this.#closeChunk()
    }
  }

  #closeChunk(): void {
    const chunk = this.#chunk
    if (chunk !== null && this.#at !== this.#from)
      this.#pushRange(this.#leaving(chunk), this.#at - this.#from, this.#given ? chunk : null)
    this.#chunk = null
    this.#from = this.#at = 0
  }

  #pushRange(bytes: Buffer, size: number, gives: Buffer | null): void {
    this.#ranges.push(bytes)
    this.#sizes.push(size)
    this.#gives.push(gives)
  }

  /** What waits in the chunk, as it leaves. */
  #leaving(chunk: Buffer): Buffer {
    if (this.#enclosure === null) return chunk.subarray(this.#from, this.#at)
    return this.#enclosure.enclose(chunk, this.#from, this.#at)
  }

  #write(): void {
    if (this.#oldest !== Infinity) this.#observe()
    const ranges = this.#ranges
    if (ranges.length !== 0 && !this.#writeRanges(ranges)) return
    const chunk = this.#chunk
    if (chunk === null || this.#at === this.#from) return
    const size = this.#at - this.#from
    this.waitingBytes -= size
    this.handedBytes += size
    const bytes = this.#leaving(chunk)
    if (!this.#given) {
      // Appending goes on behind what was written: those bytes never change.
      this.#from = this.#at
      if (!this.#connection.write(bytes)) this.#blocked = true
      return
    }
    this.#chunk = null
    this.#at = 0
    if (this.#connection.write(bytes)) this.#scratch.give(chunk)
    else {
      this.#blocked = true
      this.#held = chunk
    }
  }

  #observe(): void {
    if (this.#latency !== null) this.#latency.observe((this.#clock!.now() - this.#oldest) / 1000)
    this.#oldest = Infinity
  }

  #writeRanges(ranges: Buffer[]): boolean {
    for (let i = 0; i < ranges.length; i++) {
      const size = this.#sizes[i]!
      this.waitingBytes -= size
      this.handedBytes += size
      if (!this.#connection.write(ranges[i]!)) {
        this.#blocked = true
        this.#held = this.#gives[i]!
        ranges.splice(0, i + 1)
        this.#gives.splice(0, i + 1)
        this.#sizes.splice(0, i + 1)
        return false
      }
      const give = this.#gives[i]!
      if (give !== null) this.#scratch.give(give)
    }
    ranges.length = 0
    this.#gives.length = 0
    this.#sizes.length = 0
    return true
  }
}
