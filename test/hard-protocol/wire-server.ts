import type { Exchange } from '../../src/core/exchange.ts'
import { FRAME_HEAD, FRAME_INTERIM, FRAME_LAST, type Frame } from '../../src/core/frame.ts'
import {
  MATCH_DROP,
  MATCH_PART,
  MATCH_PUSH,
  MATCH_REPLY,
  ProtocolError,
  WIRE_CLEAN,
  WIRE_DIRTY,
  WIRE_OPAQUE,
  type Enclosure,
  type ServerSideWire,
} from '../../src/core/protocol.ts'
import { Cutter } from './cutter.ts'
import {
  ABANDON,
  BEGIN,
  CANCEL,
  COMMIT,
  DONE,
  ERROR,
  GET,
  HEAD,
  HEADER_BYTES,
  KEY,
  NEWS,
  NO_STREAM,
  NOTE,
  OK,
  STEP,
  SUBSCRIBE,
  SWITCH,
  SYNC,
  UNSUBSCRIBE,
  VALUE,
  type Header,
} from './format.ts'
import { replyFrame, retag, segments, wrapped } from './leaving.ts'

/** Streams of a connection: few, so that they run out. */
const STREAMS = 8

/** What was sent and not answered whole. */
interface Slot {
  /** How many were sent before it. */
  readonly order: number
  readonly kind: number
  readonly stream: number
  /** Null: nobody waits for it any more. */
  exchange: Exchange | null
  answering: boolean
  isAnswered: boolean
  /** Its request is not whole yet. */
  isOpen: boolean
}

const NEW = { answering: false, isAnswered: false, isOpen: false }

/** What stands on the proxy's side of a server's connection. */
export class ServerWire implements ServerSideWire {
  matched = MATCH_DROP
  readonly depth: number | undefined
  readonly probe: (() => Frame) | undefined
  /** What the server named this connection, for those who want to cancel what it waits for. */
  key = ''
  readonly #cutter: Cutter
  readonly #hasStreams: boolean
  readonly #slots: Slot[] = []
  readonly #silents: Exchange[] = []
  /** Whose reply comes in parts. */
  #current: Slot | null = null
  #isInPush = false
  enclosure: Enclosure | null = null
  #inTransaction = false
  /** A NOTE was sent, and nothing that came since tells that the server has taken it. */
  #noted = -1
  #sentCount = 0
  /** A step of the group that is being sent failed: the rest of it is skipped. */
  #skipping = false
  readonly #topics = new Set<string>()

  constructor(cutThroughBytes: number, hasStreams: boolean) {
    this.#cutter = new Cutter(cutThroughBytes)
    this.#hasStreams = hasStreams
    this.depth = hasStreams ? STREAMS : undefined
    this.probe = hasStreams ? () => replyFrame(GET, '', 0) : undefined
  }

  get pending(): number {
    return this.#cutter.pending
  }

  get inFlight(): number {
    return this.#slots.length
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#cutter.push(bytes, start, end)
  }

  keep(): void {
    this.#cutter.keep()
  }

  next(): Frame | null {
    return this.#cutter.next((header) => header.kind === VALUE && this.#slotOf(header)?.kind === HEAD)
  }

  leave(frame: Frame, exchange: Exchange | null): Frame {
    let leaving = frame
    if (this.#hasStreams) {
      if (frame.flags & FRAME_HEAD) this.#reserve(exchange!, (frame.flags & FRAME_LAST) === 0)
      const slot = this.#slots.find((other) => other.exchange === exchange)
      leaving = retag(frame, slot?.stream ?? NO_STREAM)
      if (slot !== undefined && frame.flags & FRAME_LAST) {
        slot.isOpen = false
        this.#maybeFree(slot)
      }
    }
    return this.enclosure === null || leaving.whole ? leaving : wrapped(leaving)
  }

