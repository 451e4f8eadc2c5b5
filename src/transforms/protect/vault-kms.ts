import { readFile } from 'node:fs/promises'
import { KEY_BYTES, type WrappedKey } from './data-key.ts'
import type { HttpServer } from './http-call.ts'
import { KmsError, type Kms } from './kms.ts'
import { askJson, keyIn, textIn, type Json } from './remote-call.ts'

export interface VaultKmsOptions {
  readonly server: HttpServer
  /** Where the transit engine is mounted. */
  readonly mount: string
  /** Name of the key that wraps. */
  readonly keyName: string
  /** A file that holds the token, read whenever one is needed; null: `token` is it. */
  readonly tokenPath: string | null
  readonly token: string
  readonly namespace: string | null
}

/** Where a data key stands in an answer. */
const KEY = 'plaintext'

/** The transit engine of HashiCorp Vault: https://developer.hashicorp.com/vault/api-docs/secret/transit */
export class VaultKms implements Kms {
  readonly name = 'Vault'
  readonly #options: VaultKmsOptions

  constructor(options: VaultKmsOptions) {
    this.#options = options
  }

  async generate(): Promise<WrappedKey> {
    const data = await this.#ask('datakey/plaintext', { bits: KEY_BYTES * 8 })
    const secret = keyIn(data, KEY, this.name)
    return { secret, kekId: '', wrapped: Buffer.from(textIn(data, 'ciphertext', this.name)) }
  }

  /** The wrapped key, `vault:v1:...`, tells the version of the key that wrapped it. */
  async unwrap(_kekId: string, wrapped: Buffer): Promise<Buffer> {
    return keyIn(await this.#ask('decrypt', { ciphertext: wrapped.toString() }), KEY, this.name)
  }

  async searchKey(text: string): Promise<WrappedKey> {
    const wrapped = Buffer.from(text)
    return { secret: await this.unwrap('', wrapped), kekId: '', wrapped }
  }

  async #ask(what: string, fields: Record<string, unknown>): Promise<Json> {
    const { server, mount, keyName, namespace } = this.#options
    const headers = {
      'Content-Type': 'application/json',
      'X-Vault-Request': 'true',
      'X-Vault-Token': await this.#token(),
      ...(namespace === null ? {} : { 'X-Vault-Namespace': namespace }),
    }
    const path = `/v1/${mount.split('/').map(encodeURIComponent).join('/')}/${what}/${encodeURIComponent(keyName)}`
    const said = await askJson(server, this.name, { method: 'POST', path, headers, body: JSON.stringify(fields) }, errorIn) // prettier-ignore
    if (typeof said.data !== 'object' || said.data === null) throw new KmsError('Vault gave no data', false)
    return said.data as Json
  }

  async #token(): Promise<string> {
    const { tokenPath, token } = this.#options
    if (tokenPath === null) return token
    try {
      return (await readFile(tokenPath, 'utf8')).trim()
    } catch (error) {
      throw new KmsError(`the token of Vault can not be read: ${(error as NodeJS.ErrnoException).code}`, false)
    }
  }
}

function errorIn({ errors }: Json): string {
  return Array.isArray(errors) && errors.length > 0 ? errors.join('; ') : 'an error'
}
