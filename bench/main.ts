import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runBars } from './bars/run.ts'
import { Processes } from './harness/processes.ts'
import { stopLoads } from './load/redis-benchmark.ts'
import { USAGE, UsageError, parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { readBaseline, writeBaseline } from './table/baseline.ts'
import type { Baseline } from './table/baseline.ts'
import { runBench } from './table/bench.ts'
import { REAL_TITLE, runCassandraBench } from './table/cassandra.ts'
import { cassandraVerdicts } from './table/cassandra-verdicts.ts'
import { asText } from './table/layout.ts'
import { entry, notes, tableRows } from './table/report.ts'
import type { Run } from './table/run.ts'
import { verdictLines, verdicts } from './table/verdicts.ts'
import type { Verdict } from './table/verdicts.ts'

const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url))
const BASELINE = fileURLToPath(new URL('baseline.json', import.meta.url))
const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** Progress goes to stderr, so that stdout holds the table alone. */
function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Prints what a run found, and appends it to the results; whether all of it held. */
function report(run: Run, baseline: Baseline | null, judged: readonly Verdict[], options: Options): boolean {
  console.log(`\n${run.title === '' ? '' : `${run.title}:\n\n`}${asText(tableRows(run, baseline))}\n`)
  for (const line of notes(run)) console.log(line)
  if (baseline !== null) console.log(`Baseline: ${baseline.date}, ${baseline.machine}.`)
  console.log(`\nBars:\n${verdictLines(judged).join('\n')}`)
  if (options.results) appendFileSync(RESULTS, entry(run, baseline, judged))
  const broken = run.failures.filter(({ ours }) => ours)
  for (const { label, reason } of broken) console.log(`\nFAILED: ${label}: ${reason}`)
  return broken.length === 0 && judged.every(({ held }) => held !== false)
}

async function table(processes: Processes, options: Options, command: string): Promise<number> {
  const run = await runBench(processes, options, command, log)
  const held = report(run, readBaseline(BASELINE), verdicts(run), options)
  if (options.record) writeBaseline(BASELINE, run)
  return held ? 0 : 1
}

async function cassandra(processes: Processes, options: Options, command: string): Promise<number> {
  const runs = await runCassandraBench(processes, options, command, log)
  const held = runs.map((run) => report(run, null, cassandraVerdicts(run, run.title === REAL_TITLE), options))
  return held.every((each) => each) ? 0 : 1
}

async function bars(processes: Processes, options: Options, command: string): Promise<number> {
  const { text, held } = await runBars(processes, options, log)
  console.log(text)
  if (options.results)
    appendFileSync(
      RESULTS,
      `\n## ${new Date().toISOString().slice(0, 16).replace('T', ' ')}: \`${command}\`\n\n${text}\n`,
    )
  return held ? 0 : 1
}

/** Runs what was asked for and stops everything it started, however it ends. */
export async function main(argv: string[]): Promise<number> {
  let options: Options | null
  try {
    options = parseOptions(argv)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return 2
  }
  if (options === null) {
    console.log(USAGE)
    return 0
  }
  const processes = new Processes()
  for (const [signal, code] of Object.entries(SIGNAL_EXITS)) {
    process.once(signal, () => {
      log(`${signal}: stopping what was started`)
      void Promise.all([stopLoads(), processes.stopAll()]).finally(() => process.exit(code))
    })
  }
  try {
    const command = ['npm run bench --', ...argv].join(' ')
    const program = options.bar !== null ? bars : options.cassandra ? cassandra : table
    return await program(processes, options, command)
  } catch (error) {
    console.error(`the bench failed: ${(error as Error).stack}`)
    return 1
  } finally {
    await stopLoads()
    await processes.stopAll()
  }
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
