import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Identity } from './real/certificates.ts'

// Stand-ins for AWS KMS and for Vault, by the documentation of their HTTP interfaces: neither runs on a machine of one's own without a
// licence or an account. They wrap keys for true, and refuse what the real ones refuse.

export interface KeyService extends AsyncDisposable {
  readonly url: string
  /** What was asked, and not refused. */
  readonly asked: string[]
  /** Answers so many further requests with this status. */
  fail(status: number, times: number): void
  /** Wraps a key that it keeps none of. */
  wrap(key: Buffer): string
}

type Answer = { readonly status: number; readonly body: unknown }
type Handler = (request: IncomingMessage, body: string) => Answer

const KEK = randomBytes(32)

function wrapped(key: Buffer, context: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', KEK, nonce).setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(key), cipher.final(), cipher.getAuthTag()])
}

function unwrapped(blob: Buffer, context: string): Buffer | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', KEK, blob.subarray(0, 12)).setAAD(Buffer.from(context))
    decipher.setAuthTag(blob.subarray(-16))
    return Buffer.concat([decipher.update(blob.subarray(12, -16)), decipher.final()])
  } catch {
    return null
  }
}

async function start(
  handler: Handler,
  asked: string[],
  wrap: (key: Buffer) => string,
  identity: Identity | null = null,
): Promise<KeyService> {
  let failures = 0
  let failure = 0
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { status, body } =
        failures-- > 0
          ? { status: failure, body: { message: 'not now', errors: ['not now'] } }
          : handler(request, Buffer.concat(chunks).toString())
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    })
  }
  const server: Server =
    identity === null
      ? createServer(serve)
      : createSecureServer({ cert: identity.certificate, key: identity.key }, serve)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http${identity === null ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    wrap,
    fail(status, times) {
      failure = status
      failures = times
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const AWS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', region: 'us-east-1' } // prettier-ignore

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()

/** The signature that a request must have, from its headers: written by AWS's documentation, apart from the proxy's own code. */
export function expectedSignature(
  { method, url, headers }: { method?: string; url?: string; headers: Record<string, unknown> },
  body: string,
  secret: string,
): string {
  const [, date, region, service, signed] =
    /Credential=\w+\/(\d+)\/([\w-]+)\/(\w+)\/aws4_request, SignedHeaders=([\w;-]+), /.exec(String(headers.authorization)) ?? [] // prettier-ignore
  if (signed === undefined) return 'none'
  const lines = signed.split(';').map((name) => `${name}:${String(headers[name])}\n`)
  const canonical = `${method}\n${url}\n\n${lines.join('')}\n${signed}\n${hash(body)}`
  const text = `AWS4-HMAC-SHA256\n${String(headers['x-amz-date'])}\n${date}/${region}/${service}/aws4_request\n${hash(canonical)}`
  return hmac(hmac(hmac(hmac(hmac(`AWS4${secret}`, date!), region!), service!), 'aws4_request'), text).toString('hex')
}

/** GenerateDataKey and Decrypt for the key `alias/test`. */
export function startAwsKms(): Promise<KeyService> {
  const asked: string[] = []
  const error = (type: string, message: string): Answer => ({ status: 400, body: { __type: type, message } })
  const handler: Handler = (request, body) => {
    const signature = /Signature=(\w+)$/.exec(request.headers.authorization ?? '')?.[1]
    const mustSign = ['content-type', 'host', 'x-amz-date', 'x-amz-target']
    const signs = mustSign.every((name) => request.headers.authorization?.includes(name))
    if (!signs || signature !== expectedSignature(request, body, AWS.secretAccessKey))
      return error('InvalidSignatureException', 'The request signature we calculated does not match')
    const said = JSON.parse(body) as Record<string, unknown>
    const context = JSON.stringify(said.EncryptionContext ?? {})
    const action = String(request.headers['x-amz-target'])
    if (action === 'TrentService.GenerateDataKey') {
      if (said.KeyId !== 'alias/test') return error('NotFoundException', `Alias ${String(said.KeyId)} is not found.`)
      if ((said.KeySpec === 'AES_256') === (said.NumberOfBytes === 32)) return error('ValidationException', 'length')
      asked.push('GenerateDataKey')
      const key = randomBytes(32)
      const blob = wrapped(key, context).toString('base64')
      return { status: 200, body: { CiphertextBlob: blob, KeyId: 'arn:aws:kms:::key/1', Plaintext: key.toString('base64') } } // prettier-ignore
    }
    const key = unwrapped(Buffer.from(String(said.CiphertextBlob), 'base64'), context)
    if (action !== 'TrentService.Decrypt' || key === null) return error('InvalidCiphertextException', 'no')
    asked.push('Decrypt')
    return { status: 200, body: { KeyId: 'arn:aws:kms:::key/1', Plaintext: key.toString('base64') } }
  }
  return start(handler, asked, (key) => wrapped(key, '{}').toString('base64'))
}

export const VAULT_TOKEN = 'hvs.test'

/** The transit engine at `transit/` with the key `test`; with an identity, in TLS. */
export function startVault(identity: Identity | null = null): Promise<KeyService> {
  const asked: string[] = []
  const wrap = (key: Buffer) => `vault:v1:${wrapped(key, 'vault').toString('base64')}`
  const error = (status: number, ...errors: string[]): Answer => ({ status, body: { errors } })
  const handler: Handler = (request, body) => {
    if (request.headers['x-vault-token'] !== VAULT_TOKEN) return error(403, 'permission denied')
    const said = JSON.parse(body) as Record<string, unknown>
    if (request.url === '/v1/transit/datakey/plaintext/test') {
      asked.push('datakey')
      const key = randomBytes(Number(said.bits) / 8)
      return {
        status: 200,
        body: { data: { ciphertext: wrap(key), key_version: 1, plaintext: key.toString('base64') } },
      }
    }
    if (request.url !== '/v1/transit/decrypt/test') return error(404)
    const blob = /^vault:v1:(.*)$/.exec(String(said.ciphertext))?.[1]
    const key = blob === undefined ? null : unwrapped(Buffer.from(blob, 'base64'), 'vault')
    if (key === null) return error(400, 'cipher: message authentication failed')
    asked.push('decrypt')
    return { status: 200, body: { data: { plaintext: key.toString('base64') } } }
  }
  return start(handler, asked, wrap, identity)
}
