// Hot path
import { AT_OWNER, WRITTEN, type Batch, type Exchange } from '../core/exchange.ts'
import { FRAME_LAST, type Frame } from '../core/frame.ts'
import type { Counter, Limits } from '../core/kind.ts'
import { Parts } from '../core/parts.ts'
import type { Protocol } from '../core/protocol.ts'
import type { Timer, World } from '../world/world.ts'

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

/** Sends the copies of all clients of a Tee in turns of their own, so that they take no time from the turns in which originals pass. */
export class Pump {
  readonly #world: World
  #waiting: Shadow[] = []

  constructor(world: World) {
    this.#world = world
  }

  /** `shadow` has something to send. */
  add(shadow: Shadow): void {
    if (this.#waiting.push(shadow) === 1) this.#world.clock.after(0, () => this.#run())
  }

  #run(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let i = 0; i < waiting.length; i++) waiting[i]!.runScheduled()
  }
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

  /** Takes copies, or leaves them out. They leave in a turn of their own. */
  offer(copies: Batch): void {
    if (this.#queue.length >= this.#settings.bufferSize) this.run()
    const wasInGroup = this.#group === GROUP_SENT
    const kept = this.#select(copies, this.#hasRoom())
    if (kept.length === 0) return
    let bytes = 0
    for (let i = 0; i < kept.length; i++) bytes += kept[i]!.request.announced
    this.#queueBytes += bytes
    const isFirm = wasInGroup || this.#group === GROUP_SENT
    this.#queue.push({ batch: kept, bytes, sinceMs: this.#settings.world.clock.now(), isFirm })
    if (this.#queue.length > this.#settings.bufferSize) this.#awaitRoom()
    this.#schedule()
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
    if (this.#queue.length !== 0) this.#schedule()
  }

  /** Sends what waits, whatever there is room for: what follows must not overtake it. */
  flush(): void {
    while (this.#queue.length !== 0 && this.#way.isOpen) this.#sendFirst()
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

  /** What it asked the pump for. */
  runScheduled(): void {
    this.#scheduled = false
    this.run()
  }

  /** Sends what there is room for. */
  run(): void {
    const { limits } = this.#settings
    const way = this.#way
    while (
      this.#queue.length !== 0 &&
      way.isOpen &&
      !way.isStopped &&
      way.inFlight < limits.sessionInFlightMax &&
      this.#sentBytes < limits.sessionUnsentBytes
    )
      this.#sendFirst()
    if (!way.isOpen) this.#leaveOutAll()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#settings.pump.add(this)
  }

  #sendFirst(): void {
    const { batch, bytes } = this.#queue.shift()!
    this.#queueBytes -= bytes
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
    this.#queueBytes = 0
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
    }
  }
}
