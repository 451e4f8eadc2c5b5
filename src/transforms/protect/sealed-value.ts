import { createCipheriv, createDecipheriv, createHmac, type KeyObject } from 'node:crypto'
import { MAGIC, type DataKey } from './data-key.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'

/** A sealed value, taken apart: header, nonce, ciphertext, tag. */
export interface SealedValue {
  readonly mode: number
  readonly kekId: string
  readonly wrapped: Buffer
  readonly header: Buffer
  /** What stands behind the header. */
  readonly rest: Buffer
}

/** Bytes that a sealed value has more than the value itself. */
export function overhead(key: DataKey): number {
  return key.header.length + NONCE_BYTES + TAG_BYTES
}

/** A nonce that is made of the value and its place, so that equal ones are sealed alike: a synthetic IV, as of RFC 5297, by HMAC-SHA-256. */
function nonceOf(nonceKey: KeyObject, place: Buffer, value: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(place.length)
  return createHmac('sha256', nonceKey).update(length).update(place).update(value).digest().subarray(0, NONCE_BYTES)
}

/**
 * Seals `value` by AES-256-GCM (NIST SP 800-38D). It opens only with the same `place`, which is not kept in it.
 * @param draw Gives that many unpredictable bytes.
 */
export function seal(key: DataKey, place: Buffer, value: Buffer, draw: (count: number) => Buffer): Buffer {
  const { header, cipherKey, nonceKey } = key
  const nonce = nonceKey === null ? draw(NONCE_BYTES) : nonceOf(nonceKey, place, value)
  const cipher = createCipheriv(CIPHER, cipherKey, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.concat([header, place]))
  const sealed = cipher.update(value)
  cipher.final()
  key.uses++
  return Buffer.concat([header, nonce, sealed, cipher.getAuthTag()])
}

/** Takes a sealed value apart; null where the bytes are none. */
export function parseSealed(bytes: Buffer): SealedValue | null {
  const id = MAGIC.length + 2
  if (bytes.length < id + 2 + NONCE_BYTES + TAG_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null
  const sizes = id + bytes[id - 1]!
  if (sizes + 2 > bytes.length) return null
  const end = sizes + 2 + bytes.readUInt16BE(sizes)
  if (end + NONCE_BYTES + TAG_BYTES > bytes.length) return null
  return {
    mode: bytes[MAGIC.length]!,
    kekId: bytes.toString('utf8', id, sizes),
    wrapped: bytes.subarray(sizes + 2, end),
    header: bytes.subarray(0, end),
    rest: bytes.subarray(end),
  }
}

/** The value; null where it was not sealed with this key for this place, or was changed since. */
export function open({ header, rest }: SealedValue, key: DataKey, place: Buffer): Buffer | null {
  const end = rest.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key.cipherKey, rest.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.concat([header, place]))
  decipher.setAuthTag(rest.subarray(end))
  const value = decipher.update(rest.subarray(NONCE_BYTES, end))
  try {
    decipher.final()
  } catch {
    // That the tag does not fit is all that it says.
    return null
  }
  return value
}

/** What names a place: words that can't run into each other. */
export function placeOf(...words: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(
    words.flatMap((word) => {
      const bytes = Buffer.from(word as string)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(bytes.length)
      return [length, bytes]
    }),
  )
}
