import { withCauses } from '../base/errors.ts'
import type { Log } from '../core/kind.ts'

/**
 * Logs that the proxy could not start, and why. `causes` as Shotover words them, outermost first; `details`, what we know beyond that
 * (places, hints), is a field of its own, so that the message stays as operators of Shotover know it.
 */
export function logStartFailure(log: Log, causes: readonly string[], details = ''): void {
  log.error(withCauses('Failed to start shotover', causes), details === '' ? {} : { details: `\n${details}` })
}
