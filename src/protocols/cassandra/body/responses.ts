import { CorruptError } from '../corrupt-error.ts'
import { AUTH_CHALLENGE, AUTH_SUCCESS, AUTHENTICATE, ERROR, EVENT, READY, RESULT, SUPPORTED } from '../opcodes.ts'
import type { Reader } from '../reader.ts'
import { readResult, writeResult, type Result } from './results.ts'
import type { Writer } from './writer.ts'

/** What a server answers: native_protocol_v5.spec 4.2. */
export type Response =
  | {
      readonly type: 'error'
      readonly code: number
      readonly message: string
      /** What the code wants besides, as it comes. */
      readonly rest: Buffer
    }
  | { readonly type: 'ready' }
  | { readonly type: 'authenticate'; readonly authenticator: string }
  | { readonly type: 'supported'; readonly options: ReadonlyMap<string, readonly string[]> }
  | Result
  | {
      readonly type: 'event'
      readonly event: string
      /** What happened, as it comes. */
      readonly rest: Buffer
    }
  | { readonly type: 'auth-challenge'; readonly token: Buffer | null }
  | { readonly type: 'auth-success'; readonly token: Buffer | null }

/** Decodes the message of a response. Throws CorruptError. */
export function readResponse(opcode: number, reader: Reader, version: number): Response {
  switch (opcode) {
    case ERROR:
      return { type: 'error', code: reader.int(), message: reader.string(), rest: reader.range(reader.left) }
    case READY:
      return { type: 'ready' }
    case AUTHENTICATE:
      return { type: 'authenticate', authenticator: reader.string() }
    case SUPPORTED: {
      const options = new Map<string, string[]>()
      for (let count = reader.short(); count > 0; count--) options.set(reader.string(), reader.stringList())
      return { type: 'supported', options }
    }
    case RESULT:
      return readResult(reader, version)
    case EVENT:
      return { type: 'event', event: reader.string(), rest: reader.range(reader.left) }
    case AUTH_CHALLENGE:
      return { type: 'auth-challenge', token: reader.value() }
    case AUTH_SUCCESS:
      return { type: 'auth-success', token: reader.value() }
    default:
      throw new CorruptError(`no response has the opcode ${opcode}`)
  }
}

/** Writes the message of a response; returns its opcode. */
export function writeResponse(writer: Writer, response: Response, version: number): number {
  if (isResult(response)) {
    writeResult(writer, response, version)
    return RESULT
  }
  switch (response.type) {
    case 'error':
      writer.int(response.code).string(response.message).raw(response.rest)
      return ERROR
    case 'ready':
      return READY
    case 'authenticate':
      writer.string(response.authenticator)
      return AUTHENTICATE
    case 'supported':
      writer.short(response.options.size)
      for (const [name, values] of response.options) writer.string(name).stringList(values)
      return SUPPORTED
    case 'event':
      writer.string(response.event).raw(response.rest)
      return EVENT
    case 'auth-challenge':
      writer.value(response.token)
      return AUTH_CHALLENGE
    case 'auth-success':
      writer.value(response.token)
      return AUTH_SUCCESS
  }
}

const RESULT_TYPES: ReadonlySet<string> = new Set([
  'void',
  'rows',
  'set-keyspace',
  'prepared',
  'schema-change',
] satisfies Result['type'][])

function isResult(response: Response): response is Result {
  return RESULT_TYPES.has(response.type)
}
