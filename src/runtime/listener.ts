import { once } from 'node:events'
import { statSync, unlinkSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { MessageChannel, receiveMessageOnPort, type Transferable } from 'node:worker_threads'
import { systemErrorText } from '../base/errors.ts'
import { unixPath } from '../config/addresses.ts'
import type { CheckedSource } from '../config/checked.ts'
import type { Counter, Gauge, Metrics } from '../core/kind.ts'
import type { LogRoot } from '../observability/log.ts'
import type { Address } from '../world/world.ts'
import { backoffSeconds } from './backoff.ts'
import { Descriptors } from './descriptors.ts'

/** How often a source with a hard limit looks whether it may listen again. */
const REOPEN_SECONDS = 1
/** Clients that the kernel keeps waiting. Node asks for as many when a listening socket is taken back. */
const BACKLOG = 511

export interface ListenerOptions {
  readonly source: CheckedSource
  readonly log: LogRoot
  readonly metrics: Metrics
  /** A client is there; `id` counts those of this source, from 1. The socket has not been read from. */
  accept(socket: Socket, id: number): void
  /** Absent: those of the process. */
  readonly descriptors?: Descriptors
  /** Waits; absent: the system's timer. */
  readonly after?: (seconds: number, act: () => void) => { cancel(): void }
}

const NO_DESCRIPTORS = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' })

/**
 * The listening socket of one source. It takes no more clients than the source's limit: at a soft one they wait in the kernel's
 * queue, at a hard one they are refused because nobody listens.
 */
export class Listener {
  readonly #options: ListenerOptions
  readonly #opened: Counter
  readonly #available: Gauge
  readonly #acceptFailures: Counter
  readonly #bindFailures: Counter
  readonly #descriptors: Descriptors
  readonly #parking = new MessageChannel()
  readonly #after: (seconds: number, act: () => void) => { cancel(): void }
  /** Where the socket of the file system is; null: it is one of TCP. */
  readonly #path: string | null
  #address: Address
  #started = false
  #server: Server | null = null
  #parked = false
  #held = false
  #closed = false
  #waiting: { cancel(): void } | null = null
  #taken = 0
  #accepted = 0
  /** In a row; the kind that a success ends. */
  #failedAccepts = 0
  #failedBinds = 0

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#after = options.after ?? wait
    this.#descriptors = options.descriptors ?? new Descriptors()
    this.#address = options.source.listen
    this.#path = unixPath(this.#address)
    const labels = { source: options.source.name }
    this.#opened = options.metrics.counter('connections_opened', labels)
    this.#available = options.metrics.gauge('shotover_available_connections_count', labels)
    this.#acceptFailures = options.metrics.counter('shotover_connections_accept_failures_count', labels)
    this.#bindFailures = options.metrics.counter('shotover_listener_create_failures_count', labels)
    this.#available.set(options.source.connectionLimit)
  }

  /** Where it listens, once it has started. */
  get address(): Address {
    return this.#address
  }

  /** Clients that were accepted and have not ended. */
  get taken(): number {
    return this.#taken
  }

  /** Why it would not take a client now; null: it would. */
  get obstacle(): string | null {
    const { name, listenText, connectionLimit } = this.#options.source
    let reason: string | null = null
    if (this.#closed) reason = 'takes no more clients: the process is ending'
    else if (this.#failedBinds !== 0) reason = `can't listen on ${listenText}`
    else if (this.#failedAccepts !== 0) reason = `can't accept clients on ${listenText}`
    else if (this.#taken >= connectionLimit) reason = `has as many clients as it may: ${connectionLimit}`
    else if (this.#server === null && !this.#parked) reason = `does not listen on ${listenText} yet`
    return reason === null ? null : `[${name}] ${reason}`
  }

  /** Begins to listen. Rejects with the system's error. */
  async start(): Promise<void> {
    if (this.#path !== null) await removeStale(this.#path)
    const { name, type, listenText } = this.#options.source
    this.#log('sources', type.toLowerCase()).info(`Starting ${type} source on [${listenText}]`)
    await this.#bind()
    this.#started = true
    this.#log('server').info(`Created new listener for ${listenText}`, { source: name })
    this.#settle()
  }

  /** A client that was accepted has ended: another one may come. */
  release(count = 1): void {
    this.#taken -= count
    this.#settle()
  }

  /** While held it takes nobody: there is no thread to serve them. */
  hold(held: boolean): void {
    this.#held = held
    this.#settle()
  }

  /** Listens no more; clients that wait in the kernel's queue are refused. */
  close(): void {
    this.#closed = true
    this.#waiting?.cancel()
    this.#unpark()
    this.#server?.close()
    this.#server = null
    this.#parking.port1.close()
  }

  #log(...target: string[]) {
    return this.#options.log.logger(['shotover', ...target].join('::'))
  }

  /** Listens, lets clients wait or refuses them, as the limit wants it now. */
  #settle(): void {
    if (this.#closed || this.#waiting !== null) return
    if (this.#failedAccepts !== 0 && this.#descriptors.short()) return this.#acceptFailed(NO_DESCRIPTORS)
    const full = this.#taken >= this.#options.source.connectionLimit
    if (full && this.#options.source.hardConnectionLimit) this.#shut()
    else if (full || this.#held) this.#park()
    else if (this.#parked) this.#unpark()
    else if (this.#server === null && this.#started) void this.#reopen()
  }

  /** Refuses clients for a while. */
  #shut(): void {
    this.#unpark()
    this.#server?.close()
    this.#server = null
    this.#reopenAfter(REOPEN_SECONDS)
  }

  /**
   * Takes the listening socket out of the event loop without closing it. A server that is on its way to another thread is just
   * that: nobody accepts, and the kernel goes on queueing clients. Here it never leaves the thread. Sockets of the file system can't be
   * on their way: theirs refuse clients meanwhile.
   */
  #park(): void {
    if (this.#server === null) return
    if (this.#path !== null) return this.#shut()
    this.#parking.port1.postMessage(this.#server, [this.#server as unknown as Transferable])
    this.#server = null
    this.#parked = true
  }

  #unpark(): void {
    if (!this.#parked) return
    this.#parked = false
    this.#serve(receiveMessageOnPort(this.#parking.port2)!.message as Server)
  }

  #serve(server: Server): void {
    this.#server = server
    server.on('connection', (socket) => this.#take(socket))
    server.on('error', (error) => this.#acceptFailed(error))
  }

  #bind(): Promise<void> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
    const { host, port } = this.#address
    return new Promise((resolve, reject) => {
      server.once('error', reject)
      const place = this.#path === null ? { host, port } : { path: this.#path }
      server.listen({ ...place, backlog: BACKLOG }, () => {
        server.off('error', reject)
        if (this.#path === null) this.#address = { host, port: (server.address() as AddressInfo).port }
        this.#serve(server)
        if (this.#closed) this.close()
        resolve()
      })
    })
  }

  #reopenAfter(seconds: number): void {
    this.#waitFor(seconds, () => void this.#reopen())
  }

  async #reopen(): Promise<void> {
    const { name, listenText, connectionLimit } = this.#options.source
    if (this.#taken >= connectionLimit || this.#held) {
      this.#reopenAfter(REOPEN_SECONDS)
      return
    }
    try {
      await this.#bind()
    } catch (error) {
      if (this.#closed) return
      this.#bindFailures.add(1)
      const seconds = backoffSeconds(++this.#failedBinds)
      const reason = systemErrorText(error as Error)
      this.#log('server').warn(
        `[${name}] Failed to create listener on [${listenText}] with error: ${reason} address=${listenText}, retrying with backoff of ${seconds}s`,
      )
      this.#reopenAfter(seconds)
      return
    }
    if (this.#failedBinds !== 0) {
      this.#log('server').info(`[${name}] Listener on [${listenText}] recovered and is now accepting connections`)
    }
    this.#failedBinds = 0
    this.#settle()
  }

  #take(socket: Socket): void {
    const { name, listenText, connectionLimit } = this.#options.source
    const id = ++this.#accepted
    this.#taken++
    this.#opened.add(1)
    this.#available.set(connectionLimit - this.#taken)
    const short = this.#failedAccepts !== 0 ? this.#descriptors.short() : this.#descriptors.shortAfterClient()
    if (this.#failedAccepts !== 0 && !short) {
      this.#failedAccepts = 0
      this.#log('server').info(
        `[${name}] Accept on listener [${listenText}] recovered and is now accepting new connections`,
      )
    }
    if (this.#options.source.proxyProtocol !== true) this.#announce(socket, id)
    // This one is served; those who come next would be accepted and closed by the runtime, unseen.
    if (short) this.#acceptFailed(NO_DESCRIPTORS)
    else this.#settle()
    this.#options.accept(socket, id)
  }

  #announce(socket: Socket, id: number): void {
    const span = { name: 'connection', fields: { id, source: this.#options.source.name } }
    this.#options.log
      .logger('shotover::server', span)
      .info(`New connection from ${socket.remoteAddress ?? (this.#path === null ? 'unknown' : 'unix')}`)
  }

  #acceptFailed(error: Error): void {
    const { name, listenText } = this.#options.source
    this.#acceptFailures.add(1)
    const seconds = backoffSeconds(++this.#failedAccepts)
    const failure = `[${name}] Failed to accept incoming connection on listener [${listenText}] with error: `
    this.#log('server').warn(`${failure}${systemErrorText(error)}, retrying with backoff of ${seconds}s`)
    this.#park()
    this.#waiting?.cancel()
    this.#waitFor(seconds, () => this.#settle())
  }

  #waitFor(seconds: number, act: () => void): void {
    this.#waiting = this.#after(seconds, () => {
      this.#waiting = null
      act()
    })
  }
}

/** Takes away the socket that a process which ended without a word has left: nobody listens there. */
async function removeStale(path: string): Promise<void> {
  if (!(statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false)) return
  const socket = connect(path)
  try {
    await once(socket, 'connect')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') unlinkSync(path)
  } finally {
    socket.destroy()
  }
}

function wait(seconds: number, act: () => void): { cancel(): void } {
  const timer = setTimeout(act, seconds * 1000)
  return { cancel: () => clearTimeout(timer) }
}
