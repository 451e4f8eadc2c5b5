import type { Frame } from '../../core/frame.ts'
import { LostError } from '../../core/loss.ts'
import type { Upstream } from '../../core/upstream.ts'
import { encodeRequest } from './encode.ts'
import { ERROR, INTEGER } from './resp.ts'
import type { ServerWire } from './wire-server.ts'

// What is told to an upstream, and asked of it, because a session has it for itself.

/** What a server says to a client that it does not take (maxclients, protected mode), whatever that one asks, before it closes. */
const NOT_TAKEN = /^-(ERR max number of clients.*|DENIED .*)\r\n/

/** What the server calls the connections that sessions have for themselves. */
const serverIds = new WeakMap<Upstream, number>()

/** Makes its name the session's, which may be none. */
export function giveName(upstream: Upstream, name: Buffer): void {
  // One that was shared may bear another session's, if only until the request that takes it away is executed.
  if (name.length === 0 && !mayBearName(upstream)) return
  upstream.tell(encodeRequest(['CLIENT', 'SETNAME', name]), (reply) => endIfRefused(upstream, reply))
}

export function takeName(upstream: Upstream): void {
  if (mayBearName(upstream)) upstream.tell(encodeRequest(['CLIENT', 'SETNAME', '']))
}

function mayBearName(upstream: Upstream): boolean {
  return (upstream.wire as ServerWire).mayBearName
}

/** `got` learns what the server calls it, now or later, unless the server does not say. */
export function askId(upstream: Upstream, got: (serverId: number) => void): void {
  const known = serverIds.get(upstream)
  if (known !== undefined) {
    got(known)
    return
  }
  upstream.tell(encodeRequest(['CLIENT', 'ID']), (reply) => {
    endIfRefused(upstream, reply)
    if (reply.kind !== INTEGER) return
    const serverId = Number(reply.bytes.toString('latin1', reply.start + 1, reply.end - 2))
    serverIds.set(upstream, serverId)
    got(serverId)
  })
}

function endIfRefused(upstream: Upstream, reply: Frame): void {
  if (reply.kind !== ERROR) return
  const text = NOT_TAKEN.exec(reply.bytes.toString('latin1', reply.start, reply.end))?.[1]
  if (text !== undefined) upstream.destroy(new LostError(`The server does not take the connection: ${text}`))
}
