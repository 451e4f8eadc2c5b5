import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Socket } from 'node:net'
import { ReplyReader, encodeRequest } from './resp-reader.ts'
import type { Reply } from './resp-reader.ts'

/** A port on loopback; in TLS where an authority, in PEM, vouches for who listens there. */
export interface Place {
  readonly port: number
  readonly authorityPem?: string
}

/** A client that asks and awaits; the order of replies is all that pairs them with requests. */
export class RespClient {
  readonly socket: Socket
  readonly closed: Promise<string>
  #waiting: { resolve(reply: Reply): void; reject(error: Error): void }[] = []
  #ended: Error | null = null

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    const reader = new ReplyReader((reply) => {
      const next = this.#waiting.shift()
      if (next === undefined) throw new Error('a reply that nobody asked for')
      next.resolve(reply)
    })
    socket.on('data', (chunk) => {
      try {
        reader.push(chunk as Buffer)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    this.closed = new Promise((resolve) => {
      let reason = 'the peer closed the connection'
      socket.on('error', (error) => (reason = error.message))
      socket.once('close', () => {
        this.#ended = new Error(reason)
        for (const { reject } of this.#waiting) reject(this.#ended)
        this.#waiting = []
        resolve(reason)
      })
    })
  }

  static async connect(to: number | Place): Promise<RespClient> {
    const { port, authorityPem = null } = typeof to === 'number' ? { port: to } : to
    const host = '127.0.0.1'
    const socket = authorityPem === null ? connect({ port, host }) : connectTls({ port, host, ca: authorityPem })
    await new Promise<void>((resolve, reject) => {
      socket.once(authorityPem === null ? 'connect' : 'secureConnect', resolve)
      socket.once('error', reject)
    })
    return new RespClient(socket)
  }

  request(...args: (string | Buffer)[]): Promise<Reply> {
    const reply = this.expect()
    if (this.#ended === null) this.socket.write(encodeRequest(args))
    return reply
  }

  /** The reply to a request whose bytes the caller writes itself, after those of all before it. */
  expect(): Promise<Reply> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  close(): void {
    this.socket.destroy()
  }
}

/** Asks once over a connection of its own. */
export async function ask(to: number | Place, ...args: (string | Buffer)[]): Promise<Reply> {
  const client = await RespClient.connect(to)
  const limit = setTimeout(() => client.socket.destroy(new Error('no reply in 5 s')), 5000)
  try {
    return await client.request(...args)
  } finally {
    clearTimeout(limit)
    client.close()
  }
}

/** Calls of a command that the server executed, from INFO commandstats. */
export async function executed(port: number, command: string): Promise<number> {
  const { bytes } = await ask(port, 'INFO', 'commandstats')
  const found = new RegExp(`^cmdstat_${command.toLowerCase()}:calls=(\\d+)`, 'm').exec(bytes?.toString() ?? '')
  return found === null ? 0 : Number(found[1])
}
