import { swarm, type SimOptions } from './options.ts'
import { SimWorld } from './world.ts'

/** What is between clients and server. */
export interface SimProxy {
  close(): void
  /** Called when nobody is connected any more: throws where something is still in flight or a table is not empty. */
  check(): void
}

export interface SeedResult {
  readonly seed: number
  /** Null: everything held. */
  readonly violation: string | null
  /** Equal for equal runs. */
  readonly hash: string
  readonly events: number
  readonly simulatedMs: number
  /** Tagged requests that clients sent. */
  readonly sent: number
  readonly executed: number
  readonly faulty: boolean
  readonly options: SimOptions
  /** A line an event, where a trace was asked for. */
  readonly trace: readonly string[]
}

export interface SeedOptions {
  readonly trace?: boolean
  /** No faults, whatever the seed says. */
  readonly calm?: boolean
}

/** Simulated times of a run, in milliseconds, and its bound. */
export interface Pace {
  /** After so long a proxy must be well again. */
  readonly recoverMs: number
  /** Where it may take longer: so often it is looked at again, for so long in all. */
  readonly againMs?: number
  readonly patienceMs?: number
  readonly eventsMax: number
}

/** Servers, proxy and clients in the world of a seed, in the order in which a run goes through them. */
export interface SeedRun {
  readonly pace: Pace
  /** Something may break in it. */
  readonly faulty: boolean
  /** Those that `load` started. */
  readonly proxies: readonly SimProxy[]
  /** Starts everything, and plays clients while things break. */
  load(): Promise<void>
  /** More clients, for whom nothing may fail. */
  last(): Promise<void>
  /** Judges what shows only at the end, and closes the servers. */
  close(): void
  /** Tagged requests: what clients sent, and what servers executed. */
  counts(): { readonly sent: number; readonly executed: number }
}

/** The world that a seed draws. */
export function worldOf(seed: number, { trace = false, calm = false }: SeedOptions): SimWorld {
  const sim = new SimWorld(swarm(seed, trace))
  if (calm) sim.calm()
  return sim
}

/** One whole run: clients and faults, then rest, more clients, and the end. What throws on the way is the promise that was broken. */
export async function playSeed(sim: SimWorld, run: SeedRun): Promise<SeedResult> {
  let violation: string | null = null
  try {
    await play(sim, run)
  } catch (error) {
    violation =
      error instanceof Error
        ? `${error.name === 'Error' ? '' : `${error.name}: `}${error.stack ?? error.message}`
        : String(error)
  }
  return {
    seed: sim.options.seed,
    violation,
    hash: sim.trace.hash,
    events: sim.trace.count,
    simulatedMs: sim.nowMs,
    ...run.counts(),
    faulty: run.faulty,
    options: sim.options,
    trace: sim.trace.lines ?? [],
  }
}

/** Runs the seeds 1 to `count`. Throws where a promise was broken, with the first of them. */
export async function seedsKept<Result extends SeedResult>(
  count: number,
  run: (seed: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let seed = 1; seed <= count; seed++) results.push(await run(seed))
  const broken = results.filter(({ violation }) => violation !== null)
  const [first] = broken
  if (first === undefined) return results
  throw new Error(`${broken.length} of ${count} seeds, the first:\nseed ${first.seed}: ${first.violation}`)
}

async function play(sim: SimWorld, run: SeedRun): Promise<void> {
  const { recoverMs, eventsMax } = run.pace
  await run.load()
  sim.calm()
  await rest(sim, run)
  await run.last()
  await rest(sim, run)
  for (const proxy of run.proxies) proxy.close()
  run.close()
  await sim.run(sim.nowMs + recoverMs, eventsMax)
  if (sim.net.open > 0) throw new Error(`${sim.net.open} ends of connections are open after everything closed`)
}

/** What the faults and the clients left behind is cleared up. */
async function rest(sim: SimWorld, run: SeedRun): Promise<void> {
  const { recoverMs, againMs = recoverMs, patienceMs = 0, eventsMax } = run.pace
  const deadlineMs = sim.nowMs + patienceMs
  for (let restMs = recoverMs; ; restMs = againMs) {
    await sim.run(sim.nowMs + restMs, eventsMax)
    try {
      for (const proxy of run.proxies) proxy.check()
      return
    } catch (error) {
      if (sim.nowMs > deadlineMs) throw error
    }
  }
}
