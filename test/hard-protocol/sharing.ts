import type { Exchange } from '../../src/core/exchange.ts'
import type { Frame } from '../../src/core/frame.ts'
import {
  PLAN_ALONE,
  PLAN_ANSWER,
  PLAN_ATTRIBUTE,
  PLAN_BLOCK,
  PLAN_PIN,
  PLAN_SHARE,
  type Greeting,
  type Sharing,
} from '../../src/core/sharing.ts'
import {
  BEGIN,
  CANCEL,
  COMMIT,
  encode,
  HEADER_BYTES,
  HELLO,
  KEY,
  KIND_NAMES,
  NOTE,
  OK,
  STEP,
  SUBSCRIBE,
  SWITCH,
  SYNC,
  TAIL,
  UNSUBSCRIBE,
  USE,
  WAIT,
} from './format.ts'
import { payloadOf } from './protocol.ts'
import { replyFrame } from './leaving.ts'
import type { ServerWire } from './wire-server.ts'

const NOTE_ATTRIBUTE = 1

interface Attributes {
  readonly isWrapped: boolean
  readonly space: number
}

const PLANS: Readonly<Record<number, number>> = {
  [STEP]: PLAN_PIN,
  [SYNC]: PLAN_PIN,
  [SUBSCRIBE]: PLAN_PIN,
  [UNSUBSCRIBE]: PLAN_PIN,
  [BEGIN]: PLAN_PIN,
  [COMMIT]: PLAN_PIN,
  [TAIL]: PLAN_ALONE,
  [WAIT]: PLAN_BLOCK,
}

/** The sessions of one pool by the key that their clients know. */
export type Registry = Map<string, HardSharing>

/** How sessions of the hard protocol share connections. */
export class HardSharing implements Sharing {
  readonly #id: string
  /** Else requests take effect in their order. */
  readonly #hasStreams: boolean
  readonly #registry: Registry
  #now: Attributes = { isWrapped: false, space: 0 }
  #wanted: Attributes = this.#now
  /** What another session may cancel. */
  #waits: Exchange | null = null

  constructor(id: string, hasStreams: boolean, registry: Registry) {
    this.#id = id
    this.#hasStreams = hasStreams
    this.#registry = registry
    registry.set(id, this)
  }

  get key(): string {
    return keyOf(this.#now)
  }

  handshake(): Greeting {
    return greet(this.#now)
  }

  dress(): Frame[] {
    return []
  }

  undress(): Frame[] {
    return []
  }

  plan(exchange: Exchange, pinned: boolean): number {
    const { request } = exchange
    if (request.kind === HELLO) {
      exchange.response = replyFrame(KEY, this.#id, request.stream)
      if (!pinned && request.size > HEADER_BYTES) this.#now = { ...this.#now, space: Number(payloadOf(request)) }
      return PLAN_ANSWER
    }
    if (request.kind === CANCEL) return this.#planCancel(exchange)
    if (request.kind === WAIT) this.#waits = exchange
    if (request.kind === NOTE) return this.#hasStreams ? PLAN_SHARE : PLAN_ALONE
    if (request.kind !== SWITCH && request.kind !== USE) return PLANS[request.kind] ?? PLAN_SHARE
    this.#wanted =
      request.kind === SWITCH ? { ...this.#now, isWrapped: true } : { ...this.#now, space: Number(payloadOf(request)) }
    exchange.note = NOTE_ATTRIBUTE
    return PLAN_ATTRIBUTE
  }

  /** The client names a session; what it waits for stands on another connection, which the server knows by another name. */
  #planCancel(exchange: Exchange): number {
    const { request } = exchange
    const session = this.#registry.get(payloadOf(request))
    const named = session === undefined ? null : session.#waits
    if (named === null || named.upstream === null) return PLAN_ANSWER
    const { key } = named.upstream.wire as ServerWire
    if (key === '') return PLAN_ANSWER
    named.upstream.aimedAt = true
    const bytes = encode(CANCEL, key, request.stream)
    request.edits = [{ start: 4, end: request.end - request.start, bytes: bytes.subarray(4) }]
    return PLAN_ALONE
  }

  hasReply({ request }: Exchange): boolean {
    return request.kind !== NOTE && request.kind !== CANCEL && request.kind !== STEP
  }

  reason({ request }: Exchange): string {
    return KIND_NAMES[request.kind]!
  }

  target(): string {
    return keyOf(this.#wanted)
  }

  replied(exchange: Exchange): boolean {
    if (exchange.note !== NOTE_ATTRIBUTE || exchange.response!.kind !== OK) return false
    this.#now = this.#wanted
    return true
  }
}

/** Each step needs the reply to the one before: after SWITCH nothing can be written in the old way. */
function* greet({ isWrapped, space }: Attributes): Greeting {
  expect(KEY, yield [replyFrame(HELLO, '', 0)])
  if (isWrapped) expect(OK, yield [replyFrame(SWITCH, '', 0)])
  if (space !== 0) expect(OK, yield [replyFrame(USE, String(space), 0)])
}

function keyOf({ isWrapped, space }: Attributes): string {
  return `${isWrapped ? 'wrapped' : 'plain'} ${space}`
}

function expect(kind: number, replies: readonly Frame[]): void {
  for (const reply of replies) if (reply.kind !== kind) throw new Error(`the server refused: ${payloadOf(reply)}`)
}
