import { RssSampler, TICK_US, cpuTicks } from '../harness/proc.ts'
import type { Program } from '../harness/packages.ts'
import { startLoad } from '../load/redis-benchmark.ts'
import { ask, executed } from '../load/resp-client.ts'
import { placeOf, type Started } from '../targets/target.ts'
import { KEY, commandOf } from './workload.ts'
import type { Column, Workload } from './workload.ts'

/** One cell of the table. */
export interface Measurement {
  readonly target: string
  readonly workload: Column
  /** CPU time of the target per request, user and system, all threads. */
  readonly cpuUs: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly rssBytes: number
  /** CPU time per request of the server behind it, and of the load: where they are measured. */
  readonly serverCpuUs?: number
  readonly loadCpuUs?: number
}

export interface LoadOptions {
  readonly seconds: number
  readonly requests: number | null
  readonly connections: number
}

const LOAD_TIMEOUT_MS = 120_000
const RSS_EVERY_MS = 100

/** Requests of a first, short run, which warms code up and tells the rate. */
function firstGuess({ bytes, pipeline }: Workload): number {
  const perSecond = pipeline === 1 ? 40_000 : 250_000
  return bytes > 1024 ? 15_000 : perSecond / 4
}

/** Puts a value of the workload's size into the server and sees it come back through the target. */
async function prepare(target: Started, backendPort: number, { bytes }: Workload): Promise<void> {
  await ask(backendPort, 'SET', KEY, 'x'.repeat(bytes))
  const reply = await ask(placeOf(target), 'GET', KEY)
  if (reply.length !== bytes)
    throw new Error(`a value of ${bytes} B came back as ${reply.type}${reply.text} of ${reply.length} B`)
}

/**
 * Loads a target and takes its CPU time around the load. Requests are counted by the server, so that a target which answers
 * without asking it is found out.
 */
export async function measure(
  name: string,
  target: Started,
  backendPort: number,
  workload: Workload,
  benchmark: Program,
  options: LoadOptions,
): Promise<Measurement> {
  await prepare(target, backendPort, workload)
  const load = (requests: number) => {
    const { connections } = options
    const given = {
      port: target.port,
      command: commandOf(workload),
      connections,
      pipeline: workload.pipeline,
      requests,
      ...(target.certificates === undefined ? {} : { authority: target.certificates.authority }),
    }
    return startLoad(benchmark, given, LOAD_TIMEOUT_MS).done
  }
  const first = await load(firstGuess(workload))
  const warm = await load(Math.ceil((first.requestsPerSecond * options.seconds) / 3))
  const requests = options.requests ?? Math.ceil(warm.requestsPerSecond * options.seconds)

  const { pid } = target.running
  const executedBefore = await executed(backendPort, workload.command)
  const rss = new RssSampler(pid, RSS_EVERY_MS)
  const ticksBefore = cpuTicks(pid).own
  const result = await load(requests).finally(() => rss.stop())
  const ticks = cpuTicks(pid).own - ticksBefore
  const answered = (await executed(backendPort, workload.command)) - executedBefore
  if (answered < requests)
    throw new Error(`${requests} requests were answered, but only ${answered} reached the server`)
  return { target: name, workload, cpuUs: (ticks * TICK_US) / answered, ...result, rssBytes: rss.max }
}

/**
 * Several measurements of one cell as one: means, and the highest memory. Means rather than medians, since on few cores a load has
 * two moods, by which processes happen to share a core, and half of the rounds in each.
 */
export function mean(of: readonly Measurement[]): Measurement {
  const average = (figure: (one: Measurement) => number): number =>
    of.reduce((sum, one) => sum + figure(one), 0) / of.length
  const { serverCpuUs, loadCpuUs } = of[0]
  return {
    target: of[0].target,
    workload: of[0].workload,
    cpuUs: average((one) => one.cpuUs),
    requestsPerSecond: average((one) => one.requestsPerSecond),
    p50Ms: average((one) => one.p50Ms),
    p99Ms: average((one) => one.p99Ms),
    rssBytes: Math.max(...of.map((one) => one.rssBytes)),
    ...(serverCpuUs === undefined ? {} : { serverCpuUs: average((one) => one.serverCpuUs!) }),
    ...(loadCpuUs === undefined ? {} : { loadCpuUs: average((one) => one.loadCpuUs!) }),
  }
}
