import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { EnvelopeCutter, envelope, inOuterFrame, isResponse, opcodeAt, OPCODE, streamAt } from '../load/cql-frames.ts'

// A node that costs next to nothing, so that what stands before it is what a measurement shows: `node fast-node.ts OPTIONS`, options in
// JSON. Every EXECUTE is answered with the same row at once; all else is asked of a real node, which alone knows statements and tables.

export interface FastNode {
  readonly port: number
  readonly backendPort: number
  /** Body of the RESULT that every EXECUTE is answered with, in base64. */
  readonly row: string
}

const RESPONSE = 0x80

/** One client, and its connection to the real node. */
class Pair {
  readonly #client: Socket
  readonly #node: Socket
  readonly #row: Buffer
  readonly #fromClient = new EnvelopeCutter((bytes, at, end) => this.#request(bytes, at, end))
  readonly #fromNode = new EnvelopeCutter((bytes, at, end) => this.#reply(bytes, at, end))
  /** Of the STARTUP that is under way; 0: none is. */
  #starting = 0
  #isOuter = false
  /** What leaves for each stream that was answered before. */
  readonly #answers: Buffer[] = []
  /** What a read's requests are answered with. */
  readonly #leaving: Buffer[] = []

  constructor(client: Socket, node: Socket, row: Buffer) {
    this.#client = client
    this.#node = node
    this.#row = row
    client.on('data', (chunk) => {
      this.#fromClient.push(chunk as Buffer)
      if (this.#leaving.length === 0) return
      client.write(this.#leaving.length === 1 ? this.#leaving[0]! : Buffer.concat(this.#leaving))
      this.#leaving.length = 0
    })
    node.on('data', (chunk) => this.#fromNode.push(chunk as Buffer))
    for (const [one, other] of [
      [client, node],
      [node, client],
    ] as const)
      one.on('error', () => {}).once('close', () => other.destroy())
  }

  #request(bytes: Buffer, at: number, end: number): void {
    const opcode = opcodeAt(bytes, at)
    if (opcode === OPCODE.execute) this.#leaving.push(this.#answer(bytes[at]!, streamAt(bytes, at)))
    else {
      if (opcode === OPCODE.startup) this.#starting = bytes[at]!
      this.#node.write(this.#framed(bytes.subarray(at, end)))
    }
  }

  #answer(version: number, stream: number): Buffer {
    return (this.#answers[stream] ??= this.#framed(envelope(version | RESPONSE, stream, OPCODE.result, this.#row)))
  }

  #reply(bytes: Buffer, at: number, end: number): void {
    if (!isResponse(bytes, at)) throw new Error('the node sent a request')
    this.#client.write(this.#framed(bytes.subarray(at, end)))
    if (this.#starting === 0 || opcodeAt(bytes, at) === OPCODE.supported) return
    if (this.#starting >= 5 && opcodeAt(bytes, at) === OPCODE.ready) {
      this.#isOuter = true
      this.#fromClient.switch()
      this.#fromNode.switch()
    }
    this.#starting = 0
  }

  /** The bytes are lent: what leaves is a copy. */
  #framed(bytes: Buffer): Buffer {
    return this.#isOuter ? inOuterFrame(bytes) : Buffer.from(bytes)
  }
}

if (import.meta.main) {
  const { port, backendPort, row } = JSON.parse(process.argv[2]!) as FastNode
  const body = Buffer.from(row, 'base64')
  createServer({ noDelay: true }, (client) => {
    new Pair(client, connect({ port: backendPort, host: '127.0.0.1', noDelay: true }), body)
  }).listen({ port, host: '127.0.0.1' })
}
