import { withCauses } from '../base/errors.ts'

/** Shotover's text for an error of the chain (its `transforms/mod.rs` and tests match on it). */
export function failureText(chain: string, causes: string[], closing: boolean): string {
  const rest = closing ? ', the connection will now be closed.' : '.'
  return withCauses(
    `Internal shotover (or custom transform) bug (chain: ${chain}): Failed to send and/or receive messages${rest}`,
    causes,
  )
}
