import type { Frame } from '../../core/frame.ts'
import type { FailureKind } from '../../core/protocol.ts'
import { errorFrame, VERSION_FALLBACK, versionOf } from './envelope.ts'
import { ERROR, ERROR_INVALID, ERROR_OVERLOADED, ERROR_SERVER } from './opcodes.ts'

/** Codes of the errors that the proxy answers with. What went wrong behind it is a server error, as Shotover has it. */
const CODES: Readonly<Record<FailureKind, number>> = {
  rejected: ERROR_INVALID,
  overloaded: ERROR_OVERLOADED,
  unavailable: ERROR_SERVER,
  timeout: ERROR_SERVER,
  internal: ERROR_SERVER,
}

/** The reply of the proxy's own to a request that it could not have answered. */
export function failure(request: Frame, kind: FailureKind, message: string): Frame {
  return errorFrame(versionOf(request) || VERSION_FALLBACK, request.stream, CODES[kind], message)
}

export function isError(reply: Frame): boolean {
  return reply.kind === ERROR
}
