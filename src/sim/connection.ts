import type { Address, Connection, ConnectionHandler } from '../world/world.ts'
import { systemError } from './errors.ts'
import { Pipe } from './pipe.ts'
import type { SimWorld } from './world.ts'

/** Stands where no handler was set. */
const nobody: ConnectionHandler = {
  onData() {
    throw new Error('data arrived before a handler was set')
  },
  onDrain() {},
  onEnd() {},
  onClose() {},
}

/** One end of a simulated TCP connection. */
export class SimConnection implements Connection {
  readonly id: number
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  handler: ConnectionHandler = nobody
  /** Destroyed, failed or closed: its handler gets nothing more, except perhaps onClose. */
  gone = false
  readonly #sim: SimWorld
  #outgoing!: Pipe
  #incoming!: Pipe
  #ready = false
  #paused = false
  #ended = false
  #finReceived = false
  #closed = false
  #silenced = false
  /** RST came, and nobody has looked at the socket since. */
  #resetUnseen = false
  #writeLost = false

  constructor(sim: SimWorld, id: number, local: Address, remote: Address) {
    this.#sim = sim
    this.id = id
    this.localAddress = local.host
    this.localPort = local.port
    this.remoteAddress = remote.host
    this.remotePort = remote.port
  }

  /** Joins two ends by a pipe each way. */
  static join(sim: SimWorld, one: SimConnection, other: SimConnection, latencyMs: number): void {
    one.#outgoing = other.#incoming = new Pipe(sim, one, other, latencyMs)
    other.#outgoing = one.#incoming = new Pipe(sim, other, one, latencyMs)
  }

  get unsentBytes(): number {
    return this.#outgoing.keptBytes
  }

  /** In words, for whoever looks for what hangs. */
  get state(): string {
    const words = [
      `#${this.id} ${this.localPort}->${this.remotePort}`,
      this.#paused && 'paused',
      this.#ended && 'ended',
      this.#finReceived && 'got FIN',
      this.#resetUnseen && 'got RST unseen',
      this.unsentBytes > 0 && `${this.unsentBytes} unsent`,
      this.#incoming.queuedBytes > 0 && `${this.#incoming.queuedBytes} to read`,
    ]
    return words.filter((word) => word !== false).join(' ')
  }

  /** The handler may be called with data. */
  get reading(): boolean {
    return this.#ready && !this.#paused && !this.gone
  }

  write(bytes: Buffer): boolean {
    if (this.gone || this.#ended || bytes.length === 0) return true
    if (this.#resetUnseen) this.#later(() => this.#fail(systemError('EPIPE', 'write')))
    return this.#outgoing.write(bytes)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#resetUnseen) this.#later(() => this.#fail(systemError('ECONNRESET', 'read')))
    this.#incoming.arm()
  }

  end(): void {
    if (this.gone || this.#ended) return
    this.#ended = true
    this.#outgoing.end()
  }

  destroy(): void {
    if (this.gone) return
    this.#shut()
    this.#later(() => this.#close(null))
  }

  reset(): void {
    if (this.gone) return
    this.gone = true
    this.#outgoing.reset()
    this.#incoming.arm()
    this.#later(() => this.#close(null))
  }

  /** The process behind this end dies: its kernel closes the socket, its handler hears nothing any more. */
  vanish(): void {
    this.#silenced = true
    this.destroy()
  }

  /** The network loses the connection: both ends are reset. */
  cut(): void {
    this.#outgoing.reset()
    this.#incoming.reset()
  }

  clog(ms: number): void {
    this.#outgoing.clog(ms)
    this.#incoming.clog(ms)
  }

  #shut(): void {
    this.gone = true
    const unread = this.#incoming.unread
    this.#outgoing.drop()
    if (unread) this.#outgoing.reset()
    else this.#outgoing.end()
    this.#incoming.arm()
  }

  #later(run: () => void): void {
    this.#sim.schedule.add(this.#sim.nowMs, run)
  }

  #fail(error: Error): void {
    if (this.gone) return
    this.gone = true
    this.#outgoing.drop()
    this.#close(error)
  }

  #close(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.gone = true
    this.#sim.trace.note(this.#sim.nowMs, error === null ? 'close' : 'fail', this.id, 0)
    this.#sim.net.forget(this)
    if (!this.#silenced) this.handler.onClose(error)
  }

  /** The turn that brought the connection is over: from now on its handler may be called. */
  open(): void {
    if (this.gone) return
    if (this.handler === nobody)
      throw new Error(`nobody set a handler on connection #${this.id} in the turn that brought it`)
    this.#ready = true
    if (this.#resetUnseen && !this.#paused) this.#later(() => this.#fail(systemError('ECONNRESET', 'read')))
    this.#incoming.arm()
  }

  drained(): void {
    if (this.gone) return
    this.#sim.trace.note(this.#sim.nowMs, 'drain', this.id, 0)
    this.handler.onDrain()
  }

  finSent(): void {
    if (this.#finReceived) this.#later(() => this.#close(null))
  }

  finArrived(): void {
    this.#finReceived = true
    this.#sim.trace.note(this.#sim.nowMs, 'end', this.id, 0)
    this.handler.onEnd()
    if (this.#outgoing.finSent) this.#later(() => this.#close(null))
  }

  /** As in Node, a paused socket does not notice until somebody reads or writes, unless a write is under way. */
  resetArrived(): void {
    if (this.gone) return
    this.#resetUnseen = true
    if (this.reading) this.#fail(systemError('ECONNRESET', 'read'))
    else if (this.#outgoing.keptBytes > 0 || this.#writeLost) this.#fail(systemError('ECONNRESET', 'write'))
  }

  /** A reset on its way dropped what a write had left. */
  writeLost(): void {
    this.#writeLost = true
  }

  /** Bytes came for this end, which is closed. */
  answerReset(): void {
    this.#outgoing.reset()
  }

  /** The two ends' ports, for faults that name one. */
  touches(port: number): boolean {
    return this.localPort === port || this.remotePort === port
  }
}
