import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ReplyParser, showReply, type Reply } from '../../src/protocols/valkey/model/reply-parser.ts'
import { request } from './lines.ts'

/** A reply with the bytes that it came as. */
export interface RawReply {
  readonly bytes: Buffer
  readonly reply: Reply
}

/** Longest wait for a reply, or for the end. */
const WAIT_MS = 8000

/** A client that knows no commands: it writes bytes and collects replies. */
export class RawClient {
  readonly replies: RawReply[] = []
  /** The other side closed, or reset, the connection. */
  closed = false
  readonly socket: Socket
  readonly #parser = new ReplyParser()
  #pending = Buffer.alloc(0)
  #wake: (() => void) | null = null

  /** A client that is connected. */
  static async open(port: number): Promise<RawClient> {
    const client = new RawClient(port)
    await once(client.socket, 'connect')
    return client
  }

  private constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes))
    this.socket.on('error', () => this.#end()) // reset: as closed as it gets
    this.socket.on('close', () => this.#end())
    this.socket.on('end', () => this.#end())
  }

  /** Bytes that are no whole reply. */
  get rest(): Buffer {
    return this.#pending
  }

  write(bytes: Buffer | string): void {
    if (!this.socket.destroyed) this.socket.write(bytes)
  }

  send(...words: (string | Buffer)[]): void {
    this.write(request(words))
  }

  /** Sends a request and waits for one reply, as one line that shows it; `closed` when there is none. */
  async ask(...words: (string | Buffer)[]): Promise<string> {
    const before = this.replies.length
    this.send(...words)
    return await this.shown(before)
  }

  /** The reply number `index`, once it is there. */
  async shown(index: number): Promise<string> {
    await this.until(index + 1)
    const found = this.replies[index]
    return found === undefined ? 'closed' : showReply(found.reply)
  }

  /** No more requests: the other direction stays open. */
  end(): void {
    this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  /** Waits for so many replies in all, or the end. Rejects when it takes too long. */
  async until(count: number, waitMs = WAIT_MS): Promise<void> {
    const deadline = Date.now() + waitMs
    while (this.replies.length < count && !this.closed) {
      const left = deadline - Date.now()
      if (left <= 0) throw new Error(`${this.replies.length} of ${count} replies came within ${waitMs} ms`)
      await this.#more(left)
    }
  }

  /** Waits until the other side has closed. */
  async untilClosed(waitMs = WAIT_MS): Promise<void> {
    await this.until(Infinity, waitMs)
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const late = setTimeout(resolve, timeoutMs)
      this.#wake = () => {
        clearTimeout(late)
        resolve()
      }
    })
  }

  #read(bytes: Buffer): void {
    this.#parser.push(bytes, 0, bytes.length)
    this.#pending = Buffer.concat([this.#pending, bytes])
    for (let reply = this.#parser.next(); reply !== null; reply = this.#parser.next()) {
      const size = this.#pending.length - this.#parser.pendingBytes
      this.replies.push({ bytes: this.#pending.subarray(0, size), reply })
      this.#pending = this.#pending.subarray(size)
    }
    this.#wake?.()
  }

  #end(): void {
    this.closed = true
    this.socket.destroy()
    this.#wake?.()
  }
}
