// Hot path
import { AT_OWNER, WRITTEN, type Batch, type Exchange } from '../core/exchange.ts'
import { FRAME_LAST, type Frame } from '../core/frame.ts'
import type { Counter, Limits } from '../core/kind.ts'
import { Parts } from '../core/parts.ts'
import type { Protocol } from '../core/protocol.ts'
import type { Timer, World } from '../world/world.ts'
import type { Pump } from './tee-pump.ts'

/** Bytes of a large request that may wait until the shadow takes them. */
const PARTS_BYTES_MAX = 4 * 1024 * 1024

/** Where copies go. */
export interface Way {
  readonly isOpen: boolean
  readonly isStopped: boolean
  readonly inFlight: number
  /** A copy for this way. */
  copyOf(outer: Exchange): Exchange
  send(batch: Batch): void
  cancel(batch: Batch): void
  showPart(copy: Exchange, part: Frame): void
}

export interface ShadowSettings {
  readonly world: World
  readonly limits: Limits
  readonly protocol: Protocol
  /** Batches that may wait. */
  readonly bufferSize: number
  /** Milliseconds that one waits for a place among them; 0: it does not wait. */
  readonly timeoutMs: number
  /** Counts requests that are left out. */
  readonly dropped: Counter
  readonly pump: Pump
}

interface Entry {
  readonly batch: Batch
  bytes: number
  readonly sinceMs: number
  /** It has part of a transaction, of which all is sent or nothing. */
  readonly isFirm: boolean
}

/** A large request whose rest is coming: its parts for the shadow. */
interface Large {
  parts: Parts
  /** Null before its head came here. */
  copy: Exchange | null
}

const NOT_IN_GROUP = 0
const GROUP_SENT = 1
const GROUP_DROPPED = 2

/**
 * Copies of requests on their way to where nobody waits for the replies. Nothing in it ever holds up the originals: what it has no room
 * for is left out and counted. Of a transaction all is sent, or nothing.
 */
export class Shadow {
  readonly #way: Way
  readonly #settings: ShadowSettings
  readonly #queue: Entry[] = []
  #queueBytes = 0
  #queueCount = 0
  /** Something in the queue did not find room when it last might have gone. */
  #waits = false
  #sentBytes = 0
  readonly #large = new Map<Exchange, Large>()
  #group = NOT_IN_GROUP
  #scheduled = false
  #timer: Timer | null = null

  constructor(way: Way, settings: ShadowSettings) {
    this.#way = way
    this.#settings = settings
  }

  /** Copies of what is about to go on: to be made before it does, and offered afterwards. */
  copies(batch: Batch): Batch {
    const copies: Batch = []
    if (!this.#way.isOpen) {
      this.#settings.dropped.add(batch.length)
      return copies
    }
    for (let i = 0; i < batch.length; i++) {
      const outer = batch[i]!
      const copy = this.#way.copyOf(outer)
      if (copy.requestParts !== null) this.#expectParts(outer, copy)
      // Nobody waits for its reply.
      copy.outer = null
      copies.push(copy)
    }
    return copies
  }

