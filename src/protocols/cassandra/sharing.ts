import type { Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import { PLAN_ANSWER, PLAN_ATTRIBUTE, PLAN_PIN, PLAN_SHARE, type Greeting, type Sharing } from '../../core/sharing.ts'
import { plainBody } from './compression.ts'
import { CorruptError } from './corrupt-error.ts'
import { errorFrame, HEADER_BYTES, responseFrame, USES_KEYSPACE, versionOf } from './envelope.ts'
import { greet, type Login } from './greeting.ts'
import { NOTE_AUTH, NOTE_STARTUP, NOTE_USE } from './notes.ts'
import {
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  BATCH,
  ERROR_PROTOCOL,
  EXECUTE,
  opcodeName,
  OPTIONS,
  PREPARE,
  QUERY,
  READY,
  REGISTER,
  STARTUP,
} from './opcodes.ts'
import { PreparedStatements } from './prepared.ts'
import { keyspaceSet } from './result.ts'
import { startupOptions } from './startup.ts'
import { usedKeyspace } from './cql/use.ts'

/** So much of a compressed statement tells whether it is a USE, and of what. */
const TELLING_BYTES = 1024
const TOKEN_BYTES_MAX = 64 * 1024
const EMPTY = Buffer.alloc(0)

/** Options of STARTUP that only name the client: connections with different ones serve each other. */
const NAMES = new Set(['DRIVER_NAME', 'DRIVER_VERSION', 'APPLICATION_NAME', 'APPLICATION_VERSION', 'CLIENT_ID'])

/** What a server keeps per connection and another connection can be given too. */
interface Attributes extends Login {
  /** Its options but those that only name the client. */
  readonly options: string
  /** Null: none was chosen. */
  readonly keyspace: string | null
}

function keyOf({ version, startup, options, token, keyspace }: Attributes): string {
  if (startup === null) return `v${version} not started`
  const identity = token === null ? '' : token.toString('latin1')
  return `v${version} ${options.length}:${options} ${identity.length}:${identity} ${keyspace ?? ''}`
}

/** How sessions share connections to a server: those with equal version, options, identity and keyspace do. */
export class CassandraSharing implements Sharing {
  #now: Attributes = { version: 0, startup: null, options: '', token: null, keyspace: null }
  /** The attributes if the request that is under way succeeds. */
  #wanted: Attributes = this.#now
  key = keyOf(this.#now)
  /** Does a connection with these attributes stand? */
  readonly #stands: (key: string) => boolean
  readonly #prepared: PreparedStatements

  constructor(stands: (key: string) => boolean, prepared: PreparedStatements) {
    this.#stands = stands
    this.#prepared = prepared
  }

  /** That of a session which the server has let in with this STARTUP. */
  static started(startup: Frame): CassandraSharing {
    const sharing = new CassandraSharing(() => false, new PreparedStatements())
    if (sharing.#wants(startup)) sharing.#become(sharing.#wanted)
    return sharing
  }

  plan(exchange: Exchange): number {
    const { request } = exchange
    const isStarted = this.#now.startup !== null
    switch (request.kind) {
      case EXECUTE:
        return isStarted ? this.#planUse(exchange, this.#prepared.used(request)) : this.#planFirst(request, PLAN_PIN)
      case BATCH:
      case PREPARE:
        return isStarted ? PLAN_SHARE : this.#planFirst(request, PLAN_PIN)
      case QUERY:
        return isStarted ? this.#planUse(exchange, usedIn(request)) : this.#planFirst(request, PLAN_PIN)
      case OPTIONS:
        return isStarted ? PLAN_SHARE : this.#planFirst(request, PLAN_SHARE)
      case STARTUP:
        return isStarted ? PLAN_PIN : this.#planStartup(exchange)
      case AUTH_RESPONSE:
        return this.#planAuth(exchange)
      case REGISTER:
        // Events come on the connection from then on.
        return isStarted ? PLAN_PIN : this.#planFirst(request, PLAN_PIN)
      default:
        // A server would answer this on a stream of its own choice, and take nothing more for what it is.
        exchange.response = unknownOpcode(request)
        return PLAN_ANSWER
    }
  }

  /** The server has let the session in. */
  get isStarted(): boolean {
    return this.#now.startup !== null
  }

  /** With what, as far as it has. */
  get login(): Login {
    return this.#now
  }

  /** The keyspace that it has chosen; null: none. */
  get keyspace(): string | null {
    return this.#now.keyspace
  }

  /** The attributes that it has but for this keyspace: their key, and what brings a fresh connection to them. */
  within(keyspace: string | null): { readonly key: string; readonly handshake: () => Greeting } {
    const attributes = { ...this.#now, keyspace }
    return { key: keyOf(attributes), handshake: () => greet(attributes, keyspace) }
  }

  /** Does the request change the attributes, if it succeeds? */
  isChange({ request }: Exchange): boolean {
    if (request.kind === QUERY) return this.isStarted && usedIn(request) !== null
    if (request.kind === EXECUTE) return this.isStarted && this.#prepared.used(request) !== null
    return request.kind === STARTUP || request.kind === AUTH_RESPONSE
  }

  /** Before STARTUP connections differ by the version that is spoken. */
  #planFirst(request: Frame, plan: number): number {
    const version = versionOf(request)
    if (version !== this.#now.version) this.#become({ ...this.#now, version })
    return plan
  }

  #planStartup(exchange: Exchange): number {
    const { request } = exchange
    if (!this.#wants(request)) return PLAN_PIN
    if (this.#stands(keyOf(this.#wanted))) {
      // The server has granted just this to another session, and asked for no identity.
      this.#become(this.#wanted)
      exchange.response = responseFrame(versionOf(request), request.stream, READY, EMPTY)
      return PLAN_ANSWER
    }
    exchange.note = NOTE_STARTUP
    return PLAN_ATTRIBUTE
  }

  /** The attributes that a session has once this STARTUP is granted; false: it can't be read. */
  #wants(request: Frame): boolean {
    this.#planFirst(request, PLAN_ATTRIBUTE)
    const options = startupOptions(request)
    if (options === null) return false
    const telling = [...options].filter(([name]) => !NAMES.has(name)).map(([name, value]) => `${name}=${value}`)
    const startup = Buffer.from(request.bytes.subarray(request.start + HEADER_BYTES, request.end))
    this.#wanted = { ...this.#now, startup, options: telling.sort().join() }
    return true
  }

  #planAuth(exchange: Exchange): number {
    const { request } = exchange
    if (!request.whole || this.#wanted.startup === null) return PLAN_PIN
    const token = tokenOf(request)
    if (token === null) return PLAN_PIN
    this.#wanted = { ...this.#wanted, token }
    exchange.note = NOTE_AUTH
    return PLAN_ATTRIBUTE
  }

  /** @param keyspace What the request chooses; '' where that can't be read, null where it chooses none. */
  #planUse(exchange: Exchange, keyspace: string | null): number {
    if (keyspace === null) return PLAN_SHARE
    if (keyspace === '') return PLAN_PIN
    exchange.request.code |= USES_KEYSPACE
    this.#wanted = { ...this.#now, keyspace }
    exchange.note = NOTE_USE
    return PLAN_ATTRIBUTE
  }

  target(exchange: Exchange): string {
    // Nobody's connection can be started, or given another identity, once more.
    return exchange.note === NOTE_USE ? keyOf(this.#wanted) : ''
  }

  replied(exchange: Exchange): boolean {
    const reply = exchange.response!
    switch (exchange.note) {
      case NOTE_STARTUP:
        // AUTHENTICATE: what was asked for holds once the client has proved who it is.
        return reply.kind === READY && this.#become(this.#wanted)
      case NOTE_AUTH:
        return reply.kind === AUTH_SUCCESS && this.#become(this.#wanted)
      default: {
        const keyspace = keyspaceSet(reply)
        return keyspace !== null && this.#become({ ...this.#now, keyspace })
      }
    }
  }

  #become(attributes: Attributes): true {
    this.#now = this.#wanted = attributes
    this.key = keyOf(attributes)
    return true
  }

  handshake(): Greeting {
    return greet(this.#now, this.#now.keyspace)
  }

  hasReply(): boolean {
    return true
  }

  reason(exchange: Exchange): string {
    return opcodeName(exchange.request.kind).toLowerCase()
  }

  dress(): void {}
  undress(): void {}
}

/** The keyspace that a QUERY chooses; '' where that can't be read, null where it is another statement. */
function usedIn(query: Frame): string | null {
  try {
    const body = plainBody(query, TELLING_BYTES)
    return usedKeyspace(body, 4, body.length)
  } catch (error) {
    if (error instanceof CorruptError) return ''
    throw error
  }
}

/** The body of an AUTH_RESPONSE, uncompressed, so that it can be said on any connection; null where it can't be read. */
function tokenOf(request: Frame): Buffer | null {
  try {
    return Buffer.from(plainBody(request, TOKEN_BYTES_MAX))
  } catch (error) {
    if (error instanceof CorruptError) return null
    throw error
  }
}

function unknownOpcode({ code, kind, stream }: Frame): Frame {
  return errorFrame(code & 0x7f, stream, ERROR_PROTOCOL, `Unknown opcode ${kind}`)
}
