import type { SimWorld } from '../../src/sim/world.ts'
import type { Connection, ConnectionHandler } from '../../src/world/world.ts'

/** The proxy's end of a client's connection, the client being the test: what is sent comes at once, what is written is kept. */
export class ClientConnection implements Connection {
  handler!: ConnectionHandler
  readonly remoteAddress = '127.0.0.1'
  readonly remotePort: number
  readonly localAddress = '127.0.0.1'
  readonly localPort = 6379
  readonly unsentBytes = 0
  /** The proxy has ended the connection, or closed it. */
  ended = false
  destroyed = false
  readonly #sim: SimWorld
  readonly #readBytes: number
  #written: Buffer[] = []
  readonly #inbox: Buffer[] = []
  #paused = true

  constructor(sim: SimWorld, port: number, readBytes: number) {
    this.#sim = sim
    this.#readBytes = readBytes
    this.remotePort = port
  }

  // --- the client's side

  /** Bytes for the proxy, lent as reads of at most `readBytes` lend them: gone as soon as it has looked at them. */
  send(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += this.#readBytes)
      this.#inbox.push(Buffer.from(bytes.subarray(at, at + this.#readBytes)))
    this.#deliver()
  }

  /** Everything written since it was last asked. */
  take(): Buffer {
    const taken = Buffer.concat(this.#written)
    this.#written = []
    return taken
  }

  /** The client has nothing more to say, but listens on. */
  finish(): void {
    if (!this.destroyed) this.handler.onEnd()
  }

  /** The client is gone. */
  leave(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.handler.onClose(null)
  }

  #deliver(): void {
    while (!this.#paused && !this.destroyed && this.#inbox.length > 0) {
      const lent = this.#inbox.shift()!
      this.handler.onData(lent, 0, lent.length)
      lent.fill(0xee)
    }
  }

  // --- Connection

  write(bytes: Buffer): boolean {
    if (this.ended || this.destroyed) throw new Error('the proxy writes to a connection that it has closed')
    this.#written.push(Buffer.from(bytes))
    return true
  }
  pause(): void {
    this.#paused = true
  }
  resume(): void {
    this.#paused = false
    this.#sim.schedule.add(this.#sim.nowMs, () => this.#deliver())
  }
  end(): void {
    if (this.ended) return
    this.ended = true
    // The client closes too.
    this.#sim.schedule.add(this.#sim.nowMs, () => this.finish())
  }
  reset(): void {
    this.destroy()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#sim.schedule.add(this.#sim.nowMs, () => this.handler.onClose(null))
  }
}
