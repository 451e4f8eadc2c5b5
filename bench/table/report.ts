import { machineLine, othersLine } from '../harness/machine.ts'
import { ratio } from './baseline.ts'
import type { Baseline } from './baseline.ts'
import { asMarkdown, figure } from './layout.ts'
import type { Rows } from './layout.ts'
import type { Measurement } from './measure.ts'
import { find } from './run.ts'
import type { Run } from './run.ts'
import { verdictLines } from './verdicts.ts'
import type { Verdict } from './verdicts.ts'
import type { Column } from './workload.ts'

type Figure = (of: Measurement) => string

const optional = (value: number | undefined): string => (value === undefined ? '' : figure(value))

const SECTIONS: readonly [title: string, figure: Figure][] = [
  ['CPU us per request', (of) => figure(of.cpuUs)],
  ['CPU us per request of the server behind it', (of) => optional(of.serverCpuUs)],
  ['CPU us per request of the load', (of) => optional(of.loadCpuUs)],
  ['k requests/s', (of) => figure(of.requestsPerSecond / 1000)],
  ['p50 / p99 ms', (of) => `${figure(of.p50Ms)} / ${figure(of.p99Ms)}`],
  ['RSS MB, highest under the load', (of) => figure(of.rssBytes / 1e6)],
]

/** The one table: a section a figure, a row a target, a column a workload. */
export function tableRows(run: Run, baseline: Baseline | null): Rows {
  const rows: string[][] = [['', ...run.workloads.map(({ label }) => label)]]
  const section = (title: string, cell: (target: string, workload: Column) => string): void => {
    rows.push([title])
    for (const { name, label } of run.targets) {
      const cells = run.workloads.map((workload) => cell(name, workload))
      if (cells.some((text) => text !== '')) rows.push([label, ...cells])
    }
  }
  for (const [title, show] of SECTIONS) {
    if (run.measurements.every((of) => show(of) === '')) continue
    section(title, (name, workload) => {
      const found = find(run, name, workload)
      return found === null ? '' : show(found)
    })
  }
  if (baseline !== null) {
    section('CPU against the baseline, in units of redis-server', (name, workload) => {
      const value = name === 'direct' ? NaN : ratio(run, baseline, name, workload)
      return Number.isNaN(value) ? '' : `${value.toFixed(2)} x`
    })
  }
  return rows
}

const oneLine = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.trim())
    .join(' | ')
    .slice(0, 300)

/** What stands above and below the table: where it was measured, what is missing. */
export function notes(run: Run): string[] {
  const lines = [`Machine: ${machineLine(run.machine)}.`, `Versions: ${run.versions.join(', ')}.`]
  lines.push(othersLine(run.othersShare))
  for (const { label, reason } of run.failures) lines.push(`NOT MEASURED: ${label}: ${oneLine(reason)}`)
  return lines
}

/** The entry for RESULTS.md. */
export function entry(run: Run, baseline: Baseline | null, verdicts: readonly Verdict[]): string {
  const bars = ['', 'Bars:', '', ...verdictLines(verdicts).map((line) => `    ${line}`)]
  return [
    `\n## ${run.date}: \`${run.command}\`${run.title === '' ? '' : `, ${run.title}`}\n`,
    ...notes(run).map((line) => `- ${line}`),
    '',
    asMarkdown(tableRows(run, baseline)),
    ...bars,
    '',
  ].join('\n')
}
