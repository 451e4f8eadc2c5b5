// Hot path
import { Frame } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { ERROR, ERROR_PROTOCOL } from './opcodes.ts'

/** `version, flags, stream (16 bits), opcode, length (32 bits)`: native_protocol_v5.spec 2. */
export const HEADER_BYTES = 9
/** Longest body that servers take. */
export const BODY_BYTES_MAX = 256 * 1024 * 1024

export const VERSION_MIN = 3
export const VERSION_MAX = 5
/** The version of what is said to a client whose own is not known. */
export const VERSION_FALLBACK = 4

const RESPONSE = 0x80

/** What a wire puts into `Frame.code`: version and flags of the header. */
export function versionOf(frame: Frame): number {
  return frame.code & 0x7f
}

/** A bit of `Frame.code`: the request chooses a keyspace, as is known of it. */
export const USES_KEYSPACE = 1 << 18

export function flagsOf(frame: Frame): number {
  return (frame.code >> 8) & 0xff
}

/** How what a client sends is cut. Throws ProtocolError where it can't be a request. */
export const requestFormat = {
  headerBytes: HEADER_BYTES,
  size(bytes: Buffer, at: number): number {
    checkVersion(bytes[at]!)
    return sizeAt(bytes, at)
  },
}

/** How what a server sends is cut. */
export const responseFormat = {
  headerBytes: HEADER_BYTES,
  size(bytes: Buffer, at: number): number {
    if ((bytes[at]! & RESPONSE) === 0) throw new ProtocolError('the server sent a request')
    return sizeAt(bytes, at)
  },
}

function sizeAt(bytes: Buffer, at: number): number {
  const length = bytes.readInt32BE(at + 5)
  if (length < 0 || length > BODY_BYTES_MAX) refuseLength(bytes[at]! & 0x7f, length)
  return HEADER_BYTES + length
}

// Cold: the session ends
function refuseLength(version: number, length: number): never {
  const text = `Request is too big: length ${length} exceeds maximum allowed length ${BODY_BYTES_MAX}.`
  throw new ProtocolError(text, errorFrame(version, 0, ERROR_PROTOCOL, text))
}

/** The first byte of a request: is its version one that is spoken here? */
export function checkVersion(byte: number): void {
  if (byte < VERSION_MIN || byte > VERSION_MAX) refuseVersion(byte)
}

// Cold: the session ends
function refuseVersion(byte: number): never {
  const reply = errorFrame(VERSION_FALLBACK, 0, ERROR_PROTOCOL, 'Invalid or unsupported protocol version')
  if (byte & RESPONSE) throw new ProtocolError('the client sent a response', reply)
  throw new ProtocolError(
    `Negotiating protocol version: rejecting version ${byte} (configure the client to use a supported version by default to improve connection time)`,
    reply,
    true,
  )
}

/** The frame that `bytes[start, end)` begins with; its flags say that it is whole. */
export function frameAt(bytes: Buffer, start: number, end: number, borrowed: boolean): Frame {
  const code = (bytes[start]! & 0x7f) | (bytes[start + 1]! << 8)
  const frame = new Frame(bytes, start, end, bytes[start + 4]!, code, borrowed)
  frame.stream = ((bytes[start + 2]! << 24) >> 16) | bytes[start + 3]!
  return frame
}

/** A request. */
export function requestFrame(version: number, stream: number, opcode: number, body: Buffer, flags = 0): Frame {
  return envelope(version, flags, stream, opcode, body)
}

/** A response of the proxy's own. */
export function responseFrame(version: number, stream: number, opcode: number, body: Buffer, flags = 0): Frame {
  return envelope(version | RESPONSE, flags, stream, opcode, body)
}

function envelope(version: number, flags: number, stream: number, opcode: number, body: Buffer): Frame {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + body.length)
  bytes[0] = version
  bytes[1] = flags
  bytes.writeInt16BE(stream, 2)
  bytes[4] = opcode
  bytes.writeInt32BE(body.length, 5)
  body.copy(bytes, HEADER_BYTES)
  return frameAt(bytes, 0, bytes.length, false)
}

/** ERROR, 4.2.1; codes that want more than a text get it in `rest`. */
export function errorFrame(version: number, stream: number, code: number, text: string, rest?: Buffer): Frame {
  const message = Buffer.from(text).subarray(0, 0xffff)
  const more = rest?.length ?? 0
  const body = Buffer.allocUnsafe(6 + message.length + more)
  body.writeInt32BE(code, 0)
  body.writeUInt16BE(message.length, 4)
  message.copy(body, 6)
  rest?.copy(body, 6 + message.length)
  return responseFrame(version, stream, ERROR, body)
}

/** The frame with another stream id: in its place where its bytes are lent, else as a copy. It must begin with a header. */
export function retagged(frame: Frame, stream: number): Frame {
  const at = frame.start + 2
  if (frame.bytes.readInt16BE(at) === stream) return frame
  if (frame.borrowed && frame.edits === null) {
    frame.bytes.writeInt16BE(stream, at)
    return frame
  }
  const bytes = Buffer.from(frame.toBuffer())
  bytes.writeInt16BE(stream, 2)
  const copy = new Frame(bytes, 0, bytes.length, frame.kind, frame.code, false)
  copy.flags = frame.flags
  copy.stream = frame.stream
  copy.announced = frame.announced
  return copy
}
