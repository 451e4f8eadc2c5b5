import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { machineLine } from '../harness/machine.ts'
import { cpuOf } from './run.ts'
import type { Run } from './run.ts'
import type { Column } from './workload.ts'

/** A run that later ones are compared with. */
export interface Baseline {
  readonly date: string
  readonly machine: string
  readonly versions: readonly string[]
  /** CPU microseconds per request by target and workload; `direct` is redis-server's own. */
  readonly cpuUs: Readonly<Record<string, Readonly<Record<string, number>>>>
}

export function baselineOf(run: Run): Baseline {
  const cpuUs: Record<string, Record<string, number>> = {}
  for (const { target, workload, cpuUs: us } of run.measurements)
    (cpuUs[target] ??= {})[workload.id] = Number(us.toFixed(3))
  return { date: run.date, machine: machineLine(run.machine), versions: run.versions, cpuUs }
}

/**
 * CPU per request now against then, each in units of redis-server's own in its run, so that a faster or busier machine changes
 * it little. NaN where one of the four figures is missing.
 */
export function ratio(run: Run, baseline: Baseline, target: string, workload: Column): number {
  const { id } = workload
  const then = (baseline.cpuUs[target]?.[id] ?? NaN) / (baseline.cpuUs.direct?.[id] ?? NaN)
  return cpuOf(run, target, workload) / cpuOf(run, 'direct', workload) / then
}

export function readBaseline(file: string): Baseline | null {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Baseline) : null
}

export function writeBaseline(file: string, run: Run): void {
  writeFileSync(file, `${JSON.stringify(baselineOf(run), null, 2)}\n`)
}
