import type { TLSSocket } from 'node:tls'
import { HandshakeError, systemErrorText } from '../base/errors.ts'
import { TIMER_MS_MAX } from './node.ts'

/** What a handshake ends with; null: it succeeded. */
export type Settle = (failure: HandshakeError | null) => void

/**
 * Waits for the end of a handshake, which the function that comes back tells too: an error, the peer's leaving, or too long a time end it.
 * `settled` is called once, and the socket of a failure is gone then.
 */
export function watchHandshake(socket: TLSSocket, timeoutMs: number, settled: Settle): Settle {
  let open = true
  const settle: Settle = (failure) => {
    if (!open) return
    open = false
    clearTimeout(timer)
    if (failure === null) {
      socket.off('error', failed)
      socket.off('end', left)
      socket.off('close', left)
    } else socket.destroy()
    settled(failure)
  }
  const failed = (error: Error) => settle(handshakeFailure(error, isUnauthorized(socket)))
  const left = () => settle(new HandshakeError('the peer closed the connection during the handshake', 'closed'))
  socket.on('error', failed)
  socket.on('end', left)
  socket.on('close', left)
  const late = () => settle(new HandshakeError(`the handshake was not done within ${timeoutMs}ms`, 'timeout'))
  const timer = setTimeout(late, Math.min(timeoutMs, TIMER_MS_MAX))
  return settle
}

/** Node looked at the peer's certificate, and does not accept it; its types hide that there may be no error. */
const isUnauthorized = (socket: TLSSocket): boolean => (socket.authorizationError as Error | null) !== null

/** Reasons of OpenSSL that mean: what came is no TLS. */
const NOT_TLS = /^(wrong version number|packet length too long|http request|https proxy request|unknown protocol)$/

/** What ended a handshake, or a connection in TLS, in words. `unauthorized`: it is about the peer's certificate. */
export function handshakeFailure(error: Error, unauthorized: boolean): HandshakeError {
  if (error instanceof HandshakeError) return error
  if (unauthorized) return certificateFailure(error)
  const { code = '', reason } = error as Error & { code?: string; reason?: string }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new HandshakeError('the peer closed the connection during the handshake', 'closed')
  }
  if (reason === undefined) return new HandshakeError(systemErrorText(error), 'protocol')
  if (NOT_TLS.test(reason)) return new HandshakeError(`the peer does not speak TLS (${reason})`, 'protocol')
  const alert = /\balert (.+)$/.exec(reason)?.[1]
  if (alert !== undefined) return new HandshakeError(`the peer refused: ${alert}`, 'refused')
  if (/did not return a certificate/.test(reason))
    return new HandshakeError('the peer sent no certificate', 'certificate')
  return new HandshakeError(reason, 'protocol')
}

/** The peer's certificate is not accepted. */
export function certificateFailure(error: Error): HandshakeError {
  if (error instanceof HandshakeError) return error
  return new HandshakeError(`the peer's certificate is not accepted: ${error.message}`, 'certificate')
}
