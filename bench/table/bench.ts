import { makeCertificates } from '../harness/certificates.ts'
import { program } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import type { Processes } from '../harness/processes.ts'
import type { Options } from '../options.ts'
import { TARGETS, TLS_TARGETS, select } from '../targets/list.ts'
import { startRedis } from '../targets/redis.ts'
import type { Surroundings } from '../targets/target.ts'
import { measure } from './measure.ts'
import { Rows } from './rows.ts'
import type { Row } from './rows.ts'
import type { Run } from './run.ts'
import { workloads } from './workload.ts'
import type { Workload } from './workload.ts'

/** Starts everything, measures all cells, and gathers what the report needs. */
export async function runBench(
  processes: Processes,
  options: Options,
  command: string,
  log: (line: string) => void,
): Promise<Run<Workload>> {
  const benchmark = await program('redis-benchmark', log)
  const tls = options.tls ? { backendPort: await drawPort(), certificates: makeCertificates(processes) } : undefined
  const redis = await startRedis(
    processes,
    log,
    undefined,
    tls && { port: tls.backendPort, certificates: tls.certificates },
  )
  const direct: Row[] = [{ name: 'direct', label: 'redis-server itself', ours: false, started: redis }]
  if (tls !== undefined) {
    const started = { ...redis, port: tls.backendPort, certificates: tls.certificates }
    direct.push({ name: 'direct-tls', label: 'redis-server itself, in TLS', ours: false, started })
  }
  const around: Surroundings = { processes, backendPort: redis.port, log, ...(tls === undefined ? {} : { tls }) }
  const rows = new Rows<Workload>(direct, around, (row, workload) =>
    measure(row.name, row.started, redis.port, workload, benchmark, options),
  )
  await rows.start(select(options.only, options.tls ? TLS_TARGETS : TARGETS))
  const cells = workloads(options.full, options.pipelines, options.tls)
  return await rows.run('', cells, options.rounds, command)
}
