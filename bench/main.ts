import { appendFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { runBars } from './bars/run.ts'
import { Processes } from './harness/processes.ts'
import { stopLoads } from './load/redis-benchmark.ts'
import { USAGE, UsageError, parseOptions } from './options.ts'
import type { Options } from './options.ts'
import { readBaseline, writeBaseline } from './table/baseline.ts'
import { runBench } from './table/bench.ts'
import { asText } from './table/layout.ts'
import { entry, notes, tableRows } from './table/report.ts'
import { verdictLines, verdicts } from './table/verdicts.ts'

const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url))
const BASELINE = fileURLToPath(new URL('baseline.json', import.meta.url))
const SIGNAL_EXITS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

/** Progress goes to stderr, so that stdout holds the table alone. */
function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function table(processes: Processes, options: Options, command: string): Promise<number> {
  const run = await runBench(processes, options, command, log)
  const baseline = readBaseline(BASELINE)
  const judged = verdicts(run)
  console.log(`\n${asText(tableRows(run, baseline))}\n`)
  for (const line of notes(run)) console.log(line)
  if (baseline !== null) console.log(`Baseline: ${baseline.date}, ${baseline.machine}.`)
  console.log(`\nBars:\n${verdictLines(judged).join('\n')}`)
  if (options.results) appendFileSync(RESULTS, entry(run, baseline, judged))
  if (options.record) writeBaseline(BASELINE, run)
  const broken = run.failures.filter(({ ours }) => ours)
  for (const { label, reason } of broken) console.log(`\nFAILED: ${label}: ${reason}`)
  return broken.length > 0 || judged.some(({ held }) => held === false) ? 1 : 0
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
    return await (options.bar === null ? table : bars)(processes, options, command)
  } catch (error) {
    console.error(`the bench failed: ${(error as Error).stack}`)
    return 1
  } finally {
    await stopLoads()
    await processes.stopAll()
  }
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
