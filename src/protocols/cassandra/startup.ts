import type { Frame } from '../../core/frame.ts'
import { HEADER_BYTES } from './envelope.ts'
import { CorruptError } from './corrupt-error.ts'
import { Reader } from './reader.ts'

/** The options of a STARTUP, 4.1.1; null where they can't be read. */
export function startupOptions(request: Frame): Map<string, string> | null {
  if (!request.whole) return null
  try {
    return new Reader(request.bytes, request.start + HEADER_BYTES, request.end).stringMap()
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}
