import type { Exchange } from '../../src/core/exchange.ts'
import { FRAME_LAST, type Frame } from '../../src/core/frame.ts'
import { ProtocolError, WIRE_CLEAN, WIRE_OPAQUE, type ClientSideWire, type Enclosure } from '../../src/core/protocol.ts'
import { Cutter } from './cutter.ts'
import { ABANDON, DATA, ERROR, NO_STREAM, OK, STEP, SWITCH, UNTIL_CLOSE } from './format.ts'
import { replyFrame, retag, segments, wrapped } from './leaving.ts'

/** Most requests that a client may have open. */
const STREAMS_MAX = 1000
/** Most steps that a group may have. */
const STEPS_MAX = 1000

interface Open {
  readonly exchange: Exchange
  isWhole: boolean
  isAnswered: boolean
}

/** What stands on the proxy's side of a client's connection. */
export class ClientWire implements ClientSideWire {
  ended = false
  readonly #cutter: Cutter
  readonly #hasStreams: boolean
  readonly #open = new Map<number, Open>()
  readonly #given: Exchange[] = []
  /** Of the group that has not ended. */
  #steps = 0
  /** SWITCH was read and not answered: how to read what follows is not known. */
  #switching = false
  enclosure: Enclosure | null = null
  #untilClose: Exchange | null = null

  constructor(cutThroughBytes: number, hasStreams: boolean) {
    this.#cutter = new Cutter(cutThroughBytes)
    this.#hasStreams = hasStreams
  }

  get pending(): number {
    return this.#cutter.pending
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#cutter.push(bytes, start, end)
  }

  keep(): void {
    this.#cutter.keep()
  }

  next(): Frame | null {
    for (;;) {
      if (this.#switching) return null
      const frame = this.#cutter.next(() => false)
      if (frame === null) return null
      if (frame.kind > DATA)
        throw new ProtocolError(`no request of kind ${frame.kind}`, replyFrame(ERROR, 'unknown', frame.stream))
      if (frame.kind !== ABANDON) {
        if (frame.kind === SWITCH) this.#switching = true
        if (frame.kind === DATA && frame.flags & FRAME_LAST) this.#settle(frame.stream, 'isWhole')
        return frame
      }
      const given = this.#open.get(frame.stream)
      if (given !== undefined) this.#given.push(given.exchange)
      this.#open.delete(frame.stream)
    }
  }

  cancelled(): Exchange | null {
    return this.#given.shift() ?? null
  }

  read(exchange: Exchange): void {
    const { kind, stream } = exchange.request
    const isWhole = (exchange.request.flags & FRAME_LAST) !== 0
    if (this.#hasStreams) this.#open.set(stream, { exchange, isWhole, isAnswered: false })
    this.#steps = kind === STEP ? this.#steps + 1 : 0
  }

  /** A group is answered once it has ended, and a request that waits can be given up. */
  get readsOn(): boolean {
    return this.#hasStreams ? this.#open.size < STREAMS_MAX : this.#steps > 0 && this.#steps < STEPS_MAX
  }

  leave(frame: Frame, exchange: Exchange | null): Frame {
    const stream = exchange === null ? NO_STREAM : exchange.request.stream
    const tagged = this.#hasStreams ? retag(frame, stream) : frame
    const leaving = this.enclosure === null || tagged.whole ? tagged : wrapped(tagged)
    if (exchange === null) return leaving
    if (frame.kind !== ERROR && frame.code === 1 && frame.bytes[frame.start + 1]! & UNTIL_CLOSE)
      this.#untilClose = exchange
    if (frame.flags & FRAME_LAST) {
      if (this.#open.get(stream)?.exchange === exchange) this.#settle(stream, 'isAnswered')
      if (this.#untilClose === exchange) this.ended = true
    }
    if (exchange.request.kind === SWITCH) this.#switched(frame)
    return leaving
  }

  /** A request that was answered before it had ended can still be given up. */
  #settle(stream: number, what: 'isWhole' | 'isAnswered'): void {
    const open = this.#open.get(stream)
    if (open === undefined) return
    open[what] = true
    if (open.isWhole && open.isAnswered) this.#open.delete(stream)
  }

  #switched(reply: Frame): void {
    this.#switching = false
    if (reply.kind !== OK || this.enclosure !== null) return
    this.enclosure = segments
    this.#cutter.switch()
  }

  eof(): Frame | null {
    if (this.#cutter.torn) throw new ProtocolError('the client left in mid-request')
    return null
  }
  state(): number {
    return this.#untilClose === null || this.ended ? WIRE_CLEAN : WIRE_OPAQUE
  }
}
