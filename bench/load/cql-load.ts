import { cpuUs } from '../harness/proc.ts'
import { CqlClient } from './cql-client.ts'
import { envelope, errorText, executeBody, HEADER_BYTES, opcodeAt, OPCODE, streamAt } from './cql-frames.ts'
import type { Prepared } from './cql-frames.ts'

// A load in a process of its own: `node cql-load.ts OPTIONS`, with options and figures in JSON. Each connection keeps a number of prepared
// EXECUTEs in flight; what a read brings is replaced in one write, as drivers do.

/** What is asked, and how. */
export interface CqlLoad {
  readonly port: number
  readonly version: number
  readonly connections: number
  /** Of each connection. */
  readonly inFlight: number
  readonly statement: string
  /** The statement's value is one of so many. */
  readonly keys: number
  readonly warmSeconds: number
  readonly seconds: number
  /** Processes whose CPU time is taken where measuring begins and ends. */
  readonly pids: readonly number[]
}

export interface CqlFigures {
  readonly requests: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** CPU time a request of each process in `pids`. */
  readonly cpuUs: readonly number[]
  /** CPU time of the load itself. */
  readonly ownCpuUs: number
}

/** Latencies are counted in steps of a fiftieth of a millisecond. */
const STEP_MS = 0.02
const STEPS = 100_000

/** What all connections of a load count together. */
class Counts {
  requests = 0
  now = 0
  readonly #steps = new Uint32Array(STEPS)

  add(latencyMs: number): void {
    this.requests++
    this.#steps[Math.min(STEPS - 1, (latencyMs / STEP_MS) | 0)]!++
  }

  clear(): void {
    this.requests = 0
    this.#steps.fill(0)
  }

  percentileMs(share: number): number {
    let left = share * this.requests
    for (let step = 0; step < STEPS; step++) if ((left -= this.#steps[step]!) <= 0) return (step + 0.5) * STEP_MS
    return NaN
  }
}

/** One connection under load. */
class Lane {
  readonly #client: CqlClient
  readonly #counts: Counts
  /** Each stream's request, ready to leave. */
  readonly #frames: readonly Buffer[]
  readonly #sentAt: Float64Array
  /** Streams that were answered in this read. */
  readonly #answered: number[] = []
  /** Bytes of the first reply: the rows are alike. */
  #replyBytes = 0

  constructor(client: CqlClient, counts: Counts, prepared: Prepared, load: CqlLoad, first: number) {
    this.#client = client
    this.#counts = counts
    this.#sentAt = new Float64Array(load.inFlight)
    this.#frames = Array.from({ length: load.inFlight }, (_, stream) => {
      const body = executeBody(load.version, prepared, (first + stream) % load.keys)
      return client.framed(envelope(load.version, stream, OPCODE.execute, body))
    })
  }

  run(onFailure: (error: Error) => void): void {
    const answered = this.#answered
    this.#client.take(
      (bytes, at, end) => {
        const opcode = opcodeAt(bytes, at)
        if (this.#replyBytes === 0) this.#replyBytes = end - at
        if (opcode === OPCODE.error) onFailure(new Error(errorText(bytes.subarray(at + HEADER_BYTES, end))))
        else if (opcode !== OPCODE.result || end - at !== this.#replyBytes)
          onFailure(new Error(`opcode ${opcode} with ${end - at} bytes, ${this.#replyBytes} were expected`))
        answered.push(streamAt(bytes, at))
      },
      () => this.#goOn(),
      onFailure,
    )
    for (let stream = 0; stream < this.#frames.length; stream++) answered.push(stream)
    this.#goOn()
  }

  #goOn(): void {
    const answered = this.#answered
    if (answered.length === 0) return
    const now = (this.#counts.now = performance.now())
    const leaving: Buffer[] = []
    for (let i = 0; i < answered.length; i++) {
      const stream = answered[i]!
      const sentAt = this.#sentAt[stream]!
      if (sentAt !== 0) this.#counts.add(now - sentAt)
      this.#sentAt[stream] = now
      leaving.push(this.#frames[stream]!)
    }
    answered.length = 0
    this.#client.socket.write(leaving.length === 1 ? leaving[0]! : Buffer.concat(leaving))
  }
}

/** Runs the load to its end; rejects at the first reply that is no row. */
async function run(load: CqlLoad): Promise<CqlFigures> {
  const clients: CqlClient[] = []
  for (let i = 0; i < load.connections; i++) clients.push(await CqlClient.start(load.port, load.version))
  const prepared = await clients[0]!.prepare(load.statement)
  const counts = new Counts()
  const failed = new Promise<never>((_, reject) => {
    clients.forEach((client, i) => new Lane(client, counts, prepared, load, i * load.inFlight).run(reject))
  })
  const pause = (seconds: number) =>
    Promise.race([failed, new Promise<void>((resolve) => setTimeout(resolve, seconds * 1000))])
  await pause(load.warmSeconds)
  counts.clear()
  const began = performance.now()
  const before = load.pids.map((pid) => cpuUs(pid))
  const own = process.cpuUsage()
  await pause(load.seconds)
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(own)
  return {
    requests: counts.requests,
    seconds,
    p50Ms: counts.percentileMs(0.5),
    p99Ms: counts.percentileMs(0.99),
    cpuUs: load.pids.map((pid, i) => (cpuUs(pid) - before[i]!) / counts.requests),
    ownCpuUs: (user + system) / counts.requests,
  }
}

if (import.meta.main) {
  try {
    const figures = await run(JSON.parse(process.argv[2]!) as CqlLoad)
    process.stdout.write(JSON.stringify(figures), () => process.exit(0))
  } catch (error) {
    process.stderr.write((error as Error).message, () => process.exit(1))
  }
}
