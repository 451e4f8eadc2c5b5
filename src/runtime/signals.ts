import { constants } from 'node:os'
import type { Log } from '../core/kind.ts'

const STOPPING = ['SIGTERM', 'SIGINT'] as const

/** The same key press may come twice: from the terminal, and passed on by npm. */
const SAME_MS = 100

/**
 * From here on SIGTERM and SIGINT do not end the process. Resolves with the first one's name; a second one, later than a tenth of a
 * second, ends the process at once, with the exit code that a shell gives to it: 143 or 130.
 */
export function stopSignal(log: Log): Promise<string> {
  return new Promise((resolve) => {
    let first = 0
    for (const signal of STOPPING) {
      process.on(signal, () => {
        if (first === 0) {
          first = performance.now()
          log.info(`received ${signal}`)
          resolve(signal)
        } else if (performance.now() - first > SAME_MS) {
          log.warn(`received ${signal} again: exiting at once`)
          process.exit(128 + constants.signals[signal])
        }
      })
    }
  })
}
