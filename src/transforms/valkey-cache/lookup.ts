import type { Frame } from '../../core/frame.ts'
import { encodeRequest } from '../../protocols/valkey/encode.ts'
import type { Reply } from '../../protocols/valkey/values.ts'
import { decodeEntry, type Tokens } from './entry.ts'
import { HELD, TOKEN } from './invalidation.ts'
import type { CachedTable } from './tables.ts'

/** A read whose reply may be cached. */
export interface Wanted {
  readonly table: CachedTable
  /** Key in Valkey of its partition. */
  readonly place: string
  readonly digest: Buffer
}

/** The body of the reply; or under which tokens it may be kept once it is there; or null: it is not to be kept. */
export type Found = { readonly body: Buffer } | Tokens | null

/**
 * Looks for replies to reads that came together. Each is valid with the tokens that its table and its partition have now: a write takes
 * away or changes a token, and none comes twice. So a reply that was asked for under a token is worth nothing once that is gone.
 */
export class Lookup {
  readonly #wanted: readonly Wanted[]
  readonly #newToken: () => string
  readonly #ttlMs: number | null
  readonly #tables: CachedTable[] = []
  /** The tokens of the tables, then those of the partitions; null: there is none. */
  #present: (string | null)[] = []
  #results: Found[] = []
  /** Keys that get a token, with it and the place of the command that gives it. */
  readonly #leases = new Map<string, { readonly token: string; readonly at: number }>()

  constructor(wanted: readonly Wanted[], newToken: () => string, ttlMs: number | null) {
    this.#wanted = wanted
    this.#newToken = newToken
    this.#ttlMs = ttlMs
    for (const { table } of wanted) if (!this.#tables.includes(table)) this.#tables.push(table)
  }

  get commands(): Frame[] {
    const tables = this.#tables.map(({ key }) => encodeRequest(['HMGET', key, TOKEN]))
    return tables.concat(this.#wanted.map(({ place, digest }) => encodeRequest(['HMGET', place, TOKEN, digest])))
  }

  results(replies: readonly Reply[]): readonly Found[] {
    const items = replies.map((reply) => (reply.type === 'array' ? reply.items.map(bulkOf) : []))
    this.#present = items.map(([token]) => token?.toString('latin1') ?? null)
    this.#results = this.#wanted.map((wanted, i) => {
      const tokens = this.#tokensOf(i)
      if (tokens === null) return null
      const entry = items[this.#tables.length + i]![1] ?? null
      const body = entry === null ? null : decodeEntry(entry, tokens, wanted.digest)
      return body === null ? tokens : { body }
    })
    return this.#results
  }

  /** The tokens with which a reply to the read is valid; null where one of them is missing, or writes hold it. */
  #tokensOf(index: number): Tokens | null {
    const table = this.#present[this.#tables.indexOf(this.#wanted[index]!.table)]!
    const partition = this.#present[this.#tables.length + index]!
    if (table === null || partition === null || table === HELD || partition === HELD) return null
    return { table, partition }
  }

  /** Commands that give tokens to what has none. */
  leases(): Frame[] {
    const commands: Frame[] = []
    const lease = (key: string, lives: boolean) => {
      if (this.#leases.has(key)) return
      const token = this.#newToken()
      this.#leases.set(key, { token, at: commands.length })
      commands.push(encodeRequest(['HSETNX', key, TOKEN, token]))
      if (lives && this.#ttlMs !== null) commands.push(encodeRequest(['PEXPIRE', key, String(this.#ttlMs), 'NX']))
    }
    this.#wanted.forEach(({ table, place }, i) => {
      const ofTable = this.#present[this.#tables.indexOf(table)]
      const ofPartition = this.#present[this.#tables.length + i]
      if (ofTable === HELD || ofPartition === HELD) return
      if (ofTable === null) lease(table.key, false)
      if (ofPartition === null) lease(place, true)
    })
    return commands
  }

  /** What was found, with the tokens that were given. One that somebody else has given meanwhile is not known. */
  leased(replies: readonly Reply[]): readonly Found[] {
    const given = (key: string): string | null => {
      const lease = this.#leases.get(key)
      const reply = lease === undefined ? undefined : replies[lease.at]
      return reply?.type === 'integer' && reply.value === 1 ? lease!.token : null
    }
    this.#tables.forEach(({ key }, i) => (this.#present[i] ??= given(key)))
    this.#wanted.forEach(({ place }, i) => (this.#present[this.#tables.length + i] ??= given(place)))
    return this.#results.map((result, i) => result ?? this.#tokensOf(i))
  }
}

/** Null: nothing stands there. */
function bulkOf(reply: Reply): Buffer | null {
  return reply.type === 'bulk' ? reply.bytes : null
}
