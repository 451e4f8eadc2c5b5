import { withCauses } from '../base/errors.ts'
import { ANSWERING, DONE, type Batch } from './exchange.ts'
import type { Log } from './kind.ts'
import { ProtocolError, type FailureKind, type Protocol } from './protocol.ts'

/** Shotover's text for an error of the chain (its `transforms/mod.rs` and tests match on it). */
export function failureText(chain: string, causes: string[], closing: boolean): string {
  const rest = closing ? ', the connection will now be closed.' : '.'
  return withCauses(
    `Internal shotover (or custom transform) bug (chain: ${chain}): Failed to send and/or receive messages${rest}`,
    causes,
  )
}

/** Gives each its failure as the reply. False: the protocol has none for one of them, or part of its reply has gone up. */
export function answerWithFailure(batch: Batch, protocol: Protocol, kind: FailureKind, message: string): boolean {
  for (const exchange of batch) {
    const reply = exchange.state === ANSWERING ? null : protocol.failure(exchange.request, kind, message)
    if (reply === null) return false
    exchange.response = reply
    exchange.state = DONE
  }
  return true
}

/** What a client sent could not be taken: logs why and returns the reason for which its session ends. */
export function logRefusal(log: Log, protocol: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof ProtocolError && error.isRoutine) {
    log.info(message)
    return 'protocol-error'
  }
  if (error instanceof ProtocolError || error instanceof RangeError) {
    log.warn(withCauses(`failed to decode message: Error decoding ${protocol.toLowerCase()} frame`, [message]))
    return 'protocol-error'
  }
  log.error('a session met a fault of ours', { error: error instanceof Error ? error.stack : message })
  return 'fault'
}
