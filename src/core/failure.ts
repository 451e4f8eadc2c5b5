import { withCauses } from '../base/errors.ts'
import type { Log } from './kind.ts'
import { ProtocolError } from './protocol.ts'

/** Shotover's text for an error of the chain (its `transforms/mod.rs` and tests match on it). */
export function failureText(chain: string, causes: string[], closing: boolean): string {
  const rest = closing ? ', the connection will now be closed.' : '.'
  return withCauses(
    `Internal shotover (or custom transform) bug (chain: ${chain}): Failed to send and/or receive messages${rest}`,
    causes,
  )
}

/** What a client sent could not be taken: logs why and returns the reason for which its session ends. */
export function logRefusal(log: Log, protocol: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ProtocolError || error instanceof RangeError) {
    log.warn(withCauses(`failed to decode message: Error decoding ${protocol.toLowerCase()} frame`, [message]))
    return 'protocol-error'
  }
  log.error('a session met a fault of ours', { error: error instanceof Error ? error.stack : message })
  return 'fault'
}
