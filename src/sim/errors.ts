import { constants } from 'node:os'
import type { Address } from '../world/world.ts'

type Code = 'ECONNREFUSED' | 'ECONNRESET' | 'EPIPE' | 'EADDRINUSE'

/** An error as Node makes it of a system call that failed: `code`, `errno`, `syscall`, and the address where there is one. */
export function systemError(code: Code, syscall: string, address: Address | null = null): Error {
  const reason = code === 'EADDRINUSE' ? `${code}: address already in use` : code
  const where = address === null ? '' : ` ${address.host}:${address.port}`
  const error = new Error(`${syscall} ${reason}${where}`)
  const place = address === null ? {} : { address: address.host, port: address.port }
  return Object.assign(error, { errno: -constants.errno[code], code, syscall, ...place })
}
