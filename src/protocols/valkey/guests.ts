import type { Frame } from '../../core/frame.ts'
import { argumentCount, argumentIs } from './arguments.ts'
import { codeOf } from './commands.ts'

const CONFIG_SET = codeOf('config|set')
const ACL_SETUSER = codeOf('acl|setuser')
const ACL_LOAD = codeOf('acl|load')

/** Codes of the requests that may change what guests may do. */
export const ACCESS_CODES = [CONFIG_SET, ACL_SETUSER, ACL_LOAD]

/** Memory that a sink's threads share for it. */
export const GUESTS_BYTES = 4

/**
 * Clients that never said who they are. A server decides when they connect whether that is enough (requirepass, the ACL of the user
 * default), and lets those that are connected be: who connects later than a change must not share a connection from before it.
 */
export class Guests {
  readonly #generation: Int32Array

  /** `memory`: GUESTS_BYTES from `offset` on that the threads share. */
  constructor(memory = new SharedArrayBuffer(GUESTS_BYTES), offset = 0) {
    this.#generation = new Int32Array(memory, offset, 1)
  }

  /** Grows with each change of what guests may do. Those of different generations share nothing. */
  get generation(): number {
    return Atomics.load(this.#generation, 0)
  }

  /** A request that `changesAccess` was executed. */
  accessChanged(): void {
    Atomics.add(this.#generation, 0, 1)
  }
}

/** May guests that come later be refused, or let in, because of it? Its code is one of ACCESS_CODES. */
// Cold: once per change of access
export function changesAccess(request: Frame): boolean {
  const { code } = request
  if (code === ACL_LOAD) return true
  if (code === ACL_SETUSER) return argumentIs(request, 2, 'default')
  for (let i = argumentCount(request) - 2; i >= 2; i -= 2) if (argumentIs(request, i, 'requirepass')) return true
  return false
}
