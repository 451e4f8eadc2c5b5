import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'

/** Bytes of a data key, and of a key-encryption key: AES-256. */
export const KEY_BYTES = 32

/** What a sealed value begins with: `SHOTPV01` where it is read as Base64. The last character is the version of the format. */
export const MAGIC = Buffer.from('SHOTPV01', 'base64')

/** How values are sealed. */
export const RANDOM = 0
/** The same value in the same place is sealed to the same bytes. */
export const DETERMINISTIC = 1

export const KEK_ID_BYTES_MAX = 255
export const WRAPPED_BYTES_MAX = 6144

/** A data key as the one who keeps the key-encryption key gives it. */
export interface WrappedKey {
  readonly secret: Buffer
  /** Which key-encryption key it is wrapped by; '' where the wrapped key tells. */
  readonly kekId: string
  readonly wrapped: Buffer
}

/** A key that values are sealed with. Its wrapped form stands before each of them, so that who has the key-encryption key can open them. */
export class DataKey {
  /** MAGIC, mode, kek id with its length, wrapped key with its length (16 bits). */
  readonly header: Buffer
  readonly mode: number
  readonly cipherKey: KeyObject
  /** Makes nonces of values; null where they are drawn. */
  readonly nonceKey: KeyObject | null
  /** Values that were sealed with it. */
  uses = 0

  constructor({ secret, kekId, wrapped }: WrappedKey, mode: number) {
    if (secret.length !== KEY_BYTES) throw new RangeError(`a data key has ${KEY_BYTES} bytes, not ${secret.length}`)
    const id = Buffer.from(kekId)
    if (id.length > KEK_ID_BYTES_MAX) throw new RangeError(`the name of a key has at most ${KEK_ID_BYTES_MAX} bytes`)
    if (wrapped.length > WRAPPED_BYTES_MAX) throw new RangeError(`a wrapped key has at most ${WRAPPED_BYTES_MAX} bytes`)
    this.mode = mode
    const sizes = Buffer.from([wrapped.length >> 8, wrapped.length & 0xff])
    this.header = Buffer.concat([MAGIC, Buffer.from([mode, id.length]), id, sizes, wrapped])
    if (mode === RANDOM) {
      this.cipherKey = createSecretKey(secret)
      this.nonceKey = null
      return
    }
    const derived = Buffer.from(hkdfSync('sha256', secret, '', 'shotover protect deterministic', 2 * KEY_BYTES))
    this.cipherKey = createSecretKey(derived.subarray(0, KEY_BYTES))
    this.nonceKey = createSecretKey(derived.subarray(KEY_BYTES))
  }
}
