import type { Address, Connection, ConnectionHandler } from '../../src/world/world.ts'
import type { SimWorld } from '../../src/sim/world.ts'
import {
  DATA,
  encode,
  FRAME_BYTES_MAX,
  END,
  HEAD,
  HEADER_BYTES,
  headerAt,
  INTERIM,
  NEWS,
  NO_STREAM,
  OK,
  SUBSCRIBE,
  SWITCH,
  TAIL,
  UNSUBSCRIBE,
  UNTIL_CLOSE,
  Unwrapper,
  VALUE,
  wrap,
  type Order,
} from './format.ts'

/** A whole reply. */
export interface Reply {
  readonly kind: number
  readonly text: string
  readonly interims: number
  readonly frames: number
  /** Length that its header told. */
  readonly length: number
}

interface Asked {
  readonly kind: number
  readonly stream: number
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
  readonly onFrame: ((text: string) => void) | null
  interims: number
  frames: number
  replyKind: number
  length: number
  pieces: string[]
}

/** The connection ended before the reply had come. */
export class ClosedError extends Error {}
/** The proxy broke a promise. */
export class Violation extends Error {}

/** One connection of a client: asks, and gets a promise of the whole reply. */
export class HardClient implements ConnectionHandler {
  readonly sim: SimWorld
  readonly order: Order
  readonly hasStreams: boolean
  connection!: Connection
  /** Called for what was not asked for. */
  onPush: (text: string) => void = (text) => this.violation(`nobody asked for ${text}`)
  closed = false
  /** Its own side has ended. */
  ended = false
  readonly #asked: Asked[] = []
  readonly #forgotten = new Set<number>()
  #bytes: Buffer = Buffer.alloc(0)
  #unwrapper: Unwrapper | null = null
  #over = Promise.withResolvers<void>()
  #untilClose: Asked | null = null

  constructor(sim: SimWorld, order: Order) {
    this.sim = sim
    this.order = order
    this.hasStreams = order !== 'request-order'
  }

  connect(address: Address): Promise<void> {
    return new Promise((resolve, reject) => {
      this.sim.world.net.connect(address, 5000, (error, connection) => {
        if (connection === null) {
          reject(new ClosedError(error!.message))
          return
        }
        this.connection = connection
        connection.handler = this
        resolve()
      })
    })
  }

  violation(text: string): never {
    throw new Violation(text)
  }

  get outstanding(): number {
    return this.#asked.length
  }

  /** Requests that are out, by their kinds. */
  get waitsFor(): number[] {
    return this.#asked.map(({ kind }) => kind)
  }

  get isWrapped(): boolean {
    return this.#unwrapper !== null
  }

