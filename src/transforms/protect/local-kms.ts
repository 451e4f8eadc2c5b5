import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'
import { KEK_ID_BYTES_MAX, KEY_BYTES, type WrappedKey } from './data-key.ts'
import { KmsError, type Kms } from './kms.ts'

/** RFC 3394: the default initial value. */
const WRAP_IV = Buffer.alloc(8, 0xa6)
const WRAP = 'id-aes256-wrap'

/** The key of 32 bytes that Base64 stands for. Throws RangeError, which does not tell the text. */
export function parseKey(text: string): Buffer {
  const key = Buffer.from(text, 'base64')
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(text) && key.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '') // prettier-ignore
  if (!isBase64) throw new RangeError('a key must be written as Base64')
  if (key.length !== KEY_BYTES) throw new RangeError(`a key must have ${KEY_BYTES} bytes, this one has ${key.length}`)
  return key
}

/**
 * The key-encryption keys of a key file, by their names: a line for each, `name key`, the key as Base64; `#` begins a comment. Throws
 * RangeError, which names the line.
 */
export function parseKeyFile(text: string): Map<string, Buffer> {
  const keys = new Map<string, Buffer>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/)
    if (words[0] === '') continue
    const refuse = (why: string) => new RangeError(`line ${index + 1}: ${why}`)
    const [name, key, ...more] = words as [string, ...string[]]
    if (key === undefined || more.length > 0) throw refuse('a name and a key are expected')
    if (keys.has(name)) throw refuse(`there are two keys of the name ${name}`)
    if (Buffer.byteLength(name) > KEK_ID_BYTES_MAX) throw refuse(`a name has at most ${KEK_ID_BYTES_MAX} bytes`)
    try {
      keys.set(name, parseKey(key))
    } catch (error) {
      throw refuse((error as Error).message)
    }
  }
  if (keys.size === 0) throw new RangeError('there is no key in it')
  return keys
}

/** RFC 3394 with AES-256. */
export function wrapKey(kek: Buffer, key: Buffer): Buffer {
  const cipher = createCipheriv(WRAP, kek, WRAP_IV)
  return Buffer.concat([cipher.update(key), cipher.final()])
}

/** Null where it was wrapped by another key, or changed. */
export function unwrapKey(kek: Buffer, wrapped: Buffer): Buffer | null {
  try {
    const decipher = createDecipheriv(WRAP, kek, WRAP_IV)
    return Buffer.concat([decipher.update(wrapped), decipher.final()])
  } catch {
    // That the check value does not fit is all that it says.
    return null
  }
}

/** Key-encryption keys in this process's memory. The first one wraps; all unwrap. */
export class LocalKms implements Kms {
  readonly name = 'the local keys'
  readonly #keks: ReadonlyMap<string, Buffer>
  readonly #draw: (count: number) => Buffer

  constructor(keks: ReadonlyMap<string, Buffer>, draw: (count: number) => Buffer) {
    this.#keks = keks
    this.#draw = draw
  }

  generate(): Promise<WrappedKey> {
    const [kekId] = this.#keks.keys()
    return Promise.resolve(this.#wrapped(kekId!, this.#draw(KEY_BYTES)))
  }

  // async: who asks hears of every failure in one way.
  async unwrap(kekId: string, wrapped: Buffer): Promise<Buffer> {
    const secret = unwrapKey(this.#kek(kekId), wrapped)
    if (secret === null) throw new KmsError(`its data key was not wrapped by the key ${JSON.stringify(kekId)}`, true)
    return secret
  }

  async searchKey(kekId: string): Promise<WrappedKey> {
    const secret = Buffer.from(hkdfSync('sha256', this.#kek(kekId), '', 'shotover protect search key', KEY_BYTES))
    return this.#wrapped(kekId, secret)
  }

  #wrapped(kekId: string, secret: Buffer): WrappedKey {
    return { secret, kekId, wrapped: wrapKey(this.#kek(kekId), secret) }
  }

  #kek(kekId: string): Buffer {
    const kek = this.#keks.get(kekId)
    if (kek === undefined) throw new KmsError(`there is no key of the name ${JSON.stringify(kekId)}`, true)
    return kek
  }
}
