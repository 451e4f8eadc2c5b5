import type { Frame } from '../../../core/frame.ts'
import type { Address, Connection, ConnectionHandler, World } from '../../../world/world.ts'
import { bodyOf, encodeBody, plain } from '../body/body.ts'
import type { Request } from '../body/requests.ts'
import type { Response } from '../body/responses.ts'
import { COMPRESSION_LZ4, compressionNamed } from '../compression.ts'
import { requestFrame, responseFormat } from '../envelope.ts'
import { Envelopes } from '../envelopes.ts'
import { compressBlock, compressedBytesMax } from '../lz4.ts'
import { FLAG_COMPRESSED } from '../opcodes.ts'
import { SegmentFormat } from '../segment.ts'
import { wrapped } from '../wrapping.ts'

const CONNECT_TIMEOUT_MS = 2000

export interface ModelClientOptions {
  readonly version: number
  readonly compression: 'lz4' | null
  /** `null`: the server asks nobody. */
  readonly credentials: { readonly user: string; readonly password: string } | null
}

/** The connection is gone. */
export class ModelClosed extends Error {}

/** A client of the model: one connection, any number of requests at once, each with a stream of its own. */
export class ModelClient implements ConnectionHandler {
  readonly options: ModelClientOptions
  readonly world: World
  /** Called with every event. */
  onEvent: (event: Response) => void = () => {}
  closed = false
  readonly #envelopes = new Envelopes(responseFormat, Infinity)
  readonly #waiting = new Map<number, { resolve(reply: Response): void; reject(error: Error): void }>()
  #segments: SegmentFormat | null = null
  #connection: Connection | null = null
  #started = false
  #over: (() => void)[] = []

  constructor(world: World, options: ModelClientOptions) {
    this.world = world
    this.options = options
    // A server may compress its answer to STARTUP already.
    this.#envelopes.compression = compressionNamed(options.compression ?? undefined)
  }

  get outstanding(): number {
    return this.#waiting.size
  }

  connect(address: Address): Promise<void> {
    return new Promise((resolve, reject) =>
      this.world.net.connect(address, CONNECT_TIMEOUT_MS, (error, connection) => {
        if (connection === null) {
          this.closed = true
          reject(new ModelClosed(error!.message))
          return
        }
        this.#connection = connection
        connection.handler = this
        connection.resume()
        resolve()
      }),
    )
  }

  /** STARTUP, and who it is; the answer that settles it. */
  async start(): Promise<Response> {
    const { compression, credentials } = this.options
    const options = new Map([['CQL_VERSION', '3.0.0']])
    if (compression !== null) options.set('COMPRESSION', compression)
    const reply = await this.ask({ type: 'startup', options }, 0)
    if (reply.type !== 'authenticate') return reply
    const token = Buffer.from(`\0${credentials?.user ?? ''}\0${credentials?.password ?? ''}`)
    return await this.ask({ type: 'auth-response', token }, 0)
  }

  /** Asks, on a stream that is free, or on this one. */
  ask(message: Request, stream = this.freeStream()): Promise<Response> {
    return this.send(encodeBody(plain(this.options.version, message), stream), stream)
  }

  /** Sends a frame of any content. */
  send(frame: Frame, stream: number): Promise<Response> {
    return new Promise((resolve, reject) => {
      if (this.closed) {
        reject(new ModelClosed('closed'))
        return
      }
      this.#waiting.set(stream, { resolve, reject })
      const sent =
        this.#started && this.options.version < 5 && this.options.compression !== null ? compressed(frame) : frame
      this.#connection!.write((this.#segments === null ? sent : wrapped(sent, this.#segments)).toBuffer())
    })
  }

  freeStream(): number {
    for (;;) {
      const stream = Math.floor(this.world.random.next() * 32768)
      if (!this.#waiting.has(stream)) return stream
    }
  }

  pause(): void {
    this.#connection?.pause()
  }

  resume(): void {
    this.#connection?.resume()
  }

  end(): void {
    this.#connection?.end()
  }

  destroy(): void {
    this.#connection?.destroy()
  }

  /** Resolves once the connection is gone. */
  get over(): Promise<void> {
    return this.closed ? Promise.resolve() : new Promise((resolve) => void this.#over.push(resolve))
  }

  onData(bytes: Buffer, start: number, end: number): void {
    this.#envelopes.push(bytes, start, end)
    for (let frame = this.#envelopes.next(); frame !== null; frame = this.#envelopes.next()) this.#take(frame)
    this.#envelopes.keep()
  }

  onDrain(): void {}

  onEnd(): void {
    this.#connection!.end()
  }

  onClose(): void {
    this.closed = true
    for (const { reject } of this.#waiting.values()) reject(new ModelClosed('closed'))
    this.#waiting.clear()
    for (const over of this.#over.splice(0)) over()
  }

  #take(frame: Frame): void {
    const reply = bodyOf(frame).message as Response
    if (frame.stream === -1) {
      this.onEvent(reply)
      return
    }
    const waiting = this.#waiting.get(frame.stream)
    if (waiting === undefined)
      throw new Error(`a reply on stream ${frame.stream}, where nothing was asked: ${reply.type}`)
    this.#waiting.delete(frame.stream)
    if (!this.#started && (reply.type === 'ready' || reply.type === 'authenticate')) this.#begin()
    waiting.resolve(reply)
  }

  /** STARTUP was granted: what follows is compressed, and in outer frames. */
  #begin(): void {
    this.#started = true
    if (this.options.version < 5) return
    this.#segments = new SegmentFormat(this.#envelopes.compression === COMPRESSION_LZ4)
    this.#envelopes.switch(this.#segments)
  }
}

/** The frame with its body compressed, as clients of version 3 and 4 send it. */
function compressed(frame: Frame): Frame {
  const body = frame.toBuffer().subarray(9)
  const block = Buffer.alloc(4 + compressedBytesMax(body.length))
  block.writeInt32BE(body.length)
  const end = compressBlock(body, 0, body.length, block, 4)
  return requestFrame(frame.code & 0x7f, frame.stream, frame.kind, block.subarray(0, end), FLAG_COMPRESSED)
}