  /** Sends a frame, and nothing else. */
  say(kind: number, text: string, stream = 0, flags = END): void {
    if (this.closed) return
    if (this.order === 'streams' && text.length > FRAME_BYTES_MAX) {
      this.say(kind, text.slice(0, FRAME_BYTES_MAX), stream, 0)
      this.say(DATA, text.slice(FRAME_BYTES_MAX), stream, flags)
      return
    }
    const bytes = encode(kind, text, this.hasStreams ? stream : 0, flags)
    this.connection.write(this.#unwrapper === null ? bytes : wrap(bytes))
  }

  /** Bytes as they are. */
  sayRaw(bytes: Buffer): void {
    if (!this.closed) this.connection.write(bytes)
  }

  ask(kind: number, text: string, flags = END): Promise<Reply> {
    const { reply } = this.begin(kind, text, flags)
    return reply
  }

  /** As `ask`, for those who need to know the stream, or look at each frame. */
  begin(kind: number, text: string, flags = END, onFrame: ((text: string) => void) | null = null) {
    const stream = this.#freeStream()
    const reply = this.expect(kind, stream, onFrame)
    this.say(kind, text, stream, flags)
    return { stream, reply }
  }

  /** A reply is to come for what was sent in another way. */
  expect(kind: number, stream = 0, onFrame: ((text: string) => void) | null = null): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    // Whoever looks at it later: an early end is no stray rejection.
    promise.catch(() => {})
    if (this.closed) reject(new ClosedError('the connection is closed'))
    else
      this.#asked.push({
        kind,
        stream,
        resolve,
        reject,
        onFrame,
        interims: 0,
        frames: 0,
        replyKind: 0,
        length: 0,
        pieces: [],
      })
    return promise
  }

  /** Nobody waits for the reply on this stream any more; its stream may be used again. */
  forget(stream: number): void {
    // Where frames alternate streams of what was given up are never used again: its frames may still come.
    if (this.order === 'streams') this.#forgotten.add(stream)
    const index = this.#asked.findIndex((asked) => asked.stream === stream)
    if (index >= 0) this.#asked.splice(index, 1)[0]!.reject(new ClosedError('given up'))
  }

  #freeStream(): number {
    const taken = this.#asked.map(({ stream }) => stream)
    let stream = 0
    while (this.hasStreams && (taken.includes(stream) || this.#forgotten.has(stream))) stream++
    return stream
  }

  end(): void {
    this.ended = true
    this.connection.end()
  }

  /** Settles once the connection is closed. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  onData(bytes: Buffer, start: number, end: number): void {
    const pushed = bytes.subarray(start, end)
    this.#bytes = Buffer.concat([this.#bytes, this.#unwrapper === null ? pushed : this.#unwrapper.add(pushed)])
    while (this.#untilClose === null && this.#next());
    if (this.#untilClose === null) return
    this.#untilClose.pieces.push(this.#bytes.toString('latin1'))
    this.#bytes = Buffer.alloc(0)
  }

  #next(): boolean {
    const header = headerAt(this.#bytes, 0)
    if (header === null) return false
    const { kind, stream, flags, length } = header
    const asked = this.#askedFor(kind, stream)
    const size = HEADER_BYTES + (kind === VALUE && asked?.kind === HEAD ? 0 : length)
    if (this.#bytes.length < size) return false
    const text = this.#bytes.toString('latin1', HEADER_BYTES, size)
    this.#bytes = this.#bytes.subarray(size)
    if (kind === NEWS && !isConfirmation(asked, text, stream, this.hasStreams)) {
      this.onPush(text)
      return true
    }
    if (asked === null && this.#forgotten.has(stream)) return true
    if (asked === null)
      return this.violation(`a reply to nothing: kind ${kind}, stream ${stream}, ${text.slice(0, 50)}`)
    if (kind === INTERIM) asked.interims++
    else this.#took(asked, kind, text, flags, length)
    return true
  }

  #took(asked: Asked, kind: number, text: string, flags: number, length: number): void {
    asked.frames++
    if (kind !== DATA) asked.replyKind = kind
    asked.length = length
    asked.pieces.push(text)
    asked.onFrame?.(text)
    if (flags & UNTIL_CLOSE) this.#untilClose = asked
    if ((flags & END) === 0) return
    this.#settle(asked)
    if (asked.kind !== SWITCH || kind !== OK || this.#unwrapper !== null) return
    this.#unwrapper = new Unwrapper()
    this.#bytes = this.#unwrapper.add(this.#bytes)
  }

  #settle(asked: Asked): void {
    this.#asked.splice(this.#asked.indexOf(asked), 1)
    const { replyKind, pieces, interims, frames, length } = asked
    asked.resolve({ kind: replyKind, text: pieces.join(''), interims, frames, length })
  }

  #askedFor(kind: number, stream: number): Asked | null {
    if (!this.hasStreams) return this.#asked[0] ?? null
    if (kind === NEWS && stream === NO_STREAM) return null
    return this.#asked.find((asked) => asked.stream === stream) ?? null
  }

  onDrain(): void {}

  onEnd(): void {
    if (this.#untilClose !== null && this.#untilClose.kind === TAIL) this.#settle(this.#untilClose)
    if (!this.ended) this.end()
  }

  onClose(): void {
    this.closed = true
    const torn = this.#bytes.length > 0
    for (const asked of this.#asked.splice(0))
      asked.reject(new ClosedError(`the connection was closed${torn ? ' in mid-reply' : ''}`))
    this.#over.resolve()
  }
}

function isConfirmation(asked: Asked | null, text: string, stream: number, hasStreams: boolean): boolean {
  if (hasStreams) return stream !== NO_STREAM
  return (
    (asked?.kind === SUBSCRIBE && text.startsWith('sub ')) || (asked?.kind === UNSUBSCRIBE && text.startsWith('unsub '))
  )
}
