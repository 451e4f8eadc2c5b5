import type { Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import { PLAN_ANSWER, PLAN_ATTRIBUTE, PLAN_PIN, PLAN_SHARE, type Greeting, type Sharing } from '../../core/sharing.ts'
import { plainBody } from './compression.ts'
import { CorruptError } from './corrupt-error.ts'
import { errorFrame, HEADER_BYTES, requestFrame, responseFrame, USES_KEYSPACE, versionOf } from './envelope.ts'
import { NOTE_AUTH, NOTE_STARTUP, NOTE_USE } from './notes.ts'
import {
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  AUTHENTICATE,
  BATCH,
  ERROR,
  ERROR_INVALID,
  ERROR_PROTOCOL,
  EXECUTE,
  opcodeName,
  OPTIONS,
  PREPARE,
  QUERY,
  READY,
  REGISTER,
  RESULT,
  STARTUP,
} from './opcodes.ts'
import { errorCode, keyspaceSet } from './result.ts'
import { startupOptions } from './startup.ts'
import { usedKeyspace } from './cql/use.ts'

/** So much of a compressed statement tells whether it is a USE, and of what. */
const TELLING_BYTES = 1024
const TOKEN_BYTES_MAX = 64 * 1024
const EMPTY = Buffer.alloc(0)

/** Options of STARTUP that only name the client: connections with different ones serve each other. */
const NAMES = new Set(['DRIVER_NAME', 'DRIVER_VERSION', 'APPLICATION_NAME', 'APPLICATION_VERSION', 'CLIENT_ID'])

/** What a server keeps per connection and another connection can be given too. */
interface Attributes {
  readonly version: number
  /** Body of the STARTUP; null: not started. */
  readonly startup: Buffer | null
  /** Its options but those that only name the client. */
  readonly options: string
  /** Body of the AUTH_RESPONSE that was granted: kept in memory only, to bring other connections to the same identity. */
  readonly token: Buffer | null
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

  constructor(stands: (key: string) => boolean) {
    this.#stands = stands
  }

  plan(exchange: Exchange): number {
    const { request } = exchange
    const isStarted = this.#now.startup !== null
    switch (request.kind) {
      case EXECUTE:
      case BATCH:
      case PREPARE:
        return isStarted ? PLAN_SHARE : this.#planFirst(request, PLAN_PIN)
      case QUERY:
        return isStarted ? this.#planQuery(exchange) : this.#planFirst(request, PLAN_PIN)
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

  /** Before STARTUP connections differ by the version that is spoken. */
  #planFirst(request: Frame, plan: number): number {
    const version = versionOf(request)
    if (version !== this.#now.version) this.#become({ ...this.#now, version })
    return plan
  }

  #planStartup(exchange: Exchange): number {
    const { request } = exchange
    this.#planFirst(request, PLAN_ATTRIBUTE)
    const options = startupOptions(request)
    if (options === null) return PLAN_PIN
    const telling = [...options].filter(([name]) => !NAMES.has(name)).map(([name, value]) => `${name}=${value}`)
    const startup = Buffer.from(request.bytes.subarray(request.start + HEADER_BYTES, request.end))
    this.#wanted = { ...this.#now, startup, options: telling.sort().join() }
    if (this.#stands(keyOf(this.#wanted))) {
      // The server has granted just this to another session, and asked for no identity.
      this.#become(this.#wanted)
      exchange.response = responseFrame(versionOf(request), request.stream, READY, EMPTY)
      return PLAN_ANSWER
    }
    exchange.note = NOTE_STARTUP
    return PLAN_ATTRIBUTE
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

  #planQuery(exchange: Exchange): number {
    let keyspace: string | null
    try {
      const body = plainBody(exchange.request, TELLING_BYTES)
      keyspace = usedKeyspace(body, 4, body.length)
    } catch (error) {
      if (!(error instanceof CorruptError)) throw error
      return PLAN_PIN
    }
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
    return greet(this.#now)
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

/** Brings a fresh connection to the attributes of a session that the server has granted them before. */
function* greet({ version, startup, token, keyspace }: Attributes): Greeting {
  if (startup === null) return
  const [started] = yield [requestFrame(version, 0, STARTUP, startup)]
  if (token !== null) {
    expect(started!, AUTHENTICATE)
    const [granted] = yield [requestFrame(version, 0, AUTH_RESPONSE, token)]
    expect(granted!, AUTH_SUCCESS)
  } else expect(started!, READY)
  if (keyspace === null) return
  const [used] = yield [useFrame(version, keyspace)]
  // Where it is gone, statements without a keyspace fail as they do on any connection.
  if (used!.kind !== ERROR || errorCode(used!) !== ERROR_INVALID) expect(used!, RESULT)
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

function expect(reply: Frame, kind: number): void {
  if (reply.kind !== kind)
    throw new Error(`the server answered ${opcodeName(reply.kind)} where it answered ${opcodeName(kind)} before`)
}

/** `USE` of a keyspace, at consistency ONE and without flags. */
function useFrame(version: number, keyspace: string): Frame {
  const text = Buffer.from(`USE "${keyspace.replaceAll('"', '""')}"`)
  const body = Buffer.alloc(4 + text.length + (version >= 5 ? 6 : 3))
  body.writeInt32BE(text.length, 0)
  text.copy(body, 4)
  body.writeUInt16BE(1, 4 + text.length)
  const frame = requestFrame(version, 0, QUERY, body)
  frame.code |= USES_KEYSPACE
  return frame
}
