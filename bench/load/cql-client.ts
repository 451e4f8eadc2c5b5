import { connect } from 'node:net'
import type { Socket } from 'node:net'
import {
  EnvelopeCutter,
  envelope,
  errorText,
  HEADER_BYTES,
  inOuterFrame,
  opcodeAt,
  OPCODE,
  prepareBody,
  preparedOf,
  queryBody,
  startupBody,
} from './cql-frames.ts'
import type { OnEnvelope, Prepared } from './cql-frames.ts'

const ANSWER_MS = 20_000

/** A connection that asks one thing at a time and waits for it, until `take` gives it over to a load. */
export class CqlClient {
  readonly version: number
  readonly socket: Socket
  readonly #cutter: EnvelopeCutter
  #onEnvelope: OnEnvelope = () => {}
  #onChunk: () => void = () => {}
  #onClose: (error: Error) => void = () => {}
  #started = false

  private constructor(socket: Socket, version: number) {
    this.socket = socket
    this.version = version
    socket.setNoDelay(true)
    this.#cutter = new EnvelopeCutter((bytes, at, end) => this.#onEnvelope(bytes, at, end))
    socket.on('data', (chunk) => {
      this.#cutter.push(chunk as Buffer)
      this.#onChunk()
    })
    let reason = 'the peer closed the connection'
    socket.on('error', (error) => (reason = error.message))
    socket.once('close', () => this.#onClose(new Error(reason)))
  }

  /** Connected and started. */
  static async start(port: number, version: number): Promise<CqlClient> {
    const socket = connect({ port, host: '127.0.0.1' })
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const client = new CqlClient(socket, version)
    try {
      const { opcode } = await client.ask(OPCODE.startup, startupBody())
      if (opcode !== OPCODE.ready) throw new Error(`a STARTUP was answered with opcode ${opcode}`)
    } catch (error) {
      client.close()
      throw error
    }
    client.#started = true
    if (version >= 5) client.#cutter.switch()
    return client
  }

  /** As it leaves on this connection. */
  framed(bytes: Buffer): Buffer {
    return this.#started && this.version >= 5 ? inOuterFrame(bytes) : bytes
  }

  /** Rejects with what an ERROR says. */
  ask(opcode: number, body: Buffer): Promise<{ opcode: number; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer for ${ANSWER_MS / 1000} s`)), ANSWER_MS)
      this.#onClose = reject
      this.#onEnvelope = (bytes, at, end) => {
        clearTimeout(timer)
        const answer = { opcode: opcodeAt(bytes, at), body: Buffer.from(bytes.subarray(at + HEADER_BYTES, end)) }
        if (answer.opcode === OPCODE.error) reject(new Error(errorText(answer.body)))
        else resolve(answer)
      }
      this.socket.write(this.framed(envelope(this.version, 0, opcode, body)))
    })
  }

  async query(statement: string): Promise<Buffer> {
    return (await this.ask(OPCODE.query, queryBody(this.version, statement))).body
  }

  async prepare(statement: string): Promise<Prepared> {
    return preparedOf(this.version, (await this.ask(OPCODE.prepare, prepareBody(this.version, statement))).body)
  }

  /** From now on somebody else writes: gets every envelope, and is told after each read's last one. */
  take(onEnvelope: OnEnvelope, onChunk: () => void, onClose: (error: Error) => void): void {
    this.#onEnvelope = onEnvelope
    this.#onChunk = onChunk
    this.#onClose = onClose
  }

  close(): void {
    this.socket.destroy()
  }
}
