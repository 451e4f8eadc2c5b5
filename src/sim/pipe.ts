import { crc32 } from 'node:zlib'
import type { SimConnection } from './connection.ts'
import type { SimWorld } from './world.ts'

/** Most that one delivery hands over: the size of the read buffer in the real world. */
const DELIVERY_BYTES_MAX = 64 * 1024
/** A delivery may start anywhere in its buffer: nobody may count on 0. */
const START_MAX = 16
/** What lent bytes become when the call that lent them has returned. */
const POISON = 0xee

const lent = Buffer.alloc(START_MAX + DELIVERY_BYTES_MAX, POISON)

/** Bytes that the kernel took; FIN where `bytes` is null. */
interface Segment {
  bytes: Buffer | null
  taken: number
  readonly arrivalMs: number
}

/** A caller's buffer that the kernel has not wholly taken: it belongs to the connection and must not change. */
interface Kept {
  readonly bytes: Buffer
  readonly sum: number
  taken: number
}

/** One direction of a link: the sender's kernel, the wire and the receiver's kernel as one bounded queue, in order. */
export class Pipe {
  readonly #sim: SimWorld
  readonly #from: SimConnection
  readonly #to: SimConnection
  readonly #latencyMs: number
  readonly #capacity: number
  #segments: Segment[] = []
  /** Bytes that the kernels hold. */
  queuedBytes = 0
  #kept: Kept[] = []
  #lastArrivalMs = 0
  #cloggedUntilMs = 0
  #armed = false
  #drainOwed = false
  #ackPending = false
  #finWanted = false
  /** Bytes of callers' buffers that the kernel has not taken. */
  keptBytes = 0
  /** Everything written was taken and FIN follows it. */
  finSent = false
  /** RST is on its way. */
  #resetting = false
  /** RST arrived: what was not read by now never will be. */
  #dead = false

  constructor(sim: SimWorld, from: SimConnection, to: SimConnection, latencyMs: number) {
    this.#sim = sim
    this.#from = from
    this.#to = to
    this.#latencyMs = latencyMs
    this.#capacity = sim.random.between(sim.options.bufferBytesMin, sim.options.bufferBytesMax)
  }

  /** Takes what the kernel has room for. False: `bytes` stays the caller's, unchanged, until the drain. */
  write(bytes: Buffer): boolean {
    this.#kept.push({ bytes, sum: crc32(bytes), taken: 0 })
    this.keptBytes += bytes.length
    this.#take()
    if (this.keptBytes === 0) return true
    this.#drainOwed = true
    return false
  }

  /** FIN after everything written. */
  end(): void {
    this.#finWanted = true
    this.#take()
  }

  /** The sender is gone: what the kernel did not take is dropped. */
  drop(): void {
    this.#kept.length = 0
    this.keptBytes = 0
    this.#drainOwed = false
  }

