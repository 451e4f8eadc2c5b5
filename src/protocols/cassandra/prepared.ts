import type { Frame } from '../../core/frame.ts'
import { statementKind } from './cql/classify.ts'
import { USE } from './cql/statement-kinds.ts'
import { usedKeyspace } from './cql/use.ts'
import { CorruptError } from './corrupt-error.ts'
import { ID_BYTES_MAX, IdCache, PLAIN_ID_AT, plainIdEnd } from './id-cache.ts'
import { RESULT, RESULT_PREPARED } from './opcodes.ts'
import { statementId, statementText } from './request.ts'
import { messageOf } from './result.ts'

/** Statements whose ids are kept; the one that was prepared first is forgotten first. */
const STATEMENTS_MAX = 20_000
/** So much of a compressed reply tells the id, unless there are warnings. */
const TELLING_BYTES = 1024

/** An id that no PREPARE was answered with here. */
export const UNKNOWN = -1

/**
 * What the ids of prepared statements stand for, learnt from the answers to PREPARE. An id is a hash of the statement and its keyspace, so
 * that it means the same to all clients, and on all servers.
 */
export class PreparedStatements {
  readonly #kinds = new Map<string, number>()
  /** The keyspaces that statements choose. Hardly anybody prepares a USE. */
  readonly #uses = new Map<string, string>()
  readonly #lately = new IdCache<number>()

  /** A PREPARE was answered. */
  learn(request: Frame, reply: Frame): void {
    if (reply.kind !== RESULT) return
    try {
      const message = messageOf(reply, TELLING_BYTES)
      if (message.int() !== RESULT_PREPARED) return
      const id = message.shortBytes().toString('latin1')
      const { bytes, start, end } = statementText(request)
      const kind = statementKind(bytes, start, end)
      this.#set(id, kind)
      if (kind === USE && this.#kinds.has(id)) this.#uses.set(id, usedKeyspace(bytes, start, end) ?? '')
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
    }
  }

  #set(id: string, kind: number): void {
    if (id.length > ID_BYTES_MAX) return
    const known = this.#kinds.get(id)
    // Two statements with one id: neither is known.
    const told = known === undefined || known === kind ? kind : UNKNOWN
    this.#kinds.delete(id)
    this.#kinds.set(id, told)
    if (this.#kinds.size > STATEMENTS_MAX) this.#forget(this.#kinds.keys().next().value!)
    this.#lately.clear()
  }

  #forget(id: string): void {
    this.#kinds.delete(id)
    this.#uses.delete(id)
  }

  /** The keyspace that an EXECUTE chooses; null where it is of no USE that is known. */
  used(request: Frame): string | null {
    return this.#uses.size === 0 ? null : this.#usedBy(request)
  }

  // Cold: where somebody has prepared a USE
  #usedBy(request: Frame): string | null {
    const id = statementId(request)
    return id === null ? null : (this.#uses.get(id.toString('latin1')) ?? null)
  }

  /** Code of the statement with this id, or UNKNOWN. */
  kind(id: Buffer): number {
    return this.#kinds.get(id.toString('latin1')) ?? UNKNOWN
  }

  /** Code of the statement that an EXECUTE is of, or UNKNOWN. */
  executed(request: Frame): number {
    const idEnd = plainIdEnd(request)
    if (idEnd < 0) return this.#looked(request)
    const { bytes, start } = request
    const at = start + PLAIN_ID_AT
    const lately = this.#lately.find(bytes, at, idEnd)
    if (lately !== null) return lately
    const kind = this.#looked(request)
    this.#lately.put(bytes, at, idEnd, kind)
    return kind
  }

  #looked(request: Frame): number {
    const id = statementId(request)
    return id === null ? UNKNOWN : this.kind(id)
  }
}
