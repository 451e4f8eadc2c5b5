import type { Frame } from '../../core/frame.ts'
import { plainBody } from './compression.ts'
import { CorruptError } from './corrupt-error.ts'
import { flagsOf } from './envelope.ts'
import { ID_BYTES_MAX } from './id-cache.ts'
import { FLAG_PAYLOAD } from './opcodes.ts'
import { Reader } from './reader.ts'

/** Most bytes that a compressed request is taken to become. */
export const REQUEST_BYTES_MAX = 64 * 1024 * 1024

/** The message of a request, behind its payload if it has one; of a head, as much as has come. Throws CorruptError. */
export function requestReader(request: Frame, bytesMax = REQUEST_BYTES_MAX): Reader {
  const reader = new Reader(plainBody(request, bytesMax))
  if (flagsOf(request) & FLAG_PAYLOAD) {
    for (let count = reader.short(); count > 0; count--) {
      reader.shortBytes()
      reader.value()
    }
  }
  return reader
}

/** Where the text of a statement stands. */
export interface Text {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** The text of a QUERY or PREPARE, as far as it has come. Throws CorruptError. */
export function statementText(request: Frame, bytesMax = REQUEST_BYTES_MAX): Text {
  return textAt(requestReader(request, bytesMax))
}

/** The id of the statement that an EXECUTE is of; null where it can't be read. One that is longer than ids are may be told, or not. */
export function statementId(request: Frame): Buffer | null {
  try {
    return requestReader(request, ID_BYTES_MAX + 2).shortBytes()
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

/** A [long string] that may be cut off. */
export function textAt(reader: Reader): Text {
  const length = reader.length()
  const start = reader.at
  const end = Math.min(start + length, reader.end)
  reader.at = end
  return { bytes: reader.bytes, start, end }
}
