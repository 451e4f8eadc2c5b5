// Hot path
import type { Exchange } from '../../core/exchange.ts'
import { FRAME_HEAD, FRAME_LAST, type Frame } from '../../core/frame.ts'
import {
  MATCH_DROP,
  MATCH_PART,
  MATCH_PUSH,
  MATCH_REPLY,
  ProtocolError,
  WIRE_CLEAN,
  WIRE_DIRTY,
  type ServerSideWire,
} from '../../core/protocol.ts'
import { COMPRESSION_LZ4, compressionNamed } from './compression.ts'
import { requestFrame, responseFormat, retagged, USES_KEYSPACE, versionOf } from './envelope.ts'
import { Envelopes } from './envelopes.ts'
import {
  AUTH_CHALLENGE,
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  AUTHENTICATE,
  ERROR,
  EXECUTE,
  OPTIONS,
  QUERY,
  READY,
  REGISTER,
  RESULT,
  RESULT_SET_KEYSPACE,
  STARTUP,
} from './opcodes.ts'
import { resultKind } from './result.ts'
import { SegmentFormat } from './segment.ts'
import { startupOptions } from './startup.ts'
import { Streams, STREAMS_MAX } from './streams.ts'
import { wrapped } from './wrapping.ts'

/** What the connection holds of a client. */
const DIRTY_AUTHENTICATING = 1
/** Its identity can't be had again: the server asked for more than one answer. */
const DIRTY_IDENTITY = 2
const DIRTY_REGISTERED = 4
/** STARTUP was refused, or something unknown was sent. */
const DIRTY_UNKNOWN = 8

/** What stands on the proxy's side of a server's connection: gives requests stream ids of its own, and finds whom replies answer. */
export class ServerWire implements ServerSideWire {
  readonly depth = STREAMS_MAX
  matched = MATCH_DROP
  enclosure: SegmentFormat | null = null
  readonly #envelopes: Envelopes
  readonly #streams = new Streams()
  #dirty = 0
  /** Stream of the reply that comes in parts; -1: none, or a push. */
  #current = -1
  /** Version of the STARTUP that is under way. */
  #version = 0

  constructor(cutThroughBytes: number) {
    this.#envelopes = new Envelopes(responseFormat, cutThroughBytes)
  }

  get pending(): number {
    return this.#envelopes.pending
  }

  get inFlight(): number {
    return this.#streams.inFlight
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#envelopes.push(bytes, start, end)
  }

  keep(): void {
    this.#envelopes.keep()
  }

  next(): Frame | null {
    return this.#envelopes.next()
  }

  leave(frame: Frame, exchange: Exchange | null): Frame {
    let leaving = frame
    if (frame.flags & FRAME_HEAD) {
      if (frame.kind === STARTUP) this.#startingUp(frame)
      leaving = retagged(frame, this.#streams.take(exchange!))
    }
    return this.enclosure === null || leaving.whole ? leaving : wrapped(leaving, this.enclosure)
  }

  sent(exchange: Exchange): void {
    const { kind } = exchange.request
    // The server takes the client for registered before its reply is there.
    if (kind === REGISTER) this.#dirty |= DIRTY_REGISTERED
    else if (kind === STARTUP || kind === AUTH_RESPONSE) this.#dirty |= DIRTY_AUTHENTICATING
    else if (kind > AUTH_SUCCESS) this.#dirty |= DIRTY_UNKNOWN
  }

  silent(): Exchange | null {
    return null
  }

  match(frame: Frame): Exchange | null {
    if ((frame.flags & FRAME_HEAD) === 0) return this.#matchPart(frame)
    const { stream } = frame
    const isLast = (frame.flags & FRAME_LAST) !== 0
    if (!isLast) this.#current = stream
    if (stream < 0) {
      this.matched = MATCH_PUSH
      return null
    }
    const opcode = this.#streams.opcode(stream)
    if (opcode < 0) return this.#unasked(frame)
    const exchange = this.#streams.exchange(stream)
    if (opcode === QUERY || opcode === EXECUTE) {
      if (frame.kind === RESULT) this.#checkKeyspace(frame, exchange)
    } else this.#learn(opcode, frame)
    if (isLast) this.#streams.release(stream)
    this.matched = exchange === null ? MATCH_DROP : MATCH_REPLY
    return exchange
  }

  #matchPart(frame: Frame): Exchange | null {
    const stream = this.#current
    if (stream < 0) {
      this.matched = MATCH_PUSH
      return null
    }
    const exchange = this.#streams.opcode(stream) < 0 ? null : this.#streams.exchange(stream)
    if (frame.flags & FRAME_LAST) {
      if (this.#streams.opcode(stream) >= 0) this.#streams.release(stream)
      this.#current = -1
    }
    this.matched = exchange === null ? MATCH_DROP : MATCH_PART
    return exchange
  }

  /** An error that is about the connection comes on stream 0, whether that is in flight or not. */
  // Cold: the server is about to close the connection, or is broken
  #unasked(frame: Frame): null {
    if (frame.kind !== ERROR)
      throw new ProtocolError(`the server answered on stream ${frame.stream}, which is not in use`)
    this.matched = MATCH_DROP
    this.#dirty |= DIRTY_UNKNOWN
    return null
  }

  /** USE changes what all later requests of the connection mean: only where its session asked for that may it. */
  #checkKeyspace(reply: Frame, exchange: Exchange | null): void {
    if (resultKind(reply) !== RESULT_SET_KEYSPACE) return
    if (exchange === null || (exchange.request.code & USES_KEYSPACE) === 0)
      throw new ProtocolError('the server changed the keyspace of a connection unexpectedly')
  }

  // Cold: once a connection
  #startingUp(request: Frame): void {
    this.#version = versionOf(request)
    // The answer may be compressed already.
    this.#envelopes.compression = compressionNamed(startupOptions(request)?.get('COMPRESSION'))
  }

  /** What a reply says of the connection. */
  #learn(opcode: number, reply: Frame): void {
    if (opcode === STARTUP) this.#started(reply)
    else if (opcode === AUTH_RESPONSE) this.#authenticated(reply)
  }

  // Cold: once a connection
  #started(reply: Frame): void {
    if (reply.kind === READY) this.#dirty &= ~DIRTY_AUTHENTICATING
    else if (reply.kind !== AUTHENTICATE) {
      this.#dirty |= DIRTY_UNKNOWN
      return
    }
    if (this.#version < 5 || this.enclosure !== null) return
    this.enclosure = new SegmentFormat(this.#envelopes.compression === COMPRESSION_LZ4)
    this.#envelopes.switch(this.enclosure)
  }

  // Cold: once a connection
  #authenticated(reply: Frame): void {
    if (reply.kind === AUTH_CHALLENGE) this.#dirty |= DIRTY_IDENTITY
    if (reply.kind === AUTH_SUCCESS) this.#dirty &= ~DIRTY_AUTHENTICATING
  }

  // Cold: the server has said nothing for a while
  probe(): Frame {
    return requestFrame(this.#version, 0, OPTIONS, Buffer.alloc(0))
  }

  abandon(exchange: Exchange): void {
    this.#streams.abandon(exchange)
  }

  waiting(): Exchange[] {
    return this.#streams.waiting()
  }

  takeAll(): Exchange[] {
    const all = this.#streams.waiting()
    this.#streams.clear()
    return all
  }

  eof(): Frame | null {
    if (this.#envelopes.isTorn) throw new ProtocolError('the server closed the connection inside a reply')
    return null
  }

  state(): number {
    return this.#dirty === 0 ? WIRE_CLEAN : WIRE_DIRTY
  }
}
