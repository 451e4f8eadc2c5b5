import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Frame } from '../../src/core/frame.ts'
import { COMPRESSION_LZ4, compressionNamed } from '../../src/protocols/cassandra/compression.ts'
import {
  HEADER_BYTES,
  requestFormat,
  responseFormat,
  responseFrame,
  versionOf,
} from '../../src/protocols/cassandra/envelope.ts'
import { Envelopes } from '../../src/protocols/cassandra/envelopes.ts'
import { QUERY, READY, RESULT, STARTUP } from '../../src/protocols/cassandra/opcodes.ts'
import { SegmentFormat } from '../../src/protocols/cassandra/segment.ts'
import { startupOptions } from '../../src/protocols/cassandra/startup.ts'
import { wrapped } from '../../src/protocols/cassandra/wrapping.ts'
import { int, query, startup } from '../cassandra.ts'

// What the attacks on Cassandra share: a node that does as it is told, and clients that say anything.

const EMPTY = Buffer.alloc(0)
const VOID = int(1)

/** What a node answers to a request: frames, or bytes of any kind, which are not wrapped; null: nothing. */
export type Conduct = (request: Frame, socket: Socket) => Frame | Buffer | null

export const bytes = (...values: number[]) => Buffer.from(values)
export const of = (text: string, times: number) => Buffer.from(text.repeat(times))

/** READY, or a result without anything. */
export const obliging = (request: Frame): Frame => {
  const { kind, stream } = request
  return responseFrame(versionOf(request), stream, kind === STARTUP ? READY : RESULT, kind === STARTUP ? EMPTY : VOID)
}

/** A node that does not read what it is asked, and answers as `conduct` does. */
export class PlainNode {
  conduct: Conduct = obliging
  connections = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  constructor() {
    this.#server = createServer((socket) => this.#accept(socket))
  }

  async listen(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  #accept(socket: Socket): void {
    this.connections++
    this.#sockets.add(socket)
    const envelopes = new Envelopes(requestFormat, Infinity)
    let segments: SegmentFormat | null = null
    socket.on('error', () => {}) // it is one of those it brought about itself
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (bytes: Buffer) => {
      envelopes.push(bytes, 0, bytes.length)
      for (let frame = envelopes.next(); frame !== null; frame = envelopes.next()) {
        const answer = this.conduct(frame, socket)
        if (Buffer.isBuffer(answer)) socket.write(answer)
        else if (answer !== null) socket.write((segments === null ? answer : wrapped(answer, segments)).toBuffer())
        if (frame.kind !== STARTUP || versionOf(frame) < 5) continue
        segments = new SegmentFormat(compressionNamed(startupOptions(frame)?.get('COMPRESSION')) === COMPRESSION_LZ4)
        envelopes.switch(segments)
      }
      envelopes.keep()
    })
  }

  drop(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  close(): void {
    this.drop()
    this.#server.close()
  }
}

/** A connection, and what has come on it. */
export class Attacker {
  readonly socket: Socket
  readonly frames: Frame[] = []
  closed = false
  readonly #envelopes = new Envelopes(responseFormat, Infinity)
  #watchers: (() => void)[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {}) // a reset is what some are for
    socket.on('close', () => {
      this.closed = true
      this.#tell()
    })
    socket.on('data', (bytes: Buffer) => {
      this.#envelopes.push(bytes, 0, bytes.length)
      for (let frame = this.#envelopes.next(); frame !== null; frame = this.#envelopes.next())
        this.frames.push(frame.own())
      this.#envelopes.keep()
      this.#tell()
    })
  }

  static async connect(port: number): Promise<Attacker> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const attacker = new Attacker(socket)
    await once(socket, 'connect')
    return attacker
  }

  /** One that has been granted STARTUP. */
  static async started(port: number, version: number, compression: 'lz4' | 'snappy' | null): Promise<Attacker> {
    const attacker = await Attacker.connect(port)
    attacker.socket.write(startup(version, compression === null ? {} : { COMPRESSION: compression }).toBuffer())
    await attacker.answered(1)
    if (version >= 5) attacker.#envelopes.switch(new SegmentFormat(compression === 'lz4'))
    return attacker
  }

  /** Resolves when so many frames have come, or the connection is closed. Rejects when that takes too long. */
  async answered(count: number, waitMs = 20_000): Promise<void> {
    const deadline = AbortSignal.timeout(waitMs)
    while (this.frames.length < count && !this.closed) {
      deadline.throwIfAborted()
      await new Promise<void>((resolve) => {
        this.#watchers.push(resolve)
        deadline.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  #tell(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** Somebody who means no harm is served. */
export async function isServed(port: number, version = 4): Promise<boolean> {
  const client = await Attacker.started(port, version, null)
  const asked = query(version, 'SELECT * FROM t', 5)
  client.socket.write((version < 5 ? asked : wrapped(asked, new SegmentFormat(false))).toBuffer())
  await client.answered(2)
  const answer = client.frames[1]
  client.destroy()
  return answer?.kind === RESULT && answer.stream === 5
}

/** A frame of any kind, whose header says that `length` bytes follow. */
export function envelope(
  version: number,
  kind: number,
  body: Buffer,
  length = body.length,
  flags = 0,
  stream = 3,
): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.set([version, flags, stream >> 8, stream & 255, kind])
  header.writeInt32BE(length | 0, 5)
  return Buffer.concat([header, body])
}

/** A QUERY of this text, at ONE. */
export function queryBody(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([int(bytes.length), bytes, Buffer.from([0, 1, 0])])
}

export const queryFrame = (text: string | Buffer) => envelope(4, QUERY, queryBody(text))
