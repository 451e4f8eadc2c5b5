// Hot path
import type { Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import {
  PLAN_ATTRIBUTE,
  PLAN_BLOCK,
  PLAN_END,
  PLAN_KEEP,
  PLAN_PIN,
  PLAN_SHARE,
  type Greeting,
  type Sharing,
} from '../../core/sharing.ts'
import type { SessionInfo } from '../../core/transform.ts'
import type { Upstream } from '../../core/upstream.ts'
import { argument, argumentIs } from './arguments.ts'
import { argumentsOf } from './body.ts'
import {
  CLASS_ATTRIBUTE,
  CLASS_BLOCKING,
  CLASS_MAY_BLOCK,
  CLASS_STATELESS,
  CLASS_WAIT,
  codeOf,
  commandClass,
  pinReason,
} from './commands.ts'
import { namesConnections, type ConnectionIds } from './connection-ids.ts'
import { askId, giveName, takeName } from './dressing.ts'
import { encodeRequest } from './encode.ts'
import { greetingOf } from './greeting.ts'
import { ACCESS_CODES, changesAccess, type Guests } from './guests.ts'
import { ARRAY, BULK, ERROR, INTEGER, MAP, NULL, SIMPLE } from './resp.ts'
import { helloOf, rawFrame, withConnectionId } from './hello.ts'

const HELLO = codeOf('hello')
const AUTH = codeOf('auth')
const SELECT = codeOf('select')
const RESET = codeOf('reset')
const QUIT = codeOf('quit')
const EXEC = codeOf('exec')
const DISCARD = codeOf('discard')
const SETNAME = codeOf('client|setname')
const GETNAME = codeOf('client|getname')
const CLIENT_ID = codeOf('client|id')
const CLIENT_REPLY = codeOf('client|reply')
const SCRIPT_DEBUG = codeOf('script|debug')
const XREAD = codeOf('xread')
const XREADGROUP = codeOf('xreadgroup')

/** `Exchange.note`: what the reply means to the session. */
const NOTE_ATTRIBUTES = 1
const NOTE_NAME = 2
const NOTE_GET_NAME = 3
const NOTE_ID = 4
const NOTE_TRANSACTION = 5
const NOTE_ACCESS = 6

/** By code: what `#look` looks at. */
const LOOK_AT_IDS = 1
const LOOK_AT_ACCESS = 2
const lookAt = Uint8Array.from(namesConnections, (names) => (names === 1 ? LOOK_AT_IDS : 0))
for (const code of ACCESS_CODES) lookAt[code] = LOOK_AT_ACCESS

/** First words of an HTTP request that a browser was made to send: servers hang up on them. */
const HTTP_WORDS = ['post', 'host:']

/** A name that CLIENT SETNAME asked for. */
interface Naming {
  readonly exchange: Exchange
  readonly name: Buffer
}

/** What a server keeps per connection and another connection can be given too. */
interface Attributes {
  readonly resp: 2 | 3
  readonly database: number
  /** AUTH's arguments, as the session sent them: kept in memory only, to bring other connections to the same identity. */
  readonly credentials: readonly Buffer[] | null
  /** Where there are none: `Guests.generation`. */
  readonly guests: number
}

const NO_NAME = Buffer.alloc(0)

// Cold: once per change of attributes
function keyOf({ resp, database, credentials, guests }: Attributes): string {
  const identity = credentials?.map((word) => `${word.length}:${word.toString('latin1')}`).join() ?? `guests ${guests}`
  return `${resp} ${database} ${identity}`
}

/** One session's attributes: RESP version, database, identity, name. */
export class ValkeySharing implements Sharing {
  key: string
  #now: Attributes
  /** The attributes if the request that is under way succeeds. */
  #wanted: Attributes
  /** The name that it asks for, NO_NAME where it takes it away; null: it leaves it. */
  #wantedName: Buffer | null = null
  /** Names that were asked for and not granted yet, in their order. */
  #namings: Naming[] = []
  /** Changed by requests that stand in a transaction: valid once EXEC succeeded. */
  #queued: Attributes | null = null
  #queuedName: Buffer | null = null
  #name: Buffer | null = null
  /** A request that changes what guests may do stands in a transaction. */
  #queuedAccess = false
  /** Such a request was sent, and no transaction has ended since: it may stand in the one that is under way. */
  #mayQueueAccess = false
  /** The session pins for a request before which there must be no other: its connection gets nothing of the session's. */
  #isBare = false
  readonly #guests: Guests
  readonly #ids: ConnectionIds
  /** What CLIENT ID tells the session's client. */
  readonly #id: number
  #closed = false

  constructor(ids: ConnectionIds, guests: Guests, session: SessionInfo) {
    this.#guests = guests
    this.#ids = ids
    this.#id = ids.idFor(session)
    this.#now = this.#wanted = this.#start()
    this.key = keyOf(this.#now)
  }

  /** What a new connection has. */
  #start(): Attributes {
    return { resp: 2, database: 0, credentials: null, guests: this.#guests.generation }
  }

  plan(exchange: Exchange, pinned: boolean): number {
    const { code } = exchange.request
    const kind = commandClass[code]
    if (lookAt[code] !== 0) this.#look(exchange)
    if (kind === CLASS_STATELESS) {
      if (!pinned || (code !== EXEC && code !== DISCARD) || !this.#mayHaveQueued) return PLAN_SHARE
      exchange.note = NOTE_TRANSACTION
      return PLAN_ATTRIBUTE
    }
    if (kind === CLASS_BLOCKING) return PLAN_BLOCK
    if (kind === CLASS_MAY_BLOCK) return blocks(exchange.request) ? PLAN_BLOCK : PLAN_SHARE
    if (kind === CLASS_WAIT) return PLAN_KEEP
    if (kind === CLASS_ATTRIBUTE) return this.#planAttribute(exchange)
    if (code === 0 && isHttp(exchange.request)) {
      exchange.response = null
      return PLAN_END
    }
    this.#isBare = code === SCRIPT_DEBUG
    return PLAN_PIN
  }

  // Cold: requests about connections and users
  #look(exchange: Exchange): void {
    const { request } = exchange
    if (lookAt[request.code] === LOOK_AT_IDS) this.#ids.translate(request)
    else if (changesAccess(request)) {
      exchange.note = NOTE_ACCESS
      this.#mayQueueAccess = true
    }
  }

  reason(exchange: Exchange): string {
    const { code } = exchange.request
    return code === HELLO ? 'hello' : pinReason[code]
  }

  target(exchange: Exchange): string {
    // What it leaves may have fewer rights than those who share a connection were given when it was opened: no key is like this.
    return exchange.request.code === RESET ? '' : keyOf(this.#wanted)
  }

  // Cold: once per upstream
  handshake(): Greeting {
    const { resp, database, credentials } = this.#now
    const frames: Frame[] = []
    if (credentials !== null) frames.push(encodeRequest(['AUTH', ...credentials]))
    if (resp === 3) frames.push(encodeRequest(['HELLO', '3']))
    if (database !== 0) frames.push(encodeRequest(['SELECT', String(database)]))
    return greetingOf(frames)
  }

  hasReply(exchange: Exchange): boolean {
    return exchange.request.code !== CLIENT_REPLY || argumentIs(exchange.request, 2, 'on')
  }

  dress(upstream: Upstream): void {
    if (this.#isBare) return
    giveName(upstream, this.#name ?? NO_NAME)
    askId(upstream, (serverId) => {
      if (!this.#closed) this.#ids.set(this.#id, serverId)
    })
  }

  undress(upstream: Upstream): void {
    this.#isBare = false
    this.#ids.clear(this.#id)
    takeName(upstream)
  }

  close(): void {
    this.#ids.clear(this.#id)
    this.#closed = true
  }

  replied(exchange: Exchange): boolean {
    const changed = this.#take(exchange)
    // It was checked by the server, and a connection that many share has no name.
    if (exchange.upstream?.shared === true) takeName(exchange.upstream)
    return changed
  }

  #take(exchange: Exchange): boolean {
    const reply = exchange.response
    if (exchange.note === NOTE_NAME) {
      this.#named(exchange, reply)
      return false
    }
    // Without a reply nobody knows, and the connection stays the session's, as its wire says. Most likely it was granted.
    if (reply === null) {
      if (exchange.note === NOTE_ACCESS) this.#guests.accessChanged()
      return exchange.note === NOTE_ATTRIBUTES && this.#set(this.#wanted, this.#wantedName)
    }
    switch (exchange.note) {
      case NOTE_ATTRIBUTES:
        return this.#granted(exchange, reply)
      case NOTE_GET_NAME:
        if (reply.kind === BULK || reply.kind === NULL) exchange.response = this.#nameReply(reply)
        return false
      case NOTE_ID:
        if (reply.kind === INTEGER) exchange.response = rawFrame(`:${this.#id}\r\n`, INTEGER)
        return false
      case NOTE_ACCESS:
        if (reply.kind === SIMPLE && !isOk(reply)) this.#queuedAccess = true
        else if (reply.kind !== ERROR) this.#guests.accessChanged()
        return false
      case NOTE_TRANSACTION:
        return this.#executed(reply.kind === ARRAY && !isNull(reply))
    }
    return false
  }

  get #mayHaveQueued(): boolean {
    return this.#queued !== null || this.#queuedName !== null || this.#namings.length !== 0 || this.#mayQueueAccess
  }

  /** The transaction has ended: what it had queued holds, or not. */
  #executed(succeeded: boolean): boolean {
    const attributes = this.#queued ?? this.#now
    const name = this.#queuedName
    this.#queued = this.#queuedName = null
    if (this.#queuedAccess && succeeded) this.#guests.accessChanged()
    this.#queuedAccess = this.#mayQueueAccess = false
    return succeeded && this.#set(attributes, name)
  }

  /** A name was granted, or refused; without a reply it is taken to be granted. */
  #named(exchange: Exchange, reply: Frame | null): void {
    const at = this.#namings.findLastIndex((naming) => naming.exchange === exchange)
    if (at < 0) return
    const { name } = this.#namings[at]!
    // Those before it were lost.
    this.#namings.splice(0, at + 1)
    if (reply !== null && reply.kind !== SIMPLE) return
    if (reply === null || isOk(reply)) this.#name = name
    else this.#queuedName = name
  }

  #planAttribute(exchange: Exchange): number {
    const { request } = exchange
    const { code } = request
    if (code === QUIT) {
      exchange.response = rawFrame('+OK\r\n', SIMPLE)
      return PLAN_END
    }
    if (code === CLIENT_ID) exchange.note = NOTE_ID
    else if (code === GETNAME) exchange.note = NOTE_GET_NAME
    else if (code === SETNAME) {
      this.#namings.push({ exchange, name: argumentsOf(request)[2] ?? NO_NAME })
      exchange.note = NOTE_NAME
    } else {
      const wanted = this.#wantedBy(request)
      // What the wire takes for a change of nobody knows what: the connection stays the session's.
      if (wanted === null) return code === HELLO ? PLAN_PIN : PLAN_SHARE
      this.#wanted = wanted
      exchange.note = NOTE_ATTRIBUTES
      return PLAN_ATTRIBUTE
    }
    return PLAN_SHARE
  }

  /** The attributes after `request`, or null where the server will refuse it. */
  // Cold: once per change of attributes
  #wantedBy(request: Frame): Attributes | null {
    const args = argumentsOf(request)
    const now = this.#queued ?? this.#now
    this.#wantedName = null
    if (request.code === RESET) {
      this.#wantedName = NO_NAME
      return this.#start()
    }
    if (request.code === AUTH) {
      if (args.length !== 2 && args.length !== 3) return null
      return { ...now, credentials: args.slice(1) }
    }
    if (request.code === SELECT) {
      const text = args[1]?.toString('latin1') ?? ''
      return args.length === 2 && /^\d{1,9}$/.test(text) ? { ...now, database: Number(text) } : null
    }
    return request.code === HELLO ? this.#wantedByHello(args, now) : null
  }

  // Cold: once per change of attributes
  #wantedByHello(args: readonly Buffer[], now: Attributes): Attributes | null {
    const hello = helloOf(args)
    if (hello === null) return null
    this.#wantedName = hello.name
    return { ...now, resp: hello.resp ?? now.resp, credentials: hello.credentials ?? now.credentials }
  }

  #granted(exchange: Exchange, reply: Frame): boolean {
    if (reply.kind === ERROR) return false
    if (reply.kind === SIMPLE && !isOk(reply) && exchange.request.code !== RESET) {
      // QUEUED in a transaction.
      this.#queued = this.#wanted
      this.#queuedName = this.#wantedName ?? this.#queuedName
      return false
    }
    if (exchange.request.code === HELLO && (reply.kind === MAP || reply.kind === ARRAY))
      exchange.response = withConnectionId(reply, this.#id)
    this.#queued = this.#queuedName = null
    return this.#set(this.#wanted, this.#wantedName)
  }

  /** True: the key changed. `name` null: it stays. */
  #set(attributes: Attributes, name: Buffer | null): boolean {
    const before = this.key
    this.#name = name ?? this.#name
    this.#now = attributes
    this.key = keyOf(attributes)
    return this.key !== before
  }

  /** What CLIENT GETNAME is to say where the server, which may know another session's name, said `reply`. */
  #nameReply(reply: Frame): Frame {
    const name = this.#name
    if (name !== null && name.length > 0) return rawFrame(`$${name.length}\r\n${name.toString('latin1')}\r\n`, BULK)
    if (reply.kind === NULL || isNull(reply)) return reply
    return this.#now.resp === 3 ? rawFrame('_\r\n', NULL) : rawFrame('$-1\r\n', BULK)
  }
}

function isNull(reply: Frame): boolean {
  return reply.bytes[reply.start + 1] === 0x2d
}

/** Does it begin an HTTP request? A browser that a page made send one must not reach the commands in its body. */
// Cold: for unknown commands
function isHttp(request: Frame): boolean {
  const word = argument(request, 0)
  return word !== null && HTTP_WORDS.includes(word.toString('latin1').toLowerCase())
}

function isOk(reply: Frame): boolean {
  return reply.end - reply.start === 5 && reply.bytes[reply.start + 1] === 0x4f
}

/** XREAD and XREADGROUP wait only where BLOCK stands before STREAMS. */
function blocks(request: Frame): boolean {
  if (request.code !== XREAD && request.code !== XREADGROUP) return true
  const args = argumentsOf(request)
  for (let i = 1; i < args.length; i++) {
    const word = args[i]!.toString('latin1').toUpperCase()
    if (word === 'BLOCK') return true
    if (word === 'STREAMS') return false
  }
  return false
}
