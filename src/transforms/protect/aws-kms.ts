import type { AwsCredentialsChain } from './aws-credentials.ts'
import { signatureHeaders } from './aws-signature.ts'
import { KEY_BYTES, type WrappedKey } from './data-key.ts'
import type { HttpServer } from './http-call.ts'
import { KmsError, type Kms } from './kms.ts'
import { askJson } from './remote-call.ts'

export interface AwsKmsOptions {
  readonly server: HttpServer
  readonly credentials: AwsCredentialsChain
  readonly region: string
  /** Id, ARN or alias of the key that wraps new data keys. */
  readonly keyId: string
  readonly encryptionContext: Readonly<Record<string, string>> | null
  /** Either of these says how long a data key is; KeySpec where both are null. */
  readonly keySpec: string | null
  readonly numberOfBytes: number | null
  readonly grantTokens: readonly string[] | null
}

const CONTENT_TYPE = 'application/x-amz-json-1.1'
/** Errors that another request may not meet: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html */
const PASSING = /Throttl|LimitExceeded|Timeout|Unavailable|Internal|Expired|UnrecognizedClient|InvalidClientTokenId|KMSInvalidState|Signature/i // prettier-ignore

/** AWS KMS: `GenerateDataKey` and `Decrypt` of its API, https://docs.aws.amazon.com/kms/latest/APIReference/ */
export class AwsKms implements Kms {
  readonly name = 'AWS KMS'
  readonly #options: AwsKmsOptions

  constructor(options: AwsKmsOptions) {
    this.#options = options
  }

  async generate(): Promise<WrappedKey> {
    const { keyId, keySpec, numberOfBytes } = this.#options
    const length = numberOfBytes === null ? { KeySpec: keySpec ?? 'AES_256' } : { NumberOfBytes: numberOfBytes }
    const said = await this.#ask('GenerateDataKey', { KeyId: keyId, ...length })
    return { secret: keyIn(said), kekId: '', wrapped: bytesIn(said, 'CiphertextBlob') }
  }

  /** The blob tells which key wrapped it, so that keys that were rotated, or replaced, are found. */
  async unwrap(_kekId: string, wrapped: Buffer): Promise<Buffer> {
    return keyIn(await this.#ask('Decrypt', { CiphertextBlob: wrapped.toString('base64') }))
  }

  async searchKey(text: string): Promise<WrappedKey> {
    const wrapped = Buffer.from(text, 'base64')
    return { secret: await this.unwrap('', wrapped), kekId: '', wrapped }
  }

  async #ask(action: string, fields: Record<string, unknown>): Promise<Readonly<Record<string, unknown>>> {
    const { server, region, encryptionContext, grantTokens } = this.#options
    const body = JSON.stringify({
      ...fields,
      ...(encryptionContext === null ? {} : { EncryptionContext: encryptionContext }),
      ...(grantTokens === null ? {} : { GrantTokens: grantTokens }),
    })
    const own = { 'Content-Type': CONTENT_TYPE, 'X-Amz-Target': `TrentService.${action}` }
    const part = { method: 'POST', path: '/', headers: { ...own, Host: server.host }, body }
    const scope = { region, service: 'kms', wallMs: server.clock.wall() }
    const signed = signatureHeaders(part, await this.#options.credentials.get(), scope)
    try {
      return await askJson(server, this.name, { method: 'POST', path: '/', headers: { ...own, ...signed }, body }, errorIn) // prettier-ignore
    } catch (error) {
      if (error instanceof KmsError && error.isFinal && PASSING.test(error.message)) throw new KmsError(error.message, false) // prettier-ignore
      throw error
    }
  }
}

/** `com.amazonaws.kms#NotFoundException: the text`. */
function errorIn(said: Readonly<Record<string, unknown>>): string {
  const type = typeof said.__type === 'string' ? said.__type.replace(/^.*#/, '') : 'an error'
  const text = said.message ?? said.Message
  return typeof text === 'string' ? `${type}: ${text}` : type
}

function bytesIn(said: Readonly<Record<string, unknown>>, field: string): Buffer {
  const text = said[field]
  if (typeof text !== 'string') throw new KmsError(`AWS KMS gave no ${field}`, false)
  return Buffer.from(text, 'base64')
}

function keyIn(said: Readonly<Record<string, unknown>>): Buffer {
  const key = bytesIn(said, 'Plaintext')
  if (key.length !== KEY_BYTES) throw new KmsError(`AWS KMS gave a key of ${key.length} bytes instead of ${KEY_BYTES}`, true) // prettier-ignore
  return key
}
