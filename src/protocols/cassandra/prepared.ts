import type { Frame } from '../../core/frame.ts'
import { statementKind } from './cql/classify.ts'
import { USE } from './cql/statement-kinds.ts'
import { usedKeyspace } from './cql/use.ts'
import { CorruptError } from './corrupt-error.ts'
import { flagsOf, HEADER_BYTES } from './envelope.ts'
import { IdCache } from './id-cache.ts'
import { FLAG_COMPRESSED, FLAG_PAYLOAD, RESULT, RESULT_PREPARED } from './opcodes.ts'
import { requestReader, statementText } from './request.ts'
import { messageOf } from './result.ts'

/** Statements whose ids are kept; the one that was prepared first is forgotten first. */
const STATEMENTS_MAX = 20_000
const ID_BYTES_MAX = 64
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
    try {
      const id = requestReader(request, ID_BYTES_MAX + 2).shortBytes()
      return this.#uses.get(id.toString('latin1')) ?? null
    } catch (error) {
      if (error instanceof CorruptError) return null
      throw error
    }
  }

  /** Code of the statement with this id, or UNKNOWN. */
  kind(id: Buffer): number {
    return this.#kinds.get(id.toString('latin1')) ?? UNKNOWN
  }

  /** Code of the statement that an EXECUTE is of, or UNKNOWN. */
  executed(request: Frame): number {
    const { bytes, start, end } = request
    const at = start + HEADER_BYTES + 2
    if (at > end || flagsOf(request) & (FLAG_COMPRESSED | FLAG_PAYLOAD)) return this.#looked(request)
    const idEnd = at + ((bytes[at - 2]! << 8) | bytes[at - 1]!)
    if (idEnd > end || idEnd - at > ID_BYTES_MAX) return this.#looked(request)
    const lately = this.#lately.find(bytes, at, idEnd)
    if (lately !== null) return lately
    const kind = this.#looked(request)
    this.#lately.put(bytes, at, idEnd, kind)
    return kind
  }

  #looked(request: Frame): number {
    try {
      return this.kind(requestReader(request, ID_BYTES_MAX + 2).shortBytes())
    } catch (error) {
      if (error instanceof CorruptError) return UNKNOWN
      throw error
    }
  }
}
