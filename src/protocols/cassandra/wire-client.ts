// Hot path
import type { Exchange } from '../../core/exchange.ts'
import { FRAME_HEAD, FRAME_LAST, type Frame } from '../../core/frame.ts'
import { ProtocolError, WIRE_CLEAN, type ClientSideWire } from '../../core/protocol.ts'
import { COMPRESSION_LZ4, compressionNamed } from './compression.ts'
import { checkVersion, errorFrame, requestFormat, retagged, versionOf } from './envelope.ts'
import { Envelopes } from './envelopes.ts'
import { AUTHENTICATE, ERROR, ERROR_PROTOCOL, PREPARE, READY, STARTUP } from './opcodes.ts'
import type { PreparedStatements } from './prepared.ts'
import { errorCode } from './result.ts'
import { SegmentFormat } from './segment.ts'
import { startupOptions } from './startup.ts'
import { wrapped } from './wrapping.ts'

/** Requests that a client may have open beyond what sessions are given: streams are there so that none waits for another. */
const OPEN_MAX = 2048
/** Bytes of them: they are kept until they are answered. */
const OPEN_BYTES_MAX = 8 * 1024 * 1024

/** What stands on the proxy's side of a client's connection: cuts requests, and gives replies the ids and the shape of its client. */
export class ClientWire implements ClientSideWire {
  /** What left last was the answer to a STARTUP that no server goes on after. */
  ended = false
  enclosure: SegmentFormat | null = null
  readonly #envelopes: Envelopes
  /** Version that the connection was started with; 0: not yet. */
  #version = 0
  /** Version of the last STARTUP that was read; 0: none was. */
  #begun = 0
  /** STARTUP was read and not answered: how to read what follows is not known. */
  #starting = false
  #open = 0
  #openBytes = 0
  readonly #prepared: PreparedStatements

  constructor(cutThroughBytes: number, prepared: PreparedStatements) {
    this.#prepared = prepared
    this.#envelopes = new Envelopes(requestFormat, cutThroughBytes)
  }

  get pending(): number {
    return this.#envelopes.pending
  }

  get version(): string | null {
    return this.#begun === 0 ? null : `v${this.#begun}`
  }

  get readsOn(): boolean {
    return this.#open < OPEN_MAX && this.#openBytes < OPEN_BYTES_MAX
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#envelopes.push(bytes, start, end)
  }

  keep(): void {
    this.#envelopes.keep()
  }

  next(): Frame | null {
    if (this.#starting) return null
    const frame = this.#envelopes.next()
    if (frame === null) {
      // A client of another version may send less than a header before it waits for the answer.
      if (this.#version === 0 && this.#envelopes.first >= 0) checkVersion(this.#envelopes.first)
      return null
    }
    if (frame.flags & FRAME_HEAD) {
      if (this.#version !== 0 && versionOf(frame) !== this.#version) this.#refuseVersion(frame)
      if (frame.kind === STARTUP && this.#version === 0) this.#begin(frame)
    }
    return frame
  }

  // Cold: once a connection
  #begin(startup: Frame): void {
    this.#starting = true
    this.#begun = versionOf(startup)
  }

  read({ request }: Exchange): void {
    this.#open++
    this.#openBytes += request.announced
  }

  leave(frame: Frame, exchange: Exchange | null): Frame {
    let leaving = frame
    if (exchange !== null) {
      if (frame.flags & FRAME_HEAD) {
        if (exchange.request.kind === PREPARE) this.#prepared.learn(exchange.request, frame)
        leaving = retagged(frame, exchange.request.stream)
      }
      if (frame.flags & FRAME_LAST) this.#answer(exchange.request)
    }
    if (this.enclosure !== null) return leaving.whole ? leaving : wrapped(leaving, this.enclosure)
    if (this.#starting && exchange !== null && exchange.request.kind === STARTUP)
      this.#answered(exchange.request, frame)
    return leaving
  }

  #answer(request: Frame): void {
    this.#open--
    // A stage may have put another request in its place: what was counted wrong is forgotten when nothing is open.
    this.#openBytes = this.#open === 0 ? 0 : this.#openBytes - request.announced
  }

  /** The answer to STARTUP is leaving, in the old way still. */
  // Cold: once a connection
  #answered(request: Frame, reply: Frame): void {
    this.#starting = false
    if (reply.kind === ERROR && errorCode(reply) === ERROR_PROTOCOL) this.ended = true
    if (reply.kind !== READY && reply.kind !== AUTHENTICATE) return
    this.#version = versionOf(request)
    const compression = compressionNamed(startupOptions(request)?.get('COMPRESSION'))
    this.#envelopes.compression = compression
    if (this.#version < 5) return
    this.enclosure = new SegmentFormat(compression === COMPRESSION_LZ4)
    this.#envelopes.switch(this.enclosure)
  }

  // Cold: the session ends
  #refuseVersion(frame: Frame): never {
    const text = `Invalid message version. Got ${versionOf(frame)}/v${versionOf(frame)} but previous messages on this connection had version ${this.#version}/v${this.#version}`
    throw new ProtocolError(text, errorFrame(this.#version, frame.stream, ERROR_PROTOCOL, text))
  }

  eof(): Frame | null {
    if (this.#envelopes.isTorn) throw new ProtocolError('the client closed the connection inside a request')
    return null
  }

  state(): number {
    return WIRE_CLEAN
  }
}
