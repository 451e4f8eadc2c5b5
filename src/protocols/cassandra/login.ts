import type { Frame } from '../../core/frame.ts'
import { CorruptError } from './corrupt-error.ts'
import { AUTH_RESPONSE, AUTH_SUCCESS } from './opcodes.ts'
import { requestReader } from './request.ts'

/** The user that an AUTH_RESPONSE has let in: what SASL PLAIN names, between the first zero byte and the second. Null: it stays who it was. */
export function login(request: Frame, reply: Frame): string | null {
  if (request.kind !== AUTH_RESPONSE || reply.kind !== AUTH_SUCCESS) return null
  const token = tokenOf(request)
  const from = token.indexOf(0)
  const to = token.indexOf(0, from + 1)
  return from < 0 || to < 0 ? '' : token.toString('utf8', from + 1, to)
}

function tokenOf(request: Frame): Buffer {
  try {
    return requestReader(request).value() ?? Buffer.alloc(0)
  } catch (error) {
    if (error instanceof CorruptError) return Buffer.alloc(0)
    throw error
  }
}
