import type { Counter } from '../../core/kind.ts'
import type { Random } from '../../world/world.ts'
import { MAGIC } from './data-key.ts'
import type { KeyRing } from './key-ring.ts'
import { UnreadableError } from './refusal.ts'
import { open, parseSealed, seal, type SealedValue } from './sealed-value.ts'

/** What sealed values begin with where they are Base64. */
const MAGIC_TEXT = Buffer.from(MAGIC.toString('base64'))
const NONCES = 256
const NONCE_BYTES = 12

/** A value in its place: what it is bound to, and what texts call that. */
export interface Place {
  readonly mode: number
  readonly place: Buffer
  readonly label: string
}

/** Values whose keys have to be fetched, by key. */
export type Missing = Map<string, SealedValue>

export interface SealerOptions {
  readonly ring: KeyRing
  readonly random: Random
  /** Values that are not sealed are given to clients as they are. */
  readonly passesUnprotected: boolean
  readonly sealed: Counter
  readonly opened: Counter
}

/** Seals and opens values with the keys of a ring. */
export class Sealer {
  readonly ring: KeyRing
  readonly #options: SealerOptions
  #drawn: Buffer = Buffer.alloc(0)
  #at = 0
  readonly #draw = (count: number) => this.#random(count)

  constructor(options: SealerOptions) {
    this.ring = options.ring
    this.#options = options
  }

  /** Nonces are drawn many at a time: each draw asks the system. */
  #random(count: number): Buffer {
    if (this.#at + count > this.#drawn.length) {
      this.#drawn = this.#options.random.bytes(NONCES * NONCE_BYTES)
      this.#at = 0
    }
    return this.#drawn.subarray(this.#at, (this.#at += count))
  }

  /** Null: the key is not there yet. */
  seal({ mode, place }: Place, value: Buffer, asText: boolean): Buffer | null {
    const key = this.ring.sealing(mode)
    if (key === null) return null
    this.#options.sealed.add(1)
    const sealed = seal(key, place, value, this.#draw)
    return asText ? Buffer.from(sealed.toString('base64')) : sealed
  }

  /**
   * The value that was sealed as `bytes`, or null where its key is not known and was added to `missing`. Throws UnreadableError where it
   * can't be given to the client.
   */
  open({ place, label }: Place, bytes: Buffer, missing: Missing): Buffer | null {
    const sealed = parse(bytes)
    if (sealed === null) {
      if (this.#options.passesUnprotected) return bytes
      throw new UnreadableError(`${label} holds a value that is not encrypted; unprotected_values of Protect says that such ones are refused`) // prettier-ignore
    }
    const key = this.ring.find(sealed)
    if (key === null) {
      missing.set(sealed.header.toString('latin1'), sealed)
      return null
    }
    const value = open(sealed, key, place)
    if (value === null) throw new UnreadableError(`${label} holds a value that was encrypted for another place, or changed since`) // prettier-ignore
    this.#options.opened.add(1)
    return value
  }

  /** Fetches keys that were missing. Rejects where one can't be had. */
  async fetch(missing: Missing): Promise<void> {
    await Promise.all([...missing.values()].map((value) => this.ring.fetch(value)))
  }
}

function parse(bytes: Buffer): SealedValue | null {
  const isText = bytes.length > MAGIC_TEXT.length && bytes.subarray(0, MAGIC_TEXT.length).equals(MAGIC_TEXT)
  return parseSealed(isText ? Buffer.from(bytes.toString('latin1'), 'base64') : bytes)
}
