import { crc32 } from 'node:zlib'
import type { Frame } from '../../core/frame.ts'
import { METADATA_CHANGED } from '../../protocols/cassandra/body/results.ts'
import { plainBody } from '../../protocols/cassandra/compression.ts'
import { CorruptError } from '../../protocols/cassandra/corrupt-error.ts'
import { flagsOf } from '../../protocols/cassandra/envelope.ts'
import { FLAG_PAYLOAD, FLAG_TRACING, FLAG_WARNING, RESULT, RESULT_ROWS } from '../../protocols/cassandra/opcodes.ts'

/** What a lookup found to be valid, and a reply must have been asked for under to be so too. */
export interface Tokens {
  readonly table: string
  readonly partition: string
}

const FORMAT = 1
const DIGEST_BYTES = 32
const SPECIAL = FLAG_TRACING | FLAG_WARNING | FLAG_PAYLOAD

/** The plain body of a reply that may be kept: whole, rows, and nothing with them that is of this one request. Null for any other. */
export function keepable(reply: Frame, bytesMax: number): Buffer | null {
  if (reply.kind !== RESULT || !reply.whole || (flagsOf(reply) & SPECIAL) !== 0) return null
  try {
    const body = plainBody(reply, bytesMax + 1)
    if (body.length > bytesMax || body.length < 8 || body.readInt32BE(0) !== RESULT_ROWS) return null
    return body.readInt32BE(4) & METADATA_CHANGED ? null : body
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

/** What stands in Valkey for a reply: its body, the tokens that it is valid with, and what tells that it is that. */
export function encodeEntry({ table, partition }: Tokens, digest: Buffer, body: Buffer): Buffer {
  const head = Buffer.from(`${table} ${partition}`, 'latin1')
  const entry = Buffer.allocUnsafe(2 + head.length + DIGEST_BYTES + 4 + body.length)
  entry[0] = FORMAT
  entry[1] = head.length
  head.copy(entry, 2)
  digest.copy(entry, 2 + head.length)
  entry.writeUInt32BE(crc32(body), 2 + head.length + DIGEST_BYTES)
  body.copy(entry, 2 + head.length + DIGEST_BYTES + 4)
  return entry
}

/** The body of a reply that is valid with these tokens; null where `entry` is none, or that of something else. */
export function decodeEntry(entry: Buffer, { table, partition }: Tokens, digest: Buffer): Buffer | null {
  if (entry.length < 2 || entry[0] !== FORMAT) return null
  const at = 2 + entry[1]!
  if (entry.length < at + DIGEST_BYTES + 4) return null
  if (entry.toString('latin1', 2, at) !== `${table} ${partition}`) return null
  if (entry.compare(digest, 0, DIGEST_BYTES, at, at + DIGEST_BYTES) !== 0) return null
  const body = entry.subarray(at + DIGEST_BYTES + 4)
  return crc32(body) === entry.readUInt32BE(at + DIGEST_BYTES) ? body : null
}
