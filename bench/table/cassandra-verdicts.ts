import type { CqlColumn } from './cassandra.ts'
import { cpuOf, find } from './run.ts'
import type { Run } from './run.ts'
import { verdict } from './verdicts.ts'
import type { Verdict } from './verdicts.ts'

/** What ours may cost, as a part of Shotover. */
const MAX: Readonly<Record<string, Readonly<Record<Sink, number>>>> = {
  '1x128': { single: 0.6, cluster: 0.5 },
  '8x32': { single: 0.6, cluster: 0.6 },
}

type Sink = 'single' | 'cluster'

const SINKS: readonly (readonly [Sink, string])[] = [
  ['single', 'CassandraSinkSingle'],
  ['cluster', 'CassandraSinkCluster'],
]

/**
 * Shotover 0.7.2 before Cassandra 4.1 on a 2-core machine, and Envoy as a relay of bytes beside it, us per request: middles of what was
 * measured with 1 x 128, then with 8 x 32.
 */
const RECORDED = { envoy: [1.2, 14.75], single: [2.35, 13.3], cluster: [4.85, 14.6] } as const

/**
 * What the original would have cost where Envoy costs so much. How many requests share a read and a write is up to the load and the
 * server, and is nearly all that a relay of bytes costs; with the original it is a part, which the two cells that were recorded tell
 * from what each request costs it anyway. How fast the machine is is not in this.
 */
function recorded(sink: Sink, envoy: number): number {
  const [few, many] = RECORDED[sink]
  const slope = (many - few) / (RECORDED.envoy[1] - RECORDED.envoy[0])
  return few + slope * (envoy - RECORDED.envoy[0])
}

/** Against the original: as measured in this run, else as it was recorded. */
function againstShotover(run: Run<CqlColumn>, column: CqlColumn): Verdict[] {
  const max = MAX[column.id]
  if (max === undefined) return []
  const envoy = cpuOf(run, 'envoy', column)
  return SINKS.map(([sink, name]) => {
    const measured = cpuOf(run, `shotover-${sink}`, column)
    const isMeasured = Number.isFinite(measured)
    const source = isMeasured ? 'Shotover' : "recorded Shotover, brought to Envoy's batches"
    const of = isMeasured ? measured : recorded(sink, envoy)
    return verdict(
      `${column.label}, ${name}, ${max[sink]} x ${source}`,
      cpuOf(run, `ours-${sink}`, column),
      max[sink] * of,
      'us',
    )
  })
}

/** A load that is slower than the server would tell of itself. */
function ofLoad(run: Run<CqlColumn>, column: CqlColumn): Verdict {
  const of = find(run, 'direct', column)
  return verdict(`${column.label}, the load against the node`, of?.loadCpuUs ?? NaN, of?.cpuUs ?? NaN, 'us')
}

/** The bars that a table before a node can tell; the load is judged where the node is a real one. */
export function cassandraVerdicts(run: Run<CqlColumn>, isReal: boolean): Verdict[] {
  return [
    ...(isReal ? run.workloads.map((column) => ofLoad(run, column)) : []),
    ...run.workloads.flatMap((column) => againstShotover(run, column)),
  ]
}
