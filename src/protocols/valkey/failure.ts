import { Frame } from '../../core/frame.ts'
import type { FailureKind } from '../../core/protocol.ts'
import { BULK_ERROR, ERROR } from './resp.ts'

/** An error reply, `-ERR <text>`; line ends in the text become spaces, since one would end the reply. */
export function errorFrame(text: string): Frame {
  const bytes = Buffer.from(`-ERR ${text.replace(/[\r\n]/g, ' ')}\r\n`)
  return new Frame(bytes, 0, bytes.length, ERROR, 0, false)
}

/** The reply of the proxy's own to a request that it could not have answered. All kinds look alike, as Shotover's do. */
export function failure(_request: Frame, _kind: FailureKind, message: string): Frame {
  return errorFrame(message)
}

/** Simple errors, and those of RESP3 that are a bulk. */
export function isError(reply: Frame): boolean {
  return reply.kind === ERROR || reply.kind === BULK_ERROR
}
