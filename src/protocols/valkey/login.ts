import type { Frame } from '../../core/frame.ts'
import { argumentsOf } from './body.ts'
import { codeOf } from './commands.ts'
import { ARRAY, MAP, SIMPLE } from './resp.ts'

const AUTH = codeOf('auth')
const HELLO = codeOf('hello')
const RESET = codeOf('reset')

/** The user that sessions have by themselves. */
const DEFAULT = 'default'

/**
 * Name of the user that the session has once `reply` came to `request`, '' for the one that sessions have by themselves; null: it
 * stays. What is asked in a transaction is answered by EXEC, and not noticed here.
 */
export function login(request: Frame, reply: Frame): string | null {
  const { code } = request
  if (code === AUTH) return isOk(reply) ? named(argumentsOf(request), 0) : null
  if (code === RESET) return reply.kind === SIMPLE ? '' : null
  if (code !== HELLO || (reply.kind !== MAP && reply.kind !== ARRAY)) return null
  const args = argumentsOf(request)
  for (let at = 2; at + 2 < args.length; at++)
    if (args[at].toString('latin1').toUpperCase() === 'AUTH') return named(args, at)
  return null
}

/** The user that is named behind the word AUTH at `at`, where one is named and not only a password. */
function named(args: readonly Buffer[], at: number): string {
  const name = args.length - at > 2 ? args[at + 1].toString() : DEFAULT
  return name === DEFAULT ? '' : name
}

function isOk(reply: Frame): boolean {
  return reply.kind === SIMPLE && reply.toBuffer().toString('latin1') === '+OK\r\n'
}
