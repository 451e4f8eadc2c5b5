import type { Socket } from 'node:net'
import { Worker, type Transferable } from 'node:worker_threads'
import type { CheckedTopology } from '../config/checked.ts'
import type { LogRoot } from '../observability/log.ts'
import type { ObserveSettings, ObserveSinks } from '../observability/observe.ts'
import { lasting, type Snapshot } from '../observability/snapshot.ts'
import type { TlsMaterial } from '../world/tls-files.ts'
import type { TlsStart } from '../world/tls.ts'
import type { CoreThread } from './core-thread.ts'
import type { Order, Report, WorkerStart } from './messages.ts'
import type { SharedMemory } from './shared-memory.ts'

/** How long a scrape waits for a thread that is busy; then it has to do with what the thread said last. */
const SNAPSHOT_MS = 2000

export interface WorkerOptions {
  readonly topology: CheckedTopology
  readonly thread: string
  /** Threads that serve clients, this one included. */
  readonly threads: number
  readonly log: LogRoot
  readonly memory: SharedMemory
  readonly observe: ObserveSettings
  readonly seen: ObserveSinks
  readonly tls: TlsStart | null
  onSessionClosed(source: number): void
  /** What was committed last throws too often. */
  onGivenUp(swap: number, error: string): void
  /** It is gone, and with it so many sessions of each source. */
  onDeath(worker: WorkerThread, lost: readonly number[]): void
}

/** A worker thread, as the main thread sees it. */
export class WorkerThread implements CoreThread {
  readonly #options: WorkerOptions
  readonly #worker: Worker
  /** By source. */
  readonly #sessions: number[]
  readonly #started = Promise.withResolvers<void>()
  readonly #drained = Promise.withResolvers<void>()
  readonly #requests = new Map<number, (snapshot: Snapshot) => void>()
  /** Who waits for what is being prepared. */
  readonly #preparing = new Map<number, (error: string | null) => void>()
  #snapshots = 0
  #preparations = 0
  /** When a sign of life was asked for that has not come; null: none is awaited. */
  #asked: number | null = null
  #lastSnapshot: Snapshot = []

  constructor(options: WorkerOptions) {
    const { topology, thread, threads, observe, tls, log } = options
    this.#options = options
    this.#sessions = topology.sources.map(() => 0)
    const { format, colours, directives } = log
    const workerData: WorkerStart = { topology, thread, threads, observe, tls, log: { format, colours, directives } }
    this.#worker = new Worker(new URL('./worker-main.ts', import.meta.url), { name: thread, workerData })
    this.#worker.on('message', (report: Report) => this.#hear(report))
    this.#worker.on('error', (error: Error) =>
      log.logger('shotover::runner').error(`${thread} died`, { error: error.stack }),
    )
    this.#worker.on('exit', () => this.#exited())
  }

  get name(): string {
    return this.#options.thread
  }

  get sessions(): number {
    return this.#sessions.reduce((sum, count) => sum + count, 0)
  }

  /** Resolves when it can serve. Rejects with the reason why it can't. */
  get started(): Promise<void> {
    return this.#started.promise
  }

  accept(source: number, socket: Socket, id: number): void {
    this.#send({ kind: 'accept', source, id, socket }, [socket as unknown as Transferable])
    this.#sessions[source]!++
  }

  snapshot(): Promise<Snapshot> {
    const request = ++this.#snapshots
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(this.#lastSnapshot), SNAPSHOT_MS)
      const settle = (snapshot: Snapshot) => {
        clearTimeout(timer)
        this.#requests.delete(request)
        resolve(snapshot)
      }
      this.#requests.set(request, settle)
      this.#send({ kind: 'snapshot', request })
    })
  }

  /** What it counted, as far as it ever said; for when it is gone. */
  get legacy(): Snapshot {
    return lasting(this.#lastSnapshot)
  }

  filterChanged(): void {
    this.#send({ kind: 'directives', directives: this.#options.log.directives })
  }

  pulse(now: number): number {
    if (this.#asked !== null) return now - this.#asked
    this.#asked = now
    this.#send({ kind: 'ping' })
    return 0
  }

  forgive(): void {
    if (this.#asked !== null) this.#asked = performance.now()
  }

  prepare(topology: CheckedTopology, swap: number): Promise<void> {
    const request = ++this.#preparations
    return new Promise((resolve, reject) => {
      this.#preparing.set(request, (error) => {
        this.#preparing.delete(request)
        if (error === null) resolve()
        else reject(new Error(error))
      })
      this.#send({ kind: 'prepare', request, topology, swap })
    })
  }

  commit(): void {
    this.#send({ kind: 'commit' })
  }

  abandon(): void {
    this.#send({ kind: 'abandon' })
  }

  revert(topology: CheckedTopology): void {
    this.#send({ kind: 'revert', topology })
  }

  updateTls(key: string, material: TlsMaterial): void {
    this.#send({ kind: 'tls', key, material })
  }

  drain(): Promise<void> {
    this.#send({ kind: 'drain' })
    return this.#drained.promise
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }

  #send(order: Order, transfer: Transferable[] = []): void {
    this.#worker.postMessage(order, transfer)
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case 'ready':
        this.#started.resolve()
        break
      case 'failed':
        this.#started.reject(report.error)
        break
      case 'share':
        this.#send({
          kind: 'shared',
          request: report.request,
          memory: this.#options.memory.get(report.key, report.bytes),
        })
        break
      case 'closed':
        this.#sessions[report.source]!--
        this.#options.onSessionClosed(report.source)
        break
      case 'snapshot':
        this.#lastSnapshot = report.snapshot
        this.#requests.get(report.request)?.(report.snapshot)
        break
      case 'prepared':
        this.#preparing.get(report.request)?.(report.error)
        break
      case 'given-up':
        this.#options.onGivenUp(report.swap, report.error)
        break
      case 'alive':
        this.#asked = null
        break
      case 'access':
        this.#options.seen.onAccess(report.lines)
        break
      case 'trace':
        this.#options.seen.onTrace(report.trace)
        break
      case 'line':
        this.#options.log.writeLine(report.line)
        break
      case 'drained':
        this.#drained.resolve()
        break
    }
  }

  #exited(): void {
    this.#started.reject(new Error(`${this.name} ended before it could serve`))
    this.#drained.resolve()
    for (const settle of this.#requests.values()) settle(this.#lastSnapshot)
    // The one that comes in its place begins with whatever is decided.
    for (const settle of this.#preparing.values()) settle(null)
    this.#options.onDeath(this, this.#sessions)
  }
}