  /** Takes copies, or leaves them out. They leave when the pump says so: those that the way takes gather, however many batches they are. */
  offer(copies: Batch): void {
    if (!this.#takesNext) this.run()
    const gathers = this.#takesNext
    const wasInGroup = this.#group === GROUP_SENT
    const kept = this.#select(copies, gathers || this.#hasRoom())
    if (kept.length === 0) return
    let bytes = 0
    let isLarge = false
    for (let i = 0; i < kept.length; i++) {
      bytes += kept[i]!.request.announced
      if (kept[i]!.requestParts !== null) isLarge = true
    }
    this.#queueBytes += bytes
    this.#queueCount += kept.length
    const isFirm = wasInGroup || this.#group === GROUP_SENT
    this.#queue.push({ batch: kept, bytes, sinceMs: this.#settings.world.clock.now(), isFirm })
    if (!gathers) {
      this.#waits = true
      if (this.#queue.length > this.#settings.bufferSize) this.#awaitRoom()
    }
    this.#schedule()
    this.#settings.pump.gather(kept.length, bytes)
    // Its rest would gather too.
    if (isLarge) this.#settings.pump.hurry()
  }

  /** A further part of a request passes by. */
  onPart(outer: Exchange, part: Frame): void {
    if (!this.#way.isOpen) return
    let large = this.#large.get(outer)
    if (large === undefined) {
      // A stage further up still has the head, or has answered it itself.
      this.#forgetAnswered()
      if (outer.at === AT_OWNER) return
      this.#large.set(outer, (large = { parts: new Parts(), copy: null }))
    }
    const { parts, copy } = large
    if (part.flags & FRAME_LAST && copy !== null) this.#large.delete(outer)
    if (parts.error !== null) return
    const own = part.copy()
    if (copy !== null && copy.at !== AT_OWNER) this.#way.showPart(copy, own)
    parts.push(own)
    if (parts.bytes > PARTS_BYTES_MAX) this.#giveUp(large)
  }

  /** The client gave the request up; what it had sent whole is the shadow's all the same. */
  cancel(outer: Exchange): void {
    const large = this.#large.get(outer)
    if (large === undefined) return
    this.#large.delete(outer)
    if (!large.parts.ended) this.#giveUp(large)
  }

  /** A copy was answered, or never will be. */
  done(copy: Exchange): void {
    this.#sentBytes -= copy.request.announced
    if (!this.#waits) return
    this.#waits = false
    this.#schedule()
    this.#settings.pump.hurry()
  }

  /** Sends what waits, whatever there is room for: what follows must not overtake it. */
  flush(): void {
    if (this.#queue.length !== 0 && this.#way.isOpen) this.#sendFirst(this.#queue.length)
    if (this.#queue.length !== 0) this.#leaveOutAll()
  }

  /** The way is closed; nothing more comes for those in `open`, which were sent. */
  // Cold: once a session
  lost(open: Batch): void {
    this.#large.clear()
    const unsent = open.filter(({ state }) => state < WRITTEN)
    this.#settings.dropped.add(unsent.length)
    this.#leaveOutAll()
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  /** What it asked the pump for; how many were sent. */
  runScheduled(): number {
    this.#scheduled = false
    return this.run()
  }

  /** Sends what there is room for; how many that were. */
  run(): number {
    let sent = 0
    while (this.#queue.length !== 0 && this.#takesAfter(0, 0)) {
      let entries = 0
      let count = 0
      let bytes = 0
      for (; entries < this.#queue.length && this.#takesAfter(count, bytes); entries++) {
        count += this.#queue[entries]!.batch.length
        bytes += this.#queue[entries]!.bytes
      }
      sent += count
      this.#sendFirst(entries)
    }
    if (!this.#way.isOpen) this.#leaveOutAll()
    this.#waits = this.#queue.length !== 0
    return sent
  }

  /** All that is in the queue could go, and more. */
  get #takesNext(): boolean {
    return this.#takesAfter(this.#queueCount, this.#queueBytes)
  }

  #takesAfter(count: number, bytes: number): boolean {
    const { sessionInFlightMax, sessionUnsentBytes } = this.#settings.limits
    const { isOpen, isStopped, inFlight } = this.#way
    return isOpen && !isStopped && inFlight + count < sessionInFlightMax && this.#sentBytes + bytes < sessionUnsentBytes
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#settings.pump.add(this)
  }

  /** The oldest so many, as one batch. */
  #sendFirst(entries: number): void {
    const first = this.#queue[0]!
    const { batch } = first
    let { bytes } = first
    for (let i = 1; i < entries; i++) {
      const entry = this.#queue[i]!
      for (let j = 0; j < entry.batch.length; j++) batch.push(entry.batch[j]!)
      bytes += entry.bytes
    }
    this.#queue.splice(0, entries)
    this.#queueBytes -= bytes
    this.#queueCount -= batch.length
    if (batch.length === 0) return
    this.#sentBytes += bytes
    this.#way.send(batch)
  }

  #hasRoom(): boolean {
    const { bufferSize, timeoutMs, limits } = this.#settings
    if (!this.#way.isOpen || this.#queueBytes > limits.sessionUnsentBytes) return false
    return this.#queue.length < bufferSize || timeoutMs > 0
  }

  /** Those of `copies` that go on; the others are left out. */
  #select(copies: Batch, fits: boolean): Batch {
    const queries = this.#settings.protocol.queries
    let kept = copies
    for (let i = 0; i < copies.length; i++) {
      const copy = copies[i]!
      const step = queries?.group?.(copy.request) ?? 0
      if (this.#group === NOT_IN_GROUP && step > 0) this.#group = fits ? GROUP_SENT : GROUP_DROPPED
      const keeps = this.#group === NOT_IN_GROUP ? fits : this.#group === GROUP_SENT && this.#way.isOpen
      if (step < 0) this.#group = NOT_IN_GROUP
      if (keeps) {
        if (kept !== copies) kept.push(copy)
        continue
      }
      if (kept === copies) kept = copies.slice(0, i)
      this.#leaveOut(copy)
    }
    return kept
  }

  // Cold: there is no room
  #leaveOut(copy: Exchange): void {
    copy.requestParts?.abort(new Error('left out'))
    this.#settings.dropped.add(1)
  }

  // Cold: there is no room
  #leaveOutAll(): void {
    for (const { batch } of this.#queue.splice(0)) for (const copy of batch) this.#leaveOut(copy)
    this.#queueBytes = this.#queueCount = 0
  }

  /** More wait than may: the first of those that are too many goes in time, or is left out. */
  // Cold: there is no room
  #awaitRoom(): void {
    if (this.#timer !== null) return
    const { world, bufferSize, timeoutMs } = this.#settings
    const first = this.#queue.find(({ isFirm }, index) => index >= bufferSize && !isFirm)
    if (first === undefined) return
    this.#timer = world.clock.after(first.sinceMs + timeoutMs - world.clock.now(), () => {
      this.#timer = null
      const at = this.#queue.indexOf(first)
      if (at >= bufferSize) {
        this.#queue.splice(at, 1)
        this.#queueBytes -= first.bytes
        this.#queueCount -= first.batch.length
        for (const copy of first.batch) this.#leaveOut(copy)
      }
      this.#awaitRoom()
    })
  }

  // Cold: a large request
  #expectParts(outer: Exchange, copy: Exchange): void {
    const large = this.#large.get(outer)
    if (large === undefined) {
      this.#large.set(outer, { parts: copy.requestParts!, copy })
      return
    }
    copy.requestParts = large.parts
    large.copy = copy
    if (large.parts.ended) this.#large.delete(outer)
  }

  /** Stages further up answered them before they came here. */
  // Cold: a large request
  #forgetAnswered(): void {
    for (const [outer, { copy }] of this.#large) if (copy === null && outer.at === AT_OWNER) this.#large.delete(outer)
  }

  /** The shadow can't keep up with a large request, or nobody will send the rest. */
  // Cold: a large request
  #giveUp({ parts, copy }: Large): void {
    parts.abort(new Error('given up'))
    if (copy === null) return
    this.#settings.dropped.add(1)
    const { announced } = copy.request
    const entry = this.#queue.find(({ batch }) => batch.includes(copy))
    if (entry === undefined) {
      this.#way.cancel([copy])
      this.#sentBytes -= announced
    } else {
      entry.batch.splice(entry.batch.indexOf(copy), 1)
      entry.bytes -= announced
      this.#queueBytes -= announced
      this.#queueCount--
    }
  }
}
