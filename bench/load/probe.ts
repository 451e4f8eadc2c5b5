import { Worker } from 'node:worker_threads'

export interface ProbeOptions {
  readonly port: number
  readonly args: string[]
  /** Requests in one write; the next ones follow when all were answered. */
  readonly pipeline: number
  /** Pause between the last reply and the next requests; 0: none. */
  readonly gapMs: number
}

export interface ProbeSamples {
  /** When each write was sent, milliseconds since the epoch, ascending. */
  readonly sentAt: Float64Array
  readonly latenciesMs: Float64Array
  /** Why the probe ended early, or an error reply that it met. */
  readonly problem: string | null
}

export interface Distribution {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** Value below which `share` of the sorted values lie (nearest rank). */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted.length === 0 ? NaN : sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]
}

export function distribution(latenciesMs: Float64Array): Distribution {
  const sorted = latenciesMs.toSorted()
  return {
    count: sorted.length,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? NaN,
  }
}

/** Samples of writes that were sent in `[from, to)`, milliseconds since the epoch. */
export function between({ sentAt, latenciesMs }: ProbeSamples, from: number, to: number): Float64Array {
  let first = 0
  while (first < sentAt.length && sentAt[first] < from) first++
  let last = first
  while (last < sentAt.length && sentAt[last] < to) last++
  return latenciesMs.subarray(first, last)
}

/** Milliseconds since the epoch with fractions, comparable between threads. */
export const epochMs = (): number => performance.timeOrigin + performance.now()

/** A client in a thread of its own that asks one thing at a time and notes how long each reply took. */
export class Probe {
  #worker: Worker
  #died: Promise<never>

  private constructor(worker: Worker) {
    this.#worker = worker
    this.#died = new Promise((_, reject) => worker.once('error', reject))
    this.#died.catch(() => {})
  }

  /** Resolves at the first reply. */
  static async start(options: ProbeOptions): Promise<Probe> {
    const probe = new Probe(new Worker(new URL('./probe-worker.ts', import.meta.url), { workerData: options }))
    await probe.#next(10_000)
    return probe
  }

  /** Ends it. Throws when it met an error or lost its connection, since its figures would mean nothing. */
  async stop(): Promise<ProbeSamples> {
    this.#worker.postMessage('stop')
    const samples = (await this.#next(10_000)) as ProbeSamples
    if (samples.problem !== null) throw new Error(`the probe failed: ${samples.problem}`)
    return samples
  }

  async #next(timeoutMs: number): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        void this.#worker.terminate()
        reject(new Error(`the probe said nothing for ${timeoutMs / 1000} s`))
      }, timeoutMs)
    })
    const said = new Promise((resolve) => this.#worker.once('message', resolve))
    try {
      return await Promise.race([said, this.#died, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
