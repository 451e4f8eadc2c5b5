import type { Machine } from '../harness/machine.ts'
import type { Measurement } from './measure.ts'
import { SMALL } from './workload.ts'
import type { Column, Workload } from './workload.ts'

/** A target that could not be measured, or a cell of it. */
export interface Failure {
  readonly target: string
  readonly label: string
  readonly reason: string
  readonly ours: boolean
}

/** All that one run of the bench found. */
export interface Run<C extends Column = Column> {
  readonly date: string
  /** What it was measured before, where that is not plain from the command. */
  readonly title: string
  readonly machine: Machine
  readonly versions: readonly string[]
  readonly command: string
  /** Share of the machine's CPU time that went to processes which are no part of the run: 0 to 1. */
  readonly othersShare: number
  readonly workloads: readonly C[]
  readonly targets: readonly { readonly name: string; readonly label: string }[]
  readonly measurements: readonly Measurement[]
  readonly failures: readonly Failure[]
}

export function find(run: Run, target: string, column: Column): Measurement | null {
  return run.measurements.find((one) => one.target === target && one.workload.id === column.id) ?? null
}

/** The bars speak of values of 100 B. */
export const judged = (run: Run<Workload>): Workload[] => run.workloads.filter(({ bytes }) => bytes === SMALL)

/** CPU microseconds per request, NaN where it was not measured. */
export const cpuOf = (run: Run, target: string, column: Column): number => find(run, target, column)?.cpuUs ?? NaN
