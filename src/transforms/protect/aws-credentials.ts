import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Clock, Connector } from '../../world/world.ts'
import type { AwsCredentials } from './aws-signature.ts'
import { callHttp, serverOf, type HttpRequest } from './http-call.ts'
import { KmsError } from './kms.ts'

type Variables = Readonly<Record<string, string | undefined>>

/** Credentials, and until when they hold by the wall clock; Infinity: always. */
interface Found {
  readonly credentials: AwsCredentials
  readonly untilMs: number
}

/** Credentials are asked for anew so long before they end. */
const EARLY_MS = 5 * 60_000
const TIMEOUT_MS = 2000
/** Where a container, and where a machine of EC2, is told who it is: plain HTTP on link-local addresses. */
const CONTAINER_HOST = '169.254.170.2'
const INSTANCE_HOST = '169.254.169.254'
const ROLES = '/latest/meta-data/iam/security-credentials/'

export interface AwsCredentialsOptions {
  readonly variables: Variables
  readonly connector: Connector
  readonly clock: Clock
}

/**
 * Who the proxy is to AWS, found as AWS's own tools find it: environment variables, the shared credentials file, the container's endpoint,
 * the instance's metadata (IMDSv2). https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export class AwsCredentialsChain {
  readonly #options: AwsCredentialsOptions
  #found: Found | null = null

  constructor(options: AwsCredentialsOptions) {
    this.#options = options
  }

  /** Rejects with KmsError, which tells no credential. */
  async get(): Promise<AwsCredentials> {
    const found = this.#found
    if (found !== null && this.#options.clock.wall() < found.untilMs - EARLY_MS) return found.credentials
    const { variables } = this.#options
    const next =
      fromVariables(variables) ??
      (await fromFile(variables)) ??
      (await this.#fromContainer()) ??
      (await this.#fromInstance())
    this.#found = next
    return next.credentials
  }

  async #fromContainer(): Promise<Found | null> {
    const { variables } = this.#options
    const relative = variables.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    const full = variables.AWS_CONTAINER_CREDENTIALS_FULL_URI
    if (!relative && !full) return null
    const url = new URL(full && !relative ? full : `http://${CONTAINER_HOST}${relative}`)
    // A secret goes there and comes back: only the hosts that AWS names may be asked in the clear.
    if (
      url.protocol !== 'http:' ||
      !/^(127\.\d+\.\d+\.\d+|localhost|\[::1\]|169\.254\.170\.(2|23)|\[fd00:ec2::23\])$/.test(url.hostname)
    )
      // prettier-ignore
      throw new KmsError(`AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is not asked: ${url.hostname}`, true)
    const file = variables.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
    const token = file ? (await readFile(file, 'utf8')).trim() : variables.AWS_CONTAINER_AUTHORIZATION_TOKEN
    const headers: Record<string, string> = token ? { Authorization: token } : {}
    return parsed(await this.#ask(url, { method: 'GET', path: `${url.pathname}${url.search}`, headers, body: '' }))
  }

  async #fromInstance(): Promise<Found> {
    const url = new URL(this.#options.variables.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? `http://${INSTANCE_HOST}`)
    if (this.#options.variables.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true')
      throw new KmsError('there are no credentials for AWS in the environment, nor in a file', false)
    const headers = { 'X-aws-ec2-metadata-token-ttl-seconds': '300' }
    const token = await this.#ask(url, { method: 'PUT', path: '/latest/api/token', headers, body: '' })
    const get = (path: string) =>
      this.#ask(url, { method: 'GET', path, headers: { 'X-aws-ec2-metadata-token': token.trim() }, body: '' })
    const [role] = (await get(ROLES)).split('\n')
    return parsed(await get(`${ROLES}${encodeURIComponent(role!.trim())}`))
  }

  async #ask(url: URL, request: HttpRequest): Promise<string> {
    const { connector, clock } = this.#options
    const answer = await callHttp(serverOf(url, connector, clock), request, TIMEOUT_MS).catch((error: Error) => {
      throw new KmsError(`no credentials for AWS: ${error.message}`, false)
    })
    if (answer.status !== 200) throw new KmsError(`no credentials for AWS: ${url.host} says ${answer.status}`, false)
    return answer.body.toString()
  }
}

function fromVariables(variables: Variables): Found | null {
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = variables
  return id && secret ? lasting(id, secret, token) : null
}

function lasting(accessKeyId: string, secretAccessKey: string, token: string | undefined): Found {
  return { credentials: { accessKeyId, secretAccessKey, sessionToken: token || null }, untilMs: Infinity }
}

/** Read anew whenever they are needed: somebody may write other ones there. */
async function fromFile(variables: Variables): Promise<Found | null> {
  const file = variables.AWS_SHARED_CREDENTIALS_FILE || join(homedir(), '.aws', 'credentials')
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw new KmsError(`no credentials for AWS: ${file} can not be read`, false)
  }
  const profile = profileIn(text, variables.AWS_PROFILE || 'default')
  const id = profile.get('aws_access_key_id')
  const secret = profile.get('aws_secret_access_key')
  if (!id || !secret) return null
  return { ...lasting(id, secret, profile.get('aws_session_token')), untilMs: 0 }
}

/** What stands under `[name]`. */
function profileIn(text: string, name: string): Map<string, string> {
  const found = new Map<string, string>()
  let isIn = false
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[\s*(.*?)\s*\]/.exec(line)
    if (section !== null) isIn = section[1] === name
    const [, key, value] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (isIn && key !== undefined) found.set(key.toLowerCase(), value!)
  }
  return found
}

/** What the endpoints of containers and instances say. */
function parsed(text: string): Found {
  try {
    const said = JSON.parse(text) as Record<string, unknown>
    const { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: end } = said
    if (typeof id === 'string' && typeof secret === 'string') {
      const untilMs = typeof end === 'string' ? Date.parse(end) : 0
      const { credentials } = lasting(id, secret, typeof token === 'string' ? token : undefined)
      return { credentials, untilMs: Number.isNaN(untilMs) ? 0 : untilMs }
    }
  } catch {
    // Not even JSON; which is not to be told, for what it may hold.
  }
  throw new KmsError('no credentials for AWS: what was said of them can not be read', false)
}
