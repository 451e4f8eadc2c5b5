import type { Frame } from '../../core/frame.ts'
import type { FailureKind } from '../../core/protocol.ts'
import { Writer } from './body/writer.ts'
import { CorruptError } from './corrupt-error.ts'
import { errorFrame, VERSION_FALLBACK, versionOf } from './envelope.ts'
import { ERROR, ERROR_INVALID, ERROR_OVERLOADED, ERROR_SERVER, ERROR_UNPREPARED, EXECUTE } from './opcodes.ts'
import { UNKNOWN, type PreparedStatements } from './prepared.ts'
import { requestReader } from './request.ts'

/** Codes of the errors that the proxy answers with. What went wrong behind it is a server error, as Shotover has it. */
const CODES: Readonly<Record<FailureKind, number>> = {
  rejected: ERROR_INVALID,
  overloaded: ERROR_OVERLOADED,
  unavailable: ERROR_SERVER,
  timeout: ERROR_SERVER,
  internal: ERROR_SERVER,
}

/** Drivers prepare the statement anew, and send it again. */
const UNPREPARED =
  "Shotover does not have this query's metadata. Please re-prepare on this Shotover host before sending again."

/**
 * The reply of the proxy's own to a request that it could not have answered. What was refused because nobody saw it prepared is to be
 * prepared again, so that it can be judged.
 */
export function failureOf(prepared: PreparedStatements): (request: Frame, kind: FailureKind, message: string) => Frame {
  return (request, kind, message) => {
    const version = versionOf(request) || VERSION_FALLBACK
    if (kind === 'rejected' && request.kind === EXECUTE && prepared.executed(request) === UNKNOWN)
      return unprepared(request) ?? errorFrame(version, request.stream, CODES[kind], message)
    return errorFrame(version, request.stream, CODES[kind], message)
  }
}

/** Has the client of an EXECUTE prepare its statement here, and send it again; null where the id can't be read. */
export function unprepared(request: Frame): Frame | null {
  const id = executedId(request)
  return id === null ? null : unpreparedFrame(request, id, UNPREPARED)
}

/** Has the client of an EXECUTE or BATCH prepare this statement here, and send it again. */
export function unpreparedFrame(request: Frame, id: Buffer, text: string): Frame {
  const rest = new Writer().shortBytes(id).bytes
  return errorFrame(versionOf(request), request.stream, ERROR_UNPREPARED, text, rest)
}

/** The id of an EXECUTE; null where it can't be read. */
function executedId(request: Frame): Buffer | null {
  try {
    return requestReader(request, 0x10002).shortBytes()
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

export function isError(reply: Frame): boolean {
  return reply.kind === ERROR
}
