import type { Counter, Log, Metrics } from '../core/kind.ts'
import type { CoreThread } from './core-thread.ts'

export interface Patience {
  readonly tickMs: number
  /** A thread that has not answered for so long gets no new clients; nothing that it should do takes so long. */
  readonly stallMs: number
  /** A thread that has not answered for so long is ended: its clients are better off with an end than with silence. */
  readonly hangMs: number
}

export const PATIENCE: Patience = { tickMs: 1000, stallMs: 10_000, hangMs: 60_000 }

export interface ThreadWatchOptions {
  readonly log: Log
  readonly metrics: Metrics
  readonly patience: Patience
  /** Those that serve. */
  threads(): readonly CoreThread[]
}

/** Finds threads that do not come back: a transform in a loop without end, a regular expression that never is through. */
export class ThreadWatch {
  readonly #options: ThreadWatchOptions
  readonly #stalls: Counter
  readonly #hangs: Counter
  readonly #stalled = new Set<CoreThread>()
  readonly #hung = new Set<CoreThread>()
  #last = performance.now()
  #timer: NodeJS.Timeout | null = null

  constructor(options: ThreadWatchOptions) {
    this.#options = options
    this.#stalls = options.metrics.counter('shotover_thread_stalls_count', {})
    this.#hangs = options.metrics.counter('shotover_thread_hangs_count', {})
  }

  start(): void {
    this.#last = performance.now()
    this.#timer = setInterval(() => this.tick(performance.now()), this.#options.patience.tickMs).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  /** It has not answered for a while: it should get no new clients. */
  isStalled(thread: CoreThread): boolean {
    return this.#stalled.has(thread)
  }

  /** `now` in milliseconds on the process's steady clock. */
  tick(now: number): void {
    const { tickMs, stallMs } = this.#options.patience
    const late = now - this.#last - tickMs
    this.#last = now
    const threads = this.#options.threads()
    // Whether this thread was busy or the whole process was stopped can't be told: nobody else is blamed for it.
    if (late > tickMs) for (const thread of threads) thread.forgive()
    if (late > stallMs) {
      this.#stalls.add(1)
      this.#options.log.warn(
        `the main thread did not run for ${seconds(late)} s: it was busy, or the process was stopped`,
      )
    }
    for (const known of [this.#stalled, this.#hung])
      for (const thread of known) if (!threads.includes(thread)) known.delete(thread)
    for (const thread of threads) this.#look(thread, thread.pulse(now))
  }

  #look(thread: CoreThread, silentMs: number): void {
    const { log, patience } = this.#options
    if (silentMs < patience.stallMs) {
      if (this.#stalled.delete(thread)) log.warn(`${thread.name} answers again`)
      return
    }
    if (!this.#stalled.has(thread)) {
      this.#stalled.add(thread)
      this.#stalls.add(1)
      const clients = `its ${thread.sessions} clients wait, and it gets no new ones`
      log.warn(`${thread.name} has not answered for ${seconds(silentMs)} s: ${clients}`)
    }
    if (silentMs < patience.hangMs || this.#hung.has(thread)) return
    this.#hung.add(thread)
    this.#hangs.add(1)
    log.error(`${thread.name} has not answered for ${seconds(silentMs)} s: it is ended, and its clients with it`)
    void thread.close()
  }
}

function seconds(ms: number): number {
  return Math.round(ms / 1000)
}
