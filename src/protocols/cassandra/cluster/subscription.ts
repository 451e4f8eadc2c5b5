import type { Frame } from '../../../core/frame.ts'
import { bodyOf } from '../body/body.ts'
import { plainBody } from '../compression.ts'
import { CorruptError } from '../corrupt-error.ts'
import { responseFrame } from '../envelope.ts'
import { EVENT } from '../opcodes.ts'
import { Reader } from '../reader.ts'

const EVENT_BYTES_MAX = 1024 * 1024

/** The types of events that a REGISTER asks for, 4.1.8; null where it can't be read. */
export function eventsAskedFor(register: Frame): readonly string[] | null {
  try {
    const { message } = bodyOf(register)
    return message.type === 'register' ? message.events : null
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

/** An EVENT for a client that speaks `version` and wants these types; null where it is none of them. */
export function eventFor(event: Frame, version: number, types: ReadonlySet<string>): Frame | null {
  const body = plainBody(event, EVENT_BYTES_MAX)
  const type = new Reader(body).string()
  if (!types.has(type) || type !== 'SCHEMA_CHANGE') return null
  return responseFrame(version, -1, EVENT, body)
}
