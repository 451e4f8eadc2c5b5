import type { Frame } from '../../core/frame.ts'
import { encodeRequest } from '../../protocols/valkey/encode.ts'
import type { Reply } from '../../protocols/valkey/values.ts'

// What stands in Valkey: for each table and each partition a hash whose field `token` names the present generation of what is cached of it,
// and, of a partition, the replies by the digests of their requests. Every command is about one key.

export const TOKEN = 'token'
/** In the place of a token: a write is under way, or nobody knows what became of one. Nothing is valid, and nothing is kept. */
export const HELD = '!'

/** Longest time that a write whose outcome nobody has seen may still take effect. */
export const HOLD_MS = 60_000

/** A table or a partition of which something has changed. */
export interface Invalidation {
  /** Its key in Valkey. */
  readonly key: string
  /** Milliseconds after which what was written is gone, at the latest; 0: it stays. */
  readonly expiresMs: number
}

/** Where it stands that rows will expire. */
export function expiryKey(key: string): string {
  return `${key}:ttl`
}

/** Takes it out of the cache. */
export function clearing({ key, expiresMs }: Invalidation): Frame[] {
  return [...notingExpiry(key, expiresMs), encodeRequest(['DEL', key])]
}

/** Takes it out of the cache, and keeps it out for HOLD_MS, or until a write that succeeds clears it. */
export function holding({ key, expiresMs }: Invalidation): Frame[] {
  return [
    ...notingExpiry(key, expiresMs),
    encodeRequest(['HSET', key, TOKEN, HELD]),
    encodeRequest(['PEXPIRE', key, String(HOLD_MS)]),
  ]
}

/** Until all that expires has, which later writes do not change, nothing is kept. */
function notingExpiry(key: string, expiresMs: number): Frame[] {
  if (expiresMs === 0) return []
  const noted = expiryKey(key)
  return [
    encodeRequest(['SET', noted, '', 'PX', String(expiresMs), 'NX']),
    encodeRequest(['PEXPIRE', noted, String(expiresMs), 'GT']),
  ]
}

/** Instead of an error: the replies did not come in time, or the chain could not be opened. */
export const LATE = 'no reply in time'

/** The first error among replies that must be none; null: all is well. */
export function errorIn(replies: readonly Reply[] | null): string | null {
  if (replies === null) return LATE
  for (const reply of replies) {
    if (reply.type === 'error') return reply.text
    if (reply.type === 'bulk-error') return reply.bytes.toString()
  }
  return null
}