  /** RST: the receiver loses its connection. */
  reset(): void {
    if (this.#resetting) return
    this.#resetting = true
    if (this.keptBytes > 0) this.#from.writeLost()
    this.drop()
    this.#sim.schedule.add(this.#arrival(), () => {
      this.#dead = true
      this.#to.resetArrived()
    })
  }

  /** Stops the direction for `ms`. */
  clog(ms: number): void {
    this.#cloggedUntilMs = Math.max(this.#cloggedUntilMs, this.#sim.nowMs + ms)
  }

  /** Bytes have arrived that nobody has read. */
  get unread(): boolean {
    const first = this.#segments[0]
    return first !== undefined && first.bytes !== null && first.arrivalMs <= this.#sim.nowMs
  }

  #arrival(): number {
    const arrivalMs = this.#sim.nowMs + this.#latencyMs * (0.5 + this.#sim.random.next())
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, arrivalMs)
    return this.#lastArrivalMs
  }

  #take(): void {
    while (this.#kept.length > 0) {
      const kept = this.#kept[0]!
      const size = Math.min(kept.bytes.length - kept.taken, this.#capacity - this.queuedBytes)
      if (size <= 0) {
        this.arm()
        return
      }
      const bytes = Buffer.from(kept.bytes.subarray(kept.taken, kept.taken + size))
      this.#segments.push({ bytes, taken: 0, arrivalMs: this.#arrival() })
      this.queuedBytes += size
      this.keptBytes -= size
      kept.taken += size
      if (kept.taken < kept.bytes.length) continue
      if (crc32(kept.bytes) !== kept.sum)
        throw new Error(`bytes given to write() of connection #${this.#from.id} changed before onDrain`)
      this.#kept.shift()
    }
    if (this.#drainOwed) this.#sim.schedule.add(this.#sim.nowMs, () => this.#drain())
    if (this.#finWanted && !this.finSent) {
      this.finSent = true
      this.#segments.push({ bytes: null, taken: 0, arrivalMs: this.#arrival() })
      this.#from.finSent()
    }
    this.arm()
  }

  #drain(): void {
    if (!this.#drainOwed || this.keptBytes > 0) return
    this.#drainOwed = false
    this.#from.drained()
  }

  /** Plans the next delivery, if one is possible. */
  arm(delayMs = 0): void {
    const first = this.#segments[0]
    if (this.#armed || first === undefined || this.#dead) return
    if (!this.#to.gone && !this.#to.reading) return
    this.#armed = true
    const atMs = Math.max(first.arrivalMs, this.#cloggedUntilMs, this.#sim.nowMs + delayMs)
    this.#sim.schedule.add(atMs, () => {
      this.#armed = false
      this.#deliver()
    })
  }

  #deliver(): void {
    const { random, options, nowMs } = this.#sim
    if (this.#to.gone) {
      this.#bounce()
      return
    }
    if (this.#dead || !this.#to.reading || this.#segments.length === 0) return
    if (random.chance(options.clogChance)) this.clog(random.next() * options.clogMs)
    if (this.#cloggedUntilMs > nowMs) {
      this.arm()
      return
    }
    if (random.chance(options.resetChance)) {
      this.#sim.trace.note(nowMs, 'reset', this.#to.id, 0)
      this.#from.cut()
      return
    }
    if (this.#segments[0]!.bytes === null) {
      this.#segments.shift()
      this.#to.finArrived()
      return
    }
    const torn = this.#deliverBytes()
    this.arm(torn ? random.next() * this.#latencyMs : 0)
  }

  #deliverBytes(): boolean {
    const { random, options, nowMs } = this.#sim
    let available = 0
    for (const segment of this.#segments) {
      if (segment.bytes === null || segment.arrivalMs > nowMs || available >= DELIVERY_BYTES_MAX) break
      available += segment.bytes.length - segment.taken
    }
    let size = Math.min(available, DELIVERY_BYTES_MAX)
    const torn = size > 1 && random.chance(options.tearChance)
    if (torn) size = random.between(1, random.chance(0.5) ? Math.min(size, 24) : size)
    const start = random.below(START_MAX)
    let filled = start
    while (filled < start + size) {
      const segment = this.#segments[0]!
      const bytes = segment.bytes!
      const count = Math.min(start + size - filled, bytes.length - segment.taken)
      bytes.copy(lent, filled, segment.taken, segment.taken + count)
      filled += count
      segment.taken += count
      if (segment.taken === bytes.length) this.#segments.shift()
    }
    this.queuedBytes -= size
    this.#acknowledge()
    this.#sim.trace.note(nowMs, 'data', this.#to.id, size, crc32(lent.subarray(start, filled)))
    try {
      this.#to.handler.onData(lent, start, filled)
    } finally {
      lent.fill(POISON, start, filled)
    }
    return torn
  }

  /** The sender's kernel learns of the room a little later. */
  #acknowledge(): void {
    if (this.keptBytes === 0 || this.#ackPending) return
    this.#ackPending = true
    this.#sim.schedule.add(this.#sim.nowMs + this.#latencyMs * this.#sim.random.next(), () => {
      this.#ackPending = false
      if (!this.#resetting) this.#take()
    })
  }

  /** Bytes for a socket that is closed are answered with RST; FIN is not. */
  #bounce(): void {
    const bytes = this.#segments.some((segment) => segment.bytes !== null)
    this.#segments.length = 0
    this.queuedBytes = 0
    if (bytes) this.#to.answerReset()
  }
}
