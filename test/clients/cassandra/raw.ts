import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Frame } from '../../../src/core/frame.ts'
import { bodyOf, encodeBody, plain } from '../../../src/protocols/cassandra/body/body.ts'
import type { Request } from '../../../src/protocols/cassandra/body/requests.ts'
import { responseFormat } from '../../../src/protocols/cassandra/envelope.ts'
import { Envelopes } from '../../../src/protocols/cassandra/envelopes.ts'
import { READY } from '../../../src/protocols/cassandra/opcodes.ts'
import { SegmentFormat } from '../../../src/protocols/cassandra/segment.ts'

/** A client that says what it is told to, and sees frames: one request at a time, without compression. */
export class RawClient {
  readonly version: number
  /** Events that came. */
  readonly events: Frame[] = []
  readonly #socket: Socket
  readonly #envelopes = new Envelopes(responseFormat, Infinity)
  #segments: SegmentFormat | null = null
  #take: ((reply: Frame) => void) | null = null

  private constructor(socket: Socket, version: number) {
    this.#socket = socket
    this.version = version
    socket.on('data', (bytes: Buffer) => {
      this.#envelopes.push(bytes, 0, bytes.length)
      for (let frame = this.#envelopes.next(); frame !== null; frame = this.#envelopes.next()) {
        if (frame.stream < 0) this.events.push(frame.own())
        else this.#take?.(frame.own())
      }
      this.#envelopes.keep()
    })
  }

  /** Rejects where nobody listens, or wants to know who asks. */
  static async connect(port: number, version: number, host = '127.0.0.1'): Promise<RawClient> {
    const socket = connect({ host, port })
    await once(socket, 'connect')
    const client = new RawClient(socket, version)
    const started = await client.ask({ type: 'startup', options: new Map([['CQL_VERSION', '3.0.0']]) })
    if (started.kind !== READY) throw new Error(`the server said ${JSON.stringify(bodyOf(started).message)}`)
    if (version >= 5) {
      client.#segments = new SegmentFormat(false)
      client.#envelopes.switch(client.#segments)
    }
    return client
  }

  send(request: Frame): Promise<Frame> {
    const bytes = request.toBuffer()
    this.#socket.write(this.#segments === null ? bytes : this.#segments.wrap(bytes, 0, bytes.length, true))
    return new Promise((resolve) => (this.#take = resolve))
  }

  ask(message: Request): Promise<Frame> {
    return this.send(encodeBody(plain(this.version, message), 1))
  }

  close(): void {
    this.#socket.destroy()
  }
}
