import type { Program } from '../harness/packages.ts'
import type { Processes } from '../harness/processes.ts'
import type { Verdict } from '../table/verdicts.ts'
import type { Started, Target } from '../targets/target.ts'

/** What a bar's program is given: a server, and a way to start proxies before it. */
export interface BarContext {
  readonly processes: Processes
  readonly benchmark: Program
  readonly redis: Started
  readonly target: Target
  /** Starts the target that the bar looks at, before `redis` or another port. */
  start(backendPort?: number): Promise<Started>
  log(line: string): void
}

export interface BarResult {
  /** What was measured, a line each. */
  readonly figures: readonly string[]
  readonly verdicts: readonly Verdict[]
}

/** One promise of the project that the table can't show, with a program of its own. */
export interface Bar {
  readonly name: string
  readonly title: string
  run(context: BarContext): Promise<BarResult>
}

export function held(text: string, condition: boolean): Verdict {
  return { text, held: condition }
}

export const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
export const ms = (value: number): string => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`
