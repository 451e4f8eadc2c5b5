import type { Frame } from '../../core/frame.ts'
import type { Greeting } from '../../core/sharing.ts'
import { encodeBody, plain } from './body/body.ts'
import { NO_PARAMETERS } from './body/requests.ts'
import { requestFrame, USES_KEYSPACE } from './envelope.ts'
import {
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  AUTHENTICATE,
  ERROR,
  ERROR_INVALID,
  opcodeName,
  READY,
  RESULT,
  STARTUP,
} from './opcodes.ts'
import { errorCode } from './result.ts'

/** With what a server has let a client in. */
export interface Login {
  readonly version: number
  /** Body of the STARTUP; null: not started. */
  readonly startup: Buffer | null
  /** Body of the AUTH_RESPONSE that was granted: kept in memory only, to bring other connections to the same identity. */
  readonly token: Buffer | null
}

/** Brings a fresh connection to an identity that the server has granted before, and to a keyspace unless that is null. */
export function* greet({ version, startup, token }: Login, keyspace: string | null): Greeting {
  if (startup === null) return
  const [started] = yield [requestFrame(version, 0, STARTUP, startup)]
  if (token !== null) {
    expect(started!, AUTHENTICATE)
    const [granted] = yield [requestFrame(version, 0, AUTH_RESPONSE, token)]
    expect(granted!, AUTH_SUCCESS)
  } else expect(started!, READY)
  if (keyspace === null) return
  const [used] = yield [useFrame(version, keyspace)]
  // Where it is gone, statements without a keyspace fail as they do on any connection.
  if (used!.kind !== ERROR || errorCode(used!) !== ERROR_INVALID) expect(used!, RESULT)
}

function expect(reply: Frame, kind: number): void {
  if (reply.kind !== kind)
    throw new Error(`the server answered ${opcodeName(reply.kind)} where it answered ${opcodeName(kind)} before`)
}

/** `USE` of a keyspace. */
function useFrame(version: number, keyspace: string): Frame {
  const text = `USE "${keyspace.replaceAll('"', '""')}"`
  const frame = encodeBody(plain(version, { type: 'query', text, parameters: NO_PARAMETERS }), 0)
  frame.code |= USES_KEYSPACE
  return frame
}
