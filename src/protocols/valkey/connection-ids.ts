import type { Frame } from '../../core/frame.ts'
import type { SessionInfo } from '../../core/transform.ts'
import { argumentsOf } from './body.ts'
import { COMMAND_COUNT, codeOf } from './commands.ts'
import { splice } from './splice.ts'

/** The first id that a client can be told. No server counts that far: the one's ids are never mistaken for the other's. */
export const CLIENT_ID_FIRST = 2 ** 40
/** Ids that one source gives out. */
const IDS_PER_SOURCE = 2 ** 32

/** By code: 1 where arguments may be ids of connections. */
export const namesConnections = new Uint8Array(COMMAND_COUNT)
for (const name of ['client|kill', 'client|unblock', 'client|tracking', 'client|list'])
  namesConnections[codeOf(name)] = 1

/**
 * Ids of connections as clients see them (CLIENT ID, HELLO), and as the server does. A client's connection is one to the proxy; the
 * server knows it only while it has an upstream of its own.
 */
export class ConnectionIds {
  readonly #serverIds = new Map<number, number>()

  /** What CLIENT ID tells the session's client. Sources are told apart, so that they can stand before one server. */
  idFor(session: SessionInfo): number {
    let hash = 0
    for (const letter of session.source) hash = (hash * 31 + letter.charCodeAt(0)) & 0xff
    return CLIENT_ID_FIRST + hash * IDS_PER_SOURCE + session.id
  }

  /** The session has an upstream of its own, which the server knows as `serverId`. */
  set(id: number, serverId: number): void {
    this.#serverIds.set(id, serverId)
  }

  /** It has none any more. */
  clear(id: number): void {
    this.#serverIds.delete(id)
  }

  /** Puts the server's ids in the place of those that clients know. Others stay as they are: the server has none like them. */
  translate(request: Frame): void {
    const args = argumentsOf(request)
    for (let i = 2; i < args.length; i++) {
      const id = Number(args[i]!.toString('latin1'))
      const serverId = id >= CLIENT_ID_FIRST ? this.#serverIds.get(id) : undefined
      if (serverId !== undefined) splice(request, i, Buffer.from(String(serverId)))
    }
  }
}
