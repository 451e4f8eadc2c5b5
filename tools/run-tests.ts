import { resolve } from 'node:path'
import { run } from 'node:test'
import { pathToFileURL } from 'node:url'
import { inspect, styleText } from 'node:util'

// Runs test files and prints a line for each, with what failed in it. Started by tools/test.ts, which is told the counts.
//   run-tests.ts none|process FILE...      all in this process, or each file in one of its own
// A skipped test counts as failed: what can't run is to be said, not passed over.

export interface Counts {
  passed: number
  failed: number
}

/** Longest a test may take; and in a process of its own, a whole file. */
const TEST_MS = { none: 120_000, process: 600_000 }

/** Collects what happens to one file after the other and prints it. */
class Report {
  readonly counts: Counts = { passed: 0, failed: 0 }
  #file = ''
  #passed = 0
  #failures: string[] = []
  #since = performance.now()

  open(file: string): void {
    if (file === this.#file) return
    this.close()
    this.#file = file
  }

  pass(): void {
    this.#passed++
  }

  fail(name: string, reason: string): void {
    this.#failures.push(`\n    ${styleText('red', name)}\n${reason.replace(/^/gm, '      ')}\n\n`)
  }

  close(): void {
    const failed = this.#failures.length
    if (this.#passed + failed > 0) {
      const seconds = `${((performance.now() - this.#since) / 1000).toFixed(1)} s`
      const mark = failed === 0 ? styleText('green', '✓') : styleText('red', '✗')
      const line = `  ${mark} ${this.#file}  ${this.#passed}${failed === 0 ? '' : `, ${failed} failed`} (${seconds})\n`
      process.stdout.write(line + this.#failures.join(''))
    }
    this.counts.passed += this.#passed
    this.counts.failed += failed
    this.#passed = 0
    this.#failures = []
    this.#since = performance.now()
  }
}

/** An error with what caused it, without the test runner's own frames. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : inspect(error)
  const own = (error.stack ?? error.message)
    .split('\n')
    .filter((line) => !/^\s+at .*\bnode:internal|node:async_hooks/.test(line))
  return own.join('\n') + (error.cause === undefined ? '' : `\ncaused by ${describe(error.cause)}`)
}

/** What went wrong, or null where a test failed only because one inside it did. */
function reasonOf(error: Error & { failureType?: string }): string | null {
  return error.failureType === 'subtestsFailed' ? null : describe(error.cause ?? error)
}

const [isolation, ...files] = process.argv.slice(2) as ['none' | 'process', ...string[]]
const report = new Report()

// Errors that no test waited for: the test runner tells nobody of them once the test is over that they came from.
const stray: unknown[] = []
process.on('uncaughtException', (error) => stray.push(error))
process.on('unhandledRejection', (error) => stray.push(error))

/** Files that the test runner said of itself could not be loaded. */
const unloaded = new Set<string>()

/**
 * A file that throws after it declared a test: the test runner passes over it, and over the tests that would have followed. All files
 * were imported before, so that importing them again runs nothing and only tells how it went.
 */
async function failUnloaded(): Promise<void> {
  for (const file of files) {
    try {
      if (!unloaded.has(file)) await import(pathToFileURL(resolve(file)).href)
    } catch (error) {
      report.open(file)
      report.fail('the file could not be loaded to its end', describe(error))
    }
  }
}

function finish(): void {
  report.open('after the tests')
  for (const error of stray) report.fail('an error nobody caught', describe(error))
  report.close()
  process.exitCode = report.counts.failed === 0 ? 0 : 1
  process.send?.(report.counts)
  process.disconnect?.()
}

// Fires only where something keeps the process alive while no test goes on.
const silence = setTimeout(() => {
  report.open('after the tests')
  report.fail('the process does not end', `still open: ${process.getActiveResourcesInfo().join(', ')}`)
  finish()
  process.exit()
}, TEST_MS[isolation] + 10_000).unref()

const names: string[] = []
let warnings: string[] = []
const events = run({
  files,
  isolation,
  timeout: TEST_MS[isolation],
  concurrency: isolation === 'process' ? 2 : false,
  execArgv: isolation === 'process' ? ['--disable-warning=ExperimentalWarning'] : undefined,
})
for await (const { type, data } of events) {
  silence.refresh()
  if (type === 'test:stdout') process.stdout.write(data.message)
  if (type === 'test:stderr') process.stderr.write(data.message)
  if (type === 'test:diagnostic' && /^(Warning|Error):/.test(data.message)) warnings.push(data.message)
  if (type !== 'test:start' && type !== 'test:pass' && type !== 'test:fail') continue
  if (data.file !== undefined) report.open(data.file.replace(`${process.cwd()}/`, ''))
  names.length = data.nesting
  names.push(data.name)
  if (type === 'test:start') continue
  const name = names.join(' > ')
  const skipped = (data.skip ?? data.todo ?? false) !== false
  if (type === 'test:fail') {
    const reason = reasonOf(data.details.error)
    if (reason !== null) report.fail(name, [reason, ...warnings].join('\n'))
    if (data.nesting === 0 && files.includes(name)) unloaded.add(name)
    warnings = []
  } else if (skipped) report.fail(name, 'skipped')
  else if (data.details.type !== 'suite') report.pass()
}
if (isolation === 'none') await failUnloaded()
finish()
