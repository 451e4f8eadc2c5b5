import { commit, machine, watchOthers } from '../harness/machine.ts'
import type { Started, Surroundings, Target } from '../targets/target.ts'
import { figure } from './layout.ts'
import { mean } from './measure.ts'
import type { Measurement } from './measure.ts'
import type { Failure, Run } from './run.ts'
import type { Column } from './workload.ts'

/** What one row of a table measures. */
export interface Row {
  readonly name: string
  readonly label: string
  readonly ours: boolean
  readonly started: Started
}

/** Measures one cell once. */
export type Cell<C extends Column> = (row: Row, column: C) => Promise<Measurement>

/** The rows of one table: what could be started, and what failed, then or later. */
export class Rows<C extends Column> {
  readonly rows: Row[]
  readonly #failures: Failure[] = []
  readonly #around: Surroundings
  readonly #cell: Cell<C>

  /** `first`: what stands without being started, the server above all. */
  constructor(first: readonly Row[], around: Surroundings, cell: Cell<C>) {
    this.rows = [...first]
    this.#around = around
    this.#cell = cell
  }

  async start(targets: readonly Target[]): Promise<void> {
    for (const target of targets) {
      const { name, label, ours } = target
      try {
        const started = await target.start(this.#around)
        this.rows.push({ name, label, ours, started })
        this.#around.log(`${label}: ${started.version}, ready on port ${started.port}`)
      } catch (error) {
        const reason = (error as Error).message
        this.#failures.push({ target: name, label, reason, ours })
        this.#around.log(`NOT MEASURED: ${label}: ${reason}`)
      }
    }
  }

  /** Measures all cells, and gathers what the report needs. */
  async run(title: string, columns: readonly C[], rounds: number, command: string): Promise<Run<C>> {
    const of = machine()
    const others = watchOthers(this.#around.processes)
    const measurements = await this.#measureAll(columns, rounds)
    return {
      date: new Date().toISOString().slice(0, 16).replace('T', ' '),
      title,
      machine: of,
      versions: this.#versions(),
      command,
      othersShare: others(),
      workloads: columns,
      targets: this.rows.map(({ name, label }) => ({ name, label })),
      measurements,
      failures: this.#failures,
    }
  }

  /**
   * Rows take turns within a cell, so that a change of the machine's mood meets neighbours alike; cell after cell, so that memory
   * which large values need is not seen under the small ones.
   */
  async #measureAll(columns: readonly C[], rounds: number): Promise<Measurement[]> {
    const total = this.rows.length * columns.length * rounds
    const found = new Map<string, Measurement[]>()
    let done = 0
    for (const column of columns)
      for (let round = 0; round < rounds; round++)
        for (const row of this.rows) {
          const one = await this.#measure(row, column, `[${++done}/${total}]`)
          if (one === null) continue
          const id = `${row.name}/${column.id}`
          found.set(id, [...(found.get(id) ?? []), one])
        }
    return [...found.values()].map(mean)
  }

  /** A target that fails is named. */
  async #measure(row: Row, column: C, progress: string): Promise<Measurement | null> {
    const { log } = this.#around
    try {
      const found = await this.#cell(row, column)
      const { cpuUs, requestsPerSecond, p50Ms, p99Ms, rssBytes } = found
      const figures = `${figure(cpuUs)} us, ${figure(requestsPerSecond / 1000)} k/s, p50 ${figure(p50Ms)} ms, p99 ${figure(p99Ms)} ms`
      log(`${progress} ${column.label}  ${row.label}: ${figures}, ${figure(rssBytes / 1e6)} MB`)
      return found
    } catch (error) {
      const ended = row.started.running.alive ? '' : `; it ended\n${row.started.running.logTail()}`
      const reason = `${column.label}: ${(error as Error).message}${ended}`
      this.#failures.push({ target: row.name, label: row.label, reason, ours: row.ours })
      log(`${progress} FAILED: ${row.label}: ${reason}`)
      return null
    }
  }

  /** Each version once; ours with its commit. */
  #versions(): string[] {
    const at = commit()
    const named = this.rows.map(({ ours, started }) =>
      ours && at !== '' ? `${started.version} (${at})` : started.version,
    )
    return [...new Set(named)]
  }
}
