import type { Frame } from '../../../core/frame.ts'
import { plainBody } from '../compression.ts'
import { flagsOf, requestFrame, responseFrame, versionOf } from '../envelope.ts'
import { FLAG_PAYLOAD, FLAG_TRACING, FLAG_WARNING } from '../opcodes.ts'
import { Reader } from '../reader.ts'
import { readRequest, writeRequest, type Request } from './requests.ts'
import { readResponse, writeResponse, type Response } from './responses.ts'
import { Writer } from './writer.ts'

/** Most bytes that a compressed body may become where it is decoded: as many as a frame that is read as a whole has, unless it is told otherwise. */
const PLAIN_BYTES_MAX = 64 * 1024 * 1024
const RESPONSE = 0x80

/** A message, decoded: what it says, and what its flags announce before it. */
export interface Body {
  readonly version: number
  readonly message: Request | Response
  /** Of a request: it is to be traced. Of a response: the id of its trace. */
  readonly tracing: boolean | Buffer
  readonly warnings: readonly string[] | null
  readonly payload: ReadonlyMap<string, Buffer | null> | null
}

export function isRequest(frame: Frame): boolean {
  return (frame.bytes[frame.start]! & RESPONSE) === 0
}

/** Decodes a frame, once. The frame owns its bytes from then on, and so do the buffers in the body. Throws CorruptError. */
export function bodyOf(frame: Frame): Body {
  if (frame.body === null) {
    frame.own()
    frame.body = decode(frame)
  }
  return frame.body as Body
}

function decode(frame: Frame): Body {
  const version = versionOf(frame)
  const flags = flagsOf(frame)
  const reader = new Reader(plainBody(frame, PLAIN_BYTES_MAX))
  const asks = isRequest(frame)
  const tracing = (flags & FLAG_TRACING) === 0 ? false : asks ? true : reader.uuid()
  const warnings = !asks && flags & FLAG_WARNING ? reader.stringList() : null
  const payload = flags & FLAG_PAYLOAD ? reader.bytesMap() : null
  const message = asks ? readRequest(frame.kind, reader, version) : readResponse(frame.kind, reader, version)
  return { version, message, tracing, warnings, payload }
}

const REQUEST_TYPES: ReadonlySet<string> = new Set([
  'startup',
  'auth-response',
  'options',
  'register',
  'query',
  'prepare',
  'execute',
  'batch',
] satisfies Request['type'][])

/** Encodes a message, uncompressed. */
export function encodeBody(body: Body, stream: number): Frame {
  const { version, message, tracing, warnings, payload } = body
  const writer = new Writer()
  if (Buffer.isBuffer(tracing)) writer.raw(tracing)
  if (warnings !== null) writer.stringList(warnings)
  if (payload !== null) writer.bytesMap(payload)
  const flags =
    (tracing === false ? 0 : FLAG_TRACING) |
    (warnings === null ? 0 : FLAG_WARNING) |
    (payload === null ? 0 : FLAG_PAYLOAD)
  if (REQUEST_TYPES.has(message.type)) {
    const opcode = writeRequest(writer, message as Request, version)
    return requestFrame(version, stream, opcode, writer.bytes, flags)
  }
  const opcode = writeResponse(writer, message as Response, version)
  return responseFrame(version, stream, opcode, writer.bytes, flags)
}

/** A body without anything but its message. */
export function plain(version: number, message: Request | Response): Body {
  return { version, message, tracing: false, warnings: null, payload: null }
}
