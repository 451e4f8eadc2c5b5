import { flushCompileCache } from 'node:module'
import type { Socket } from 'node:net'
import { unixPath } from '../config/addresses.ts'
import type { CheckedTopology } from '../config/checked.ts'
import type { Counter, Log, Metrics } from '../core/kind.ts'
import type { LogRoot } from '../observability/log.ts'
import type { ObserveSettings, ObserveSinks } from '../observability/observe.ts'
import { mergeSnapshots, type Snapshot } from '../observability/snapshot.ts'
import type { TlsMaterial } from '../world/tls-files.ts'
import type { TlsStart } from '../world/tls.ts'
import { backoffSeconds } from './backoff.ts'
import { LocalThread, type CoreThread } from './core-thread.ts'
import { SharedMemory } from './shared-memory.ts'
import { PATIENCE, ThreadWatch, type Patience } from './thread-watch.ts'
import { WorkerThread } from './worker.ts'

/** A thread that lived so long had no trouble starting: the next one starts at once. */
const SOUND_MS = 60_000

export interface ThreadsOptions {
  readonly topology: CheckedTopology
  readonly log: LogRoot
  readonly metrics: Metrics
  /** Worker threads; 0: the main thread serves clients itself. */
  readonly workers: number
  /** What of requests is looked at, and where that goes. */
  readonly observe: ObserveSettings
  readonly seen: ObserveSinks
  /** What threads are started with; kept up to date by its owner. Null: nothing of the topology is in TLS. */
  readonly tls: TlsStart | null
  /** How long a thread may be silent; absent: the usual. */
  readonly patience?: Patience
  /** So many sessions of the source, by its place in the topology, have ended. */
  onSessionsClosed(source: number, count: number): void
  /** False: there is no thread that could serve a client. */
  onAvailable(available: boolean): void
  /** What was swapped in last throws too often, and those before do the work on one thread at least: it is to be reverted. */
  onGivenUp(error: string): void
}

/** How long making a new version of a transform may take: a module may wait for ever. */
const PREPARE_MS = 10_000