  /** A stream that is free: one whose asker is gone is not, before its reply came. */
  #reserve(exchange: Exchange, isOpen: boolean): void {
    const { kind } = exchange.request
    const isSilent = kind === NOTE || kind === CANCEL
    if (isSilent && !isOpen) return
    const taken = this.#slots.map((slot) => slot.stream)
    let stream = 0
    while (taken.includes(stream)) stream++
    if (stream >= STREAMS) throw new Error('more requests in flight than there are streams')
    this.#slots.push({ ...NEW, order: this.#sentCount, kind, stream, exchange, isAnswered: isSilent, isOpen })
  }

  sent(exchange: Exchange): void {
    const { kind } = exchange.request
    if (kind === SYNC) this.#skipping = false
    if (kind === NOTE) this.#noted = this.#sentCount
    this.#sentCount++
    if (kind === NOTE || kind === CANCEL || (kind === STEP && this.#skipping)) this.#silents.push(exchange)
    else if (!this.#hasStreams) this.#slots.push({ ...NEW, order: this.#sentCount, kind, stream: 0, exchange })
  }

  silent(): Exchange | null {
    return this.#silents.shift() ?? null
  }

  match(frame: Frame): Exchange | null {
    if ((frame.flags & (FRAME_HEAD | FRAME_INTERIM)) === 0) {
      if (this.#isInPush) return this.#verdict(MATCH_PUSH, null)
      return this.#matchPart(frame, this.#currentOf(frame))
    }
    this.#isInPush = frame.kind === NEWS && !this.#isConfirmation(frame)
    if (this.#isInPush) return this.#verdict(MATCH_PUSH, null)
    const slot = frame.kind === ERROR ? this.#failedSlot(frame) : this.#slotOf(frame)
    if (slot === null) throw new ProtocolError(`a reply of kind ${frame.kind} to nothing`)
    if (frame.flags & FRAME_INTERIM) return this.#verdict(MATCH_PART, slot.exchange)
    if (slot.answering) {
      frame.flags &= ~FRAME_HEAD
      return this.#matchPart(frame, slot)
    }
    slot.answering = true
    if (frame.flags & FRAME_LAST) this.#answered(slot, frame)
    else this.#current = slot
    return this.#verdict(MATCH_REPLY, slot.exchange)
  }

  #matchPart(frame: Frame, slot: Slot | null): Exchange | null {
    if (slot === null) throw new ProtocolError('a part of nothing')
    if (frame.flags & FRAME_LAST) this.#answered(slot, frame)
    return this.#verdict(MATCH_PART, slot.exchange)
  }

  #verdict(matched: number, exchange: Exchange | null): Exchange | null {
    this.matched = exchange === null && matched !== MATCH_PUSH ? MATCH_DROP : matched
    return exchange
  }

  #currentOf(frame: Frame): Slot | null {
    return this.#hasStreams ? (this.#slots.find((slot) => slot.stream === frame.stream) ?? null) : this.#current
  }

  #slotOf({ kind, stream }: Header | Frame): Slot | null {
    if (this.#hasStreams) return this.#slots.find((slot) => slot.stream === stream) ?? null
    // Steps that went well have no reply of their own: that to the end of their group tells.
    while (kind === DONE && this.#slots[0]?.kind === STEP) this.#silence(this.#slots.shift()!)
    return this.#slots[0] ?? null
  }

  /** In a group the error says which step it is of. */
  #failedSlot(frame: Frame): Slot | null {
    const step = /^step (\d+)/.exec(payloadOf(frame))
    if (step === null || this.#slots[0]?.kind !== STEP) return this.#slotOf(frame)
    for (let left = Number(step[1]); left > 0; left--) this.#silence(this.#slots.shift()!)
    this.#skipping = !this.#slots.some(({ kind }) => kind === SYNC)
    return this.#slots[0]!
  }

  #silence(slot: Slot): void {
    if (slot.exchange !== null) this.#silents.push(slot.exchange)
  }

  #isConfirmation(frame: Frame): boolean {
    if (this.#hasStreams) return frame.stream !== NO_STREAM
    const kind = this.#slots[0]?.kind
    const text = payloadOf(frame)
    return (kind === SUBSCRIBE && text.startsWith('sub ')) || (kind === UNSUBSCRIBE && text.startsWith('unsub '))
  }

  /** The whole reply is there: what does it say of the connection? */
  #answered(slot: Slot, frame: Frame): void {
    slot.isAnswered = true
    this.#maybeFree(slot)
    this.#current = null
    if (slot.order > this.#noted) this.#noted = -1
    const text = slot.kind === HEAD || frame.size > 1000 ? '' : payloadOf(frame)
    if (slot.kind === STEP) while (this.#slots[0]?.kind === STEP) this.#silence(this.#slots.shift()!)
    if (frame.kind === KEY) this.key = text
    if (slot.kind === SUBSCRIBE && frame.kind === NEWS) this.#topics.add(text.slice(4))
    if (slot.kind === UNSUBSCRIBE && frame.kind === NEWS) this.#topics.delete(text.slice(6))
    if (slot.kind === BEGIN && frame.kind === OK) this.#inTransaction = true
    if (slot.kind === COMMIT) this.#inTransaction = false
    if (slot.kind === SWITCH && frame.kind === OK && this.enclosure === null) {
      this.enclosure = segments
      this.#cutter.switch()
    }
  }

  /** Its stream may serve another request. */
  #maybeFree(slot: Slot): void {
    if (slot.isAnswered && !slot.isOpen) this.#slots.splice(this.#slots.indexOf(slot), 1)
  }

  /** A request that the server has not got whole would be waited for. */
  cancel(exchange: Exchange): Frame | null {
    const slot = this.#hasStreams ? this.#slots.find((other) => other.exchange === exchange) : undefined
    if (slot?.isOpen !== true) return null
    slot.isOpen = false
    this.#maybeFree(slot)
    const word = replyFrame(ABANDON, '', slot.stream)
    return this.enclosure === null ? word : wrapped(word)
  }

  abandon(exchange: Exchange): void {
    for (const slot of this.#slots) if (slot.exchange === exchange) slot.exchange = null
  }

  waiting(): Exchange[] {
    return this.#slots.flatMap(({ exchange, isAnswered }) => (exchange === null || isAnswered ? [] : [exchange]))
  }

  takeAll(): Exchange[] {
    const all = this.waiting()
    this.#slots.length = 0
    return all
  }

  eof(): Frame | null {
    if (this.#cutter.untilClose && this.#cutter.pending === 0) return this.#cutter.end()
    if (this.#cutter.torn) throw new ProtocolError('the server left in mid-reply')
    return null
  }

  state(): number {
    if (this.#cutter.untilClose) return WIRE_OPAQUE
    const inGroup = this.#skipping || this.#slots.some(({ kind }) => kind === STEP)
    const isNoted = this.#noted >= 0 && !this.#hasStreams
    return this.#inTransaction || this.#topics.size > 0 || inGroup || isNoted ? WIRE_DIRTY : WIRE_CLEAN
  }
}

function payloadOf(frame: Frame): string {
  return frame.bytes.toString('latin1', frame.start + HEADER_BYTES, frame.end)
}
