import type { Frame } from '../../core/frame.ts'
import { plainBody } from './compression.ts'
import { flagsOf, HEADER_BYTES } from './envelope.ts'
import { CorruptError } from './corrupt-error.ts'
import {
  ERROR_UNPREPARED,
  FLAG_COMPRESSED,
  FLAG_PAYLOAD,
  FLAG_TRACING,
  FLAG_WARNING,
  RESULT,
  RESULT_SET_KEYSPACE,
} from './opcodes.ts'
import { Reader } from './reader.ts'

const BEFORE_MESSAGE = FLAG_COMPRESSED | FLAG_TRACING | FLAG_PAYLOAD | FLAG_WARNING
/** So much of a compressed body tells what kind of result it is, unless there are warnings. */
const TELLING_BYTES = 512

/** What kind of RESULT a frame is, its first [int]; -1 where it does not tell. */
export function resultKind(reply: Frame): number {
  const at = reply.start + HEADER_BYTES
  if ((flagsOf(reply) & BEFORE_MESSAGE) === 0) return reply.end - at < 4 ? -1 : reply.bytes.readInt32BE(at)
  try {
    return messageOf(reply, TELLING_BYTES).int()
  } catch (error) {
    if (error instanceof CorruptError) return -1
    throw error
  }
}

/** The message behind what its flags announce: a tracing id, warnings, a payload; native_protocol_v5.spec 4. Throws CorruptError. */
export function messageOf(reply: Frame, bytesMax: number): Reader {
  const flags = flagsOf(reply)
  const reader = new Reader(plainBody(reply, bytesMax))
  if (flags & FLAG_TRACING) reader.take(16)
  if (flags & FLAG_WARNING) for (let count = reader.short(); count > 0; count--) reader.shortBytes()
  if (flags & FLAG_PAYLOAD) {
    for (let count = reader.short(); count > 0; count--) {
      reader.shortBytes()
      reader.value()
    }
  }
  return reader
}

/** The keyspace that a USE was granted; null where the reply is another one. */
export function keyspaceSet(reply: Frame): string | null {
  if (reply.kind !== RESULT || !reply.whole || resultKind(reply) !== RESULT_SET_KEYSPACE) return null
  const reader = messageOf(reply, 1 << 20)
  reader.int()
  return reader.string()
}

/** The code of an ERROR; -1 where it can't be read. */
export function errorCode(reply: Frame): number {
  try {
    return messageOf(reply, TELLING_BYTES).int()
  } catch (error) {
    if (error instanceof CorruptError) return -1
    throw error
  }
}

/** The id that an ERROR says was never prepared; null where it says something else. */
export function unpreparedId(reply: Frame): Buffer | null {
  try {
    const message = messageOf(reply, TELLING_BYTES)
    if (message.int() !== ERROR_UNPREPARED) return null
    message.string()
    return message.shortBytes()
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}