async function inTime(prepared: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`it was not ready within ${PREPARE_MS / 1000} s`)), PREPARE_MS)
  try {
    await Promise.race([prepared, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The threads that serve clients. One that dies takes its own sessions with it, and another one comes in its place. */
export class Threads {
  readonly #options: ThreadsOptions
  readonly #log: Log
  readonly #restarts: Counter
  readonly #watch: ThreadWatch
  /** What threads are started with. */
  #topology: CheckedTopology
  #swaps = 0
  /** Number of the swap that was committed last. */
  #committed = 0
  /** Word of one that has been superseded comes too late. */
  readonly #onGivenUp = (swap: number, error: string) => {
    if (swap === this.#committed) this.#options.onGivenUp(error)
  }
  #serving: CoreThread[] = []
  /** Serves clients of sockets of the file system, which can't be handed to another thread; null: there are none, or all serve here. */
  #local: LocalThread | null = null
  /** What threads that are gone had counted. */
  #legacy: Snapshot = []
  #restarting = new Set<NodeJS.Timeout>()
  #failures = 0
  /** What transforms on these threads share. */
  readonly memory = new SharedMemory()
  /** Threads that serve clients. */
  readonly #count: number
  #ending = false

  private constructor(options: ThreadsOptions) {
    this.#options = options
    this.#topology = options.topology
    this.#log = options.log.logger('shotover::runner')
    this.#restarts = options.metrics.counter('shotover_thread_restarts_count', {})
    const { metrics, patience = PATIENCE, topology, workers } = options
    const needsMain = workers === 0 || topology.sources.some(({ listen }) => unixPath(listen) !== null)
    this.#count = workers + (needsMain ? 1 : 0)
    this.#watch = new ThreadWatch({ log: this.#log, metrics, patience, threads: () => this.#serving })
  }

  /** Resolves when all threads can serve. Rejects with the reason why one of them can't. */
  static async start(options: ThreadsOptions): Promise<Threads> {
    const threads = new Threads(options)
    const { topology, log, workers, observe, seen, tls, onSessionsClosed } = options
    const onGivenUp = threads.#onGivenUp
    threads.#watch.start()
    // What this thread has read of our files the others need not strip and compile again, each with a compiler of 15 MB.
    flushCompileCache()
    if (threads.#count > workers) {
      const onSessionClosed = (source: number) => onSessionsClosed(source, 1)
      const shared = (key: string, bytes: number) => Promise.resolve(threads.memory.get(key, bytes))
      const own = { thread: 'main', threads: threads.#count, shared, tls, onSessionClosed, onGivenUp }
      threads.#local = await LocalThread.start({ topology, log, observe, seen, ...own })
    }
    if (workers === 0) {
      threads.#serving = [threads.#local!]
      threads.#local = null
      return threads
    }
    const started = Array.from({ length: workers }, (_, index) => threads.#spawn(`core-${index + 1}`))
    threads.#serving = started
    try {
      await Promise.all(started.map((worker) => worker.started))
    } catch (error) {
      await threads.close()
      throw error
    }
    return threads
  }

  /** Gives a client to the thread that has the fewest. */
  accept(source: number, socket: Socket, id: number): void {
    const isUnix = unixPath(this.#options.topology.sources[source].listen) !== null
    let best: CoreThread | null = isUnix ? this.#local : null
    for (const thread of best === null ? this.#serving : []) {
      const stalled = this.#watch.isStalled(thread)
      if (best === null || (!stalled && (thread.sessions < best.sessions || this.#watch.isStalled(best)))) best = thread
    }
    try {
      if (best === null) throw new Error('no thread is there to serve it')
      best.accept(source, socket, id)
    } catch (error) {
      this.#log.warn('a client could not be handed over to a thread', { error: (error as Error).message })
      socket.destroy()
      this.#options.onSessionsClosed(source, 1)
    }
  }

  /** The stages that `topology` has otherwise, on all threads or on none. Rejects with the reason why none has them. */
  async swap(topology: CheckedTopology): Promise<void> {
    const threads = this.#all
    const swap = ++this.#swaps
    try {
      await inTime(Promise.all(threads.map((thread) => thread.prepare(topology, swap))))
    } catch (error) {
      for (const thread of threads) thread.abandon()
      throw error
    }
    this.#topology = topology
    this.#committed = swap
    for (const thread of threads) thread.commit()
    // Those that came meanwhile began with what was before.
    for (const thread of this.#all) if (!threads.includes(thread)) thread.revert(topology)
  }

  /** What was swapped in last is taken back: the stages of `topology`, as they were before. */
  revert(topology: CheckedTopology): void {
    this.#topology = topology
    for (const thread of this.#all) thread.revert(topology)
  }

  /** Some thread takes clients. */
  get available(): boolean {
    return this.#serving.some((thread) => !this.#watch.isStalled(thread))
  }

  async snapshots(): Promise<Snapshot[]> {
    return [this.#legacy, ...(await Promise.all(this.#all.map((thread) => thread.snapshot())))]
  }

  filterChanged(): void {
    for (const thread of this.#serving) thread.filterChanged()
  }

  updateTls(key: string, material: TlsMaterial): void {
    for (const thread of this.#all) thread.updateTls(key, material)
  }

  async drain(): Promise<void> {
    this.#end()
    await Promise.all(this.#all.map((thread) => thread.drain()))
  }

  async close(): Promise<void> {
    this.#end()
    this.#watch.stop()
    await Promise.all(this.#all.map((thread) => thread.close()))
  }

  get #all(): readonly CoreThread[] {
    return this.#local === null ? this.#serving : [this.#local, ...this.#serving]
  }

  #end(): void {
    this.#ending = true
    for (const timer of this.#restarting) clearTimeout(timer)
  }

  #spawn(thread: string): WorkerThread {
    const { log, observe, seen, tls, onSessionsClosed } = this.#options
    const since = performance.now()
    return new WorkerThread({
      topology: this.#topology,
      thread,
      threads: this.#count,
      log,
      memory: this.memory,
      observe,
      seen,
      tls,
      onSessionClosed: (source) => onSessionsClosed(source, 1),
      onGivenUp: this.#onGivenUp,
      onDeath: (worker, lost) => {
        this.#serving = this.#serving.filter((other) => other !== worker)
        this.#legacy = [...mergeSnapshots([this.#legacy, worker.legacy]).values()].flat()
        for (const [source, count] of lost.entries()) if (count !== 0) onSessionsClosed(source, count)
        if (this.#ending) return
        if (this.#serving.length === 0) this.#options.onAvailable(false)
        this.#failures = performance.now() - since > SOUND_MS ? 1 : this.#failures + 1
        this.#restartAfter(thread, this.#failures === 1 ? 0 : backoffSeconds(this.#failures - 1))
      },
    })
  }

  #restartAfter(thread: string, seconds: number): void {
    this.#log.error(`${thread} is gone, and its sessions with it; another one starts`, { seconds })
    const timer = setTimeout(() => {
      this.#restarting.delete(timer)
      this.#restarts.add(1)
      void this.#restart(thread)
    }, seconds * 1000)
    this.#restarting.add(timer)
  }

  async #restart(thread: string): Promise<void> {
    const worker = this.#spawn(thread)
    try {
      await worker.started
    } catch (error) {
      // Its death, which follows, brings the next attempt.
      this.#log.error(`${thread} could not start`, { error: (error as Error).message })
      await worker.close()
      return
    }
    if (this.#ending) await worker.close()
    else {
      // What changed while it started.
      for (const [key, material] of this.#options.tls?.materials ?? []) worker.updateTls(key, material)
      this.#serving = [...this.#serving, worker]
      this.#options.onAvailable(true)
    }
  }
}
