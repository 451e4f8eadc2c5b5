import type { AwsCredentialsChain } from './aws-credentials.ts'
import { signatureHeaders } from './aws-signature.ts'
import type { WrappedKey } from './data-key.ts'
import type { HttpServer } from './http-call.ts'
import { KmsError, type Kms } from './kms.ts'
import { askJson, keyIn, textIn, type Json } from './remote-call.ts'

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

/** Where a data key stands in an answer. */
const KEY = 'Plaintext'
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
    const secret = keyIn(said, KEY, this.name)
    return { secret, kekId: '', wrapped: Buffer.from(textIn(said, 'CiphertextBlob', this.name), 'base64') }
  }

  /** The blob tells which key wrapped it, so that keys that were rotated, or replaced, are found. */
  async unwrap(_kekId: string, wrapped: Buffer): Promise<Buffer> {
    const said = await this.#ask('Decrypt', { CiphertextBlob: wrapped.toString('base64') })
    return keyIn(said, KEY, this.name)
  }

  async searchKey(text: string): Promise<WrappedKey> {
    const wrapped = Buffer.from(text, 'base64')
    return { secret: await this.unwrap('', wrapped), kekId: '', wrapped }
  }

  async #ask(action: string, fields: Record<string, unknown>): Promise<Json> {
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
function errorIn(said: Json): string {
  const type = typeof said.__type === 'string' ? said.__type.replace(/^.*#/, '') : 'an error'
  const text = said.message ?? said.Message
  return typeof text === 'string' ? `${type}: ${text}` : type
}
