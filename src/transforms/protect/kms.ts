import type { WrappedKey } from './data-key.ts'
import { UnavailableError } from './refusal.ts'

/** Whoever keeps key-encryption keys: a file, AWS KMS, Vault. */
export interface Kms {
  /** What texts call it. */
  readonly name: string
  /** Makes a data key. Rejects with KmsError. */
  generate(): Promise<WrappedKey>
  /** The data key of its wrapped form. Rejects with KmsError. */
  unwrap(kekId: string, wrapped: Buffer): Promise<Buffer>
  /** The data key that `search_key` of the options stands for: the same one whenever it is asked. Rejects with KmsError. */
  searchKey(text: string): Promise<WrappedKey>
}

/** A key can't be had. The message tells of no key. */
export class KmsError extends UnavailableError {
  /** It will be refused as well the next time. */
  readonly isFinal: boolean
  constructor(message: string, isFinal: boolean) {
    super(message)
    this.name = 'KmsError'
    this.isFinal = isFinal
  }
}
