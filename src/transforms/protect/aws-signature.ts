import { createHash, createHmac } from 'node:crypto'

/** Who signs. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of credentials that end; null where they don't. */
  readonly sessionToken: string | null
}

export interface SignedPart {
  readonly method: string
  /** Of one that needs no encoding, without a query. */
  readonly path: string
  /** All that are signed, Host included. Names in any case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface SigningScope {
  readonly region: string
  readonly service: string
  /** Milliseconds since 1970. */
  readonly wallMs: number
}

const ALGORITHM = 'AWS4-HMAC-SHA256'

/**
 * The headers that a request needs besides its own to be signed: Signature Version 4,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function signatureHeaders(
  part: SignedPart,
  credentials: AwsCredentials,
  { region, service, wallMs }: SigningScope,
): Record<string, string> {
  const time = timeText(wallMs)
  const { sessionToken } = credentials
  const added = { 'X-Amz-Date': time, ...(sessionToken === null ? {} : { 'X-Amz-Security-Token': sessionToken }) }
  const headers = Object.entries({ ...part.headers, ...added })
    .map(([name, value]) => [name.toLowerCase(), value.trim().replace(/ +/g, ' ')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  const names = headers.map(([name]) => name).join(';')
  const fields = headers.map(([name, value]) => `${name}:${value}\n`).join('')
  const canonical = [part.method, part.path, '', fields, names, sha256(part.body)].join('\n')
  const scope = `${time.slice(0, 8)}/${region}/${service}/aws4_request`
  const toSign = [ALGORITHM, time, scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<Buffer | string>(hmac, `AWS4${credentials.secretAccessKey}`)
  const signature = hmac(key, toSign).toString('hex')
  const credential = `${credentials.accessKeyId}/${scope}`
  return { ...added, Authorization: `${ALGORITHM} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}` } // prettier-ignore
}

/** `20150830T123600Z` */
function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
