import { makeCertificates } from '../harness/certificates.ts'
import { commit, machine, watchOthers } from '../harness/machine.ts'
import { program } from '../harness/packages.ts'
import type { Program } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import type { Processes } from '../harness/processes.ts'
import type { Options } from '../options.ts'
import { TARGETS, TLS_TARGETS, select } from '../targets/list.ts'
import { startRedis } from '../targets/redis.ts'
import type { Started, Surroundings, Target } from '../targets/target.ts'
import { figure } from './layout.ts'
import { mean, measure } from './measure.ts'
import type { Measurement } from './measure.ts'
import type { Failure, Run } from './run.ts'
import { workloadId, workloadLabel, workloads } from './workload.ts'
import type { Workload } from './workload.ts'

interface Row {
  readonly name: string
  readonly label: string
  readonly ours: boolean
  readonly started: Started
}

interface Bench {
  readonly rows: Row[]
  readonly failures: Failure[]
  readonly benchmark: Program
  readonly backendPort: number
  readonly tls: Surroundings['tls']
  readonly options: Options
  log(line: string): void
}

async function startAll(targets: readonly Target[], processes: Processes, bench: Bench): Promise<void> {
  const { backendPort, tls, log } = bench
  for (const target of targets) {
    const { name, label, ours } = target
    try {
      const started = await target.start({ processes, backendPort, log, ...(tls === undefined ? {} : { tls }) })
      bench.rows.push({ name, label, ours, started })
      log(`${label}: ${started.version}, ready on port ${started.port}`)
    } catch (error) {
      const reason = (error as Error).message
      bench.failures.push({ target: name, label, reason, ours })
      log(`NOT MEASURED: ${label}: ${reason}`)
    }
  }
}

/** Measures one cell of one row; a target that fails is named and left out from there on. */
async function cell(bench: Bench, row: Row, workload: Workload, progress: string): Promise<Measurement | null> {
  try {
    const found = await measure(row.name, row.started, bench.backendPort, workload, bench.benchmark, bench.options)
    const { cpuUs, requestsPerSecond, p50Ms, p99Ms, rssBytes } = found
    const figures = `${figure(cpuUs)} us, ${figure(requestsPerSecond / 1000)} k/s, p50 ${figure(p50Ms)} ms, p99 ${figure(p99Ms)} ms`
    bench.log(`${progress} ${workloadLabel(workload)}  ${row.label}: ${figures}, ${figure(rssBytes / 1e6)} MB`)
    return found
  } catch (error) {
    const ended = row.started.running.alive ? '' : `; it ended\n${row.started.running.logTail()}`
    const reason = `${workloadLabel(workload)}: ${(error as Error).message}${ended}`
    bench.failures.push({ target: row.name, label: row.label, reason, ours: row.ours })
    bench.log(`${progress} FAILED: ${row.label}: ${reason}`)
    return null
  }
}

/**
 * Rows take turns within a cell, so that a change of the machine's mood meets neighbours alike; cell after cell, so that memory
 * which large values need is not seen under the small ones.
 */
async function measureAll(bench: Bench, cells: readonly Workload[]): Promise<Measurement[]> {
  const { rounds } = bench.options
  const total = bench.rows.length * cells.length * rounds
  const found = new Map<string, Measurement[]>()
  let done = 0
  for (const workload of cells)
    for (let round = 0; round < rounds; round++)
      for (const row of bench.rows) {
        const one = await cell(bench, row, workload, `[${++done}/${total}]`)
        if (one === null) continue
        const id = `${row.name}/${workloadId(workload)}`
        found.set(id, [...(found.get(id) ?? []), one])
      }
  return [...found.values()].map(mean)
}

/** Each version once; ours with its commit. */
function versions(rows: readonly Row[]): string[] {
  const at = commit()
  const named = rows.map(({ ours, started }) => (ours && at !== '' ? `${started.version} (${at})` : started.version))
  return [...new Set(named)]
}

/** Starts everything, measures all cells, and gathers what the report needs. */
export async function runBench(
  processes: Processes,
  options: Options,
  command: string,
  log: (line: string) => void,
): Promise<Run> {
  const benchmark = await program('redis-benchmark', log)
  const tls = options.tls ? { backendPort: await drawPort(), certificates: makeCertificates(processes) } : undefined
  const redis = await startRedis(
    processes,
    log,
    undefined,
    tls && { port: tls.backendPort, certificates: tls.certificates },
  )
  const rows: Row[] = [{ name: 'direct', label: 'redis-server itself', ours: false, started: redis }]
  if (tls !== undefined) {
    const started = { ...redis, port: tls.backendPort, certificates: tls.certificates }
    rows.push({ name: 'direct-tls', label: 'redis-server itself, in TLS', ours: false, started })
  }
  const bench: Bench = { rows, failures: [], benchmark, backendPort: redis.port, tls, options, log }
  await startAll(select(options.only, options.tls ? TLS_TARGETS : TARGETS), processes, bench)
  const cells = workloads(options.full, options.pipelines, options.tls)
  const of = machine()
  const others = watchOthers(processes)
  const measurements = await measureAll(bench, cells)
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    machine: of,
    versions: versions(bench.rows),
    command,
    othersShare: others(),
    workloads: cells,
    targets: bench.rows.map(({ name, label }) => ({ name, label })),
    measurements,
    failures: bench.failures,
  }
}
