import type { LogRoot } from './log.ts'

/** Where an error was thrown, from its stack. */
function placeOf(error: Error): { file: string; line: number; column: number } | null {
  const match = /\(?(?:file:\/\/)?([^\s()]+):(\d+):(\d+)\)?$/m.exec(
    error.stack?.split('\n').find((line) => /^\s+at /.test(line)) ?? '',
  )
  return match === null ? null : { file: match[1], line: Number(match[2]), column: Number(match[3]) }
}

/**
 * Logs an error that nobody caught: an ERROR event with its place and stack in the json format, the stack on standard error in the
 * human one.
 */
export function logPanic(log: LogRoot, thrown: unknown): void {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  if (log.format === 'human') {
    process.stderr.write(`panicked: ${error.stack ?? error.message}\n`)
    return
  }
  const place = placeOf(error)
  log.logger('shotover::panic').error(error.message, {
    'panic.file': place?.file ?? '',
    'panic.line': place?.line ?? 0,
    'panic.column': place?.column ?? 0,
    'panic.backtrace': error.stack ?? '',
  })
}

/**
 * From here on an error that nobody caught is logged and the process goes on: it ends the work that met it, and what the others do
 * does not depend on that.
 */
export function logPanics(log: LogRoot): void {
  process.on('uncaughtException', (error) => logPanic(log, error))
  process.on('unhandledRejection', (reason) => logPanic(log, reason))
}
