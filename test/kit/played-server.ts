import assert from 'node:assert/strict'
import type { Forwarded, Server } from './server.ts'

/** What the test kit's server says and hears, in messages of type `Said`. */
export interface Tongue<Said> {
  bytes(messages: readonly Said[]): Buffer
  /** Lets everything happen that can without time passing. */
  settle(): Promise<void>
}

/** The server behind a chain, or the servers behind several, played by the test. */
export class PlayedServer<Said> {
  readonly #servers: () => readonly Server[]
  readonly #tongue: Tongue<Said>

  constructor(servers: () => readonly Server[], tongue: Tongue<Said>) {
    this.#servers = servers
    this.#tongue = tongue
  }

  /** These requests, and no others, reached the server since this was last asked. */
  expectForwarded(...messages: Said[]): void {
    const came = this.takeForwarded().map(({ bytes }) => shown(bytes))
    const expected = messages.map((message) => shown(this.#tongue.bytes([message])))
    assert.deepEqual(came, expected)
  }

  /** The requests that reached the server since this was last asked. */
  takeForwarded(): Forwarded[] {
    return this.#servers().flatMap((server) => server.came.splice(0))
  }

  /** Requests that wait for the server's reply, oldest first. */
  get open(): readonly Forwarded[] {
    return this.#servers().flatMap((server) => server.open)
  }

  /** The server replies to the oldest requests, in one batch. A reply above the cut-through bound comes in parts. */
  async answer(...replies: Said[]): Promise<void> {
    const { open } = this
    assert.ok(replies.length <= open.length, `${replies.length} replies to ${open.length} requests`)
    await this.answerTo(...replies.map((reply, i): [Forwarded, Said] => [open[i]!, reply]))
  }

  /** The server replies to these requests, in one batch for each server. */
  async answerTo(...replies: [Forwarded, Said][]): Promise<void> {
    for (const server of new Set(replies.map(([forwarded]) => forwarded.server))) {
      const own = replies.filter(([forwarded]) => forwarded.server === server && server.open.includes(forwarded))
      server.reply(own.map(([forwarded, reply]) => [forwarded, this.#tongue.bytes([reply])]))
    }
    await this.#tongue.settle()
  }

  /** There will be no reply to the oldest request: the protocol has none for it. */
  async silence(): Promise<void> {
    const [oldest] = this.open
    assert.ok(oldest !== undefined, 'no request is open')
    oldest.server.silence(oldest)
    await this.#tongue.settle()
  }

  /** The server sends what is no reply. */
  async push(...messages: Said[]): Promise<void> {
    this.#one().push(this.#tongue.bytes(messages))
    await this.#tongue.settle()
  }

  /** The server can't be had. */
  async fail(message: string): Promise<void> {
    this.#one().fail(new Error(message))
    await this.#tongue.settle()
  }

  #one(): Server {
    const [server] = this.#servers()
    assert.ok(server !== undefined, 'there is no server: the transform is a sink itself')
    return server
  }
}

export function shown(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1'))
}
