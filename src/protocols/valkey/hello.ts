import { Frame } from '../../core/frame.ts'
import { argumentsOf } from './body.ts'
import { codeOf } from './commands.ts'

const HELLO = codeOf('hello')
const SETNAME = codeOf('client|setname')

/** A reply of the proxy's own, from its bytes as latin1. */
export function rawFrame(text: string, kind: number): Frame {
  const bytes = Buffer.from(text, 'latin1')
  return new Frame(bytes, 0, bytes.length, kind, 0, false)
}

/** HELLO's reply with another `id`: clients see the proxy's number of their connection, not that of an upstream. */
export function withConnectionId(reply: Frame, id: number): Frame {
  const text = reply.toBuffer().toString('latin1')
  const changed = text.replace(/(\$2\r\nid\r\n):\d+\r\n/, `$1:${id}\r\n`)
  if (changed === text) return reply
  const frame = rawFrame(changed, reply.kind)
  frame.flags = reply.flags
  return frame
}

/** What HELLO asks for; null: what it does not name. */
export interface Hello {
  readonly resp: 2 | 3 | null
  /** User and password. */
  readonly credentials: readonly Buffer[] | null
  readonly name: Buffer | null
}

/**
 * HELLO [protover [AUTH username password] [SETNAME clientname]]. Null where an error would not mean that nothing was done: servers
 * carry out one option after the other, and may have changed who the client is when they come to the one that they refuse.
 */
// Cold: once per change of attributes
export function helloOf(args: readonly Buffer[]): Hello | null {
  let credentials: readonly Buffer[] | null = null
  let name: Buffer | null = null
  if (args.length === 1) return { resp: null, credentials, name }
  const version = args[1]!.toString('latin1')
  if (version !== '2' && version !== '3') return null
  for (let at = 2; at < args.length;) {
    const word = args[at]!.toString('latin1').toUpperCase()
    if (word === 'AUTH' && at + 2 < args.length && credentials === null) {
      credentials = args.slice(at + 1, at + 3)
      at += 3
    } else if (
      word === 'SETNAME' &&
      at + 1 < args.length &&
      name === null &&
      /^[!-~]*$/.test(args[at + 1]!.toString('latin1'))
    ) {
      name = args[at + 1]!
      at += 2
    } else return null
  }
  return { resp: version === '3' ? 3 : 2, credentials, name }
}

/** The name that a request gives its connection, empty where it takes it away; null: it leaves it as it is. */
// Cold: once per change of attributes
export function nameIn(request: Frame): Buffer | null {
  if (request.code === SETNAME) return argumentsOf(request)[2] ?? null
  return request.code === HELLO ? (helloOf(argumentsOf(request))?.name ?? null) : null
}
