// Hot path
import type { Exchange } from '../../core/exchange.ts'
import { FRAME_HEAD, FRAME_LAST, type Frame } from '../../core/frame.ts'
import { MATCH_DROP, MATCH_PART, MATCH_PUSH, MATCH_REPLY, ProtocolError } from '../../core/protocol.ts'
import type { ServerSideWire } from '../../core/protocol.ts'
import { WORD_MESSAGE, wordOf } from './confirmation.ts'
import { Cutter } from './cutter.ts'
import {
  DIRTY_MULTI,
  DIRTY_SUBSCRIBED,
  EFFECT_ATTRIBUTE,
  EFFECT_DISCARD,
  EFFECT_EXEC,
  EFFECT_MULTI,
  EFFECT_NONE,
  EFFECT_REPLICATION,
  EFFECT_REPLY_OFF,
  EFFECT_REPLY_ON,
  EFFECT_REPLY_SKIP,
  EFFECT_RESET,
  EFFECT_SHUTDOWN,
  EFFECT_SUBSCRIBE,
  EFFECT_SUNSUBSCRIBE,
  OPAQUE_BYTES,
  OPAQUE_MONITOR,
  commandEffect,
  effectCount,
  effectOf,
} from './effects.ts'
import { nameIn } from './hello.ts'
import { InFlight } from './in-flight.ts'
import { ReplyScan } from './reply-scan.ts'
import { ARRAY, PUSH, SIMPLE } from './resp.ts'
import { SessionState } from './session-state.ts'

/** Set on the effect of a request that gets no reply. */
const SILENT = 0x80

const REPLIES_ON = 0
const REPLIES_OFF = 1
/** The next request gets no reply. */
const REPLIES_SKIP = 2

/** Cuts what a server sends into replies, says which request each answers, and follows what state the connection is in. */
export class ServerWire implements ServerSideWire {
  matched = MATCH_DROP
  readonly session = new SessionState()
  /** A name was sent to it, and no request since that surely takes it away. */
  mayBearName = false
  readonly #cutter: Cutter
  readonly #inFlight = new InFlight()
  /** Those among what was taken out that never had a reply. */
  readonly #unanswered: Exchange[] = []
  /** A message came in part: what its further frames are. */
  #partsAre = MATCH_DROP
  /** The exchange that a reply in parts answers, which is in flight no more; null: none, or nobody waits for it. */
  #answering: Exchange | null = null
  #inParts = false
  /** The oldest exchange has several replies, and so many are still to come; 0: its first did not come. */
  #left = 0
  /** As requests are sent: does the next one get a reply, and is it in a transaction? */
  #replies = REPLIES_ON
  #inTransaction = false

  constructor(cutThroughBytes: number) {
    this.#cutter = new Cutter(new ReplyScan(), cutThroughBytes)
  }

  get pending(): number {
    return this.#cutter.pending
  }

  get inFlight(): number {
    return this.#inFlight.length + (this.#inParts && this.#left === 0 && this.#partsAre !== MATCH_PUSH ? 1 : 0)
  }

  state(): number {
    return this.session.wireState
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#cutter.push(bytes, start, end)
  }

  next(): Frame | null {
    if ((this.session.bits & OPAQUE_BYTES) !== 0 && !this.#inParts) return this.#cutter.takeRaw()
    return this.#cutter.next()
  }

  keep(): void {
    this.#cutter.keep()
  }

  eof(): Frame | null {
    if (this.#cutter.isTorn) throw new ProtocolError('the server closed the connection inside a reply')
    return null
  }

  sent(exchange: Exchange): void {
    if (commandEffect[exchange.request.code] === EFFECT_NONE && this.#replies === REPLIES_ON)
      this.#inFlight.push(exchange, EFFECT_NONE, 0)
    else this.#sentWithEffect(exchange)
  }

  match(frame: Frame): Exchange | null {
    const { flags, kind } = frame
    if ((flags & FRAME_HEAD) === 0) return this.#matchPart(frame)
    const inFlight = this.#inFlight
    let exchange: Exchange | null
    if (kind !== PUSH && this.session.bits === 0 && inFlight.length > 0 && inFlight.effect === EFFECT_NONE) {
      exchange = inFlight.shift()
      this.matched = exchange === null ? MATCH_DROP : MATCH_REPLY
    } else {
      exchange = this.#matchWithState(frame)
    }
    if ((flags & FRAME_LAST) === 0) {
      this.#inParts = true
      this.#answering = exchange
      this.#partsAre = this.matched === MATCH_REPLY ? MATCH_PART : this.matched
    }
    return exchange
  }

  silent(): Exchange | null {
    const inFlight = this.#inFlight
    if (this.#unanswered.length > 0) return this.#unanswered.shift()!
    while (inFlight.length > 0) {
      const { effect, count } = inFlight
      if ((this.session.bits & OPAQUE_BYTES) === 0) {
        if ((effect & SILENT) === 0 && effect !== EFFECT_REPLICATION) return null
        if ((effect & SILENT) !== 0) this.session.silent(effect & ~SILENT, count)
        else this.session.bits |= OPAQUE_BYTES
      }
      const exchange = inFlight.shift()
      if (exchange !== null) return exchange
    }
    return null
  }

  abandon(exchange: Exchange): void {
    if (this.#answering === exchange) {
      this.#answering = null
      this.#partsAre = MATCH_DROP
    }
    this.#inFlight.abandon(exchange)
  }

  waiting(): Exchange[] {
    const all: Exchange[] = []
    if (this.#answering !== null && this.#answering !== this.#inFlight.first) all.push(this.#answering)
    this.#inFlight.list(all)
    return all
  }

  takeAll(): Exchange[] {
    const all: Exchange[] = []
    if (this.#answering !== null) all.push(this.#answering)
    this.#answering = null
    this.#inParts = false
    this.#left = 0
    while (this.#inFlight.length > 0) {
      const { effect } = this.#inFlight
      const isSilent = (effect & SILENT) !== 0 || effect === EFFECT_SHUTDOWN
      const exchange = this.#inFlight.shift()
      if (exchange !== null) (isSilent ? this.#unanswered : all).push(exchange)
    }
    return all
  }

  #matchPart(frame: Frame): Exchange | null {
    const exchange = this.#answering
    this.matched = this.#partsAre
    if (frame.flags & FRAME_LAST) {
      this.#inParts = false
      this.#answering = null
      // It ends one of several replies.
      if (this.#left > 0 && exchange !== null) frame.flags &= ~FRAME_LAST
    }
    return exchange
  }

  #sentWithEffect(exchange: Exchange): void {
    const effect = effectOf(exchange.request)
    const count = effectCount
    let isSilent = false
    // By now the server has said whether a MULTI, EXEC or DISCARD that was sent did what it was to do.
    if (this.#inFlight.length === 0) this.#inTransaction = (this.session.bits & DIRTY_MULTI) !== 0
    if (this.#replies !== REPLIES_ON) {
      const speaks = effect === EFFECT_REPLY_ON || (effect === EFFECT_RESET && this.#replies === REPLIES_OFF)
      isSilent = !speaks || (effect === EFFECT_REPLY_ON && this.#inTransaction)
      if (this.#replies === REPLIES_SKIP) this.#replies = REPLIES_ON
    }
    switch (effect) {
      case EFFECT_ATTRIBUTE:
        this.#followName(exchange.request)
        break
      case EFFECT_MULTI:
        this.#inTransaction = true
        break
      case EFFECT_EXEC:
      case EFFECT_DISCARD:
        this.#inTransaction = false
        break
      case EFFECT_RESET:
        this.#inTransaction = false
        this.#replies = REPLIES_ON
        break
      case EFFECT_REPLY_ON:
      case EFFECT_REPLY_OFF:
      case EFFECT_REPLY_SKIP:
        // In a transaction it is queued, with a reply, or refused.
        if (this.#inTransaction) break
        if (effect === EFFECT_REPLY_ON) this.#replies = REPLIES_ON
        else {
          isSilent = true
          if (effect === EFFECT_REPLY_OFF) this.#replies = REPLIES_OFF
          else if (this.#replies === REPLIES_ON) this.#replies = REPLIES_SKIP
        }
    }
    this.#inFlight.push(exchange, isSilent ? effect | SILENT : effect, count)
  }

  // Cold: once per change of attributes
  #followName(request: Frame): void {
    const name = nameIn(request)
    if (name !== null) this.mayBearName = name.length !== 0 || (this.mayBearName && this.#inTransaction)
  }

  /** The rare cases: pushes, and whatever happens while the connection carries state or the oldest request changes it. */
  #matchWithState(frame: Frame): Exchange | null {
    const { session } = this
    const { bits } = session
    const inFlight = this.#inFlight
    const effect = inFlight.length > 0 ? inFlight.effect : EFFECT_NONE
    if ((bits & OPAQUE_BYTES) !== 0) return this.#isPush()
    if (this.#left > 0 && effect === EFFECT_EXEC) return this.#matchFurther(frame)
    const { kind, bytes, start, end } = frame
    const isSubscription = effect >= EFFECT_SUBSCRIBE && effect <= EFFECT_SUNSUBSCRIBE
    let word = 0
    if (kind === PUSH || (kind === ARRAY && (isSubscription || (bits & DIRTY_SUBSCRIBED) !== 0))) {
      word = wordOf(bytes, start, end)
      if (isSubscription && word === effect) return this.#matchConfirmation(frame)
    }
    if (kind === PUSH || word !== 0) {
      // A confirmation that is no reply: a shard channel moved away, or the client has switched replies off.
      if (word !== 0 && word !== WORD_MESSAGE) session.confirmed(bytes, start)
      return this.#isPush()
    }
    if ((bits & OPAQUE_MONITOR) !== 0 && kind === SIMPLE && isMonitorLine(frame)) return this.#isPush()
    if (inFlight.length === 0) {
      // With one reply too many, every later one would be somebody else's.
      if (bits === 0) throw new ProtocolError('the server sent a reply that nobody asked for')
      return this.#isPush()
    }
    if (!session.replied(effect, inFlight.count, frame)) return this.#isReply(inFlight.shift())
    // EXEC of a SUBSCRIBE: more replies than it announced.
    this.#left = 1
    frame.flags &= ~FRAME_LAST
    return this.#isReply(inFlight.first)
  }

  /** One of the replies to a SUBSCRIBE, UNSUBSCRIBE or their kin. */
  #matchConfirmation(frame: Frame): Exchange | null {
    const inFlight = this.#inFlight
    const { effect, count } = inFlight
    const isFirst = this.#left === 0
    if (isFirst) this.#left = this.session.expected(effect, count)
    this.session.answered()
    if (frame.flags & FRAME_LAST) this.session.confirmed(frame.bytes, frame.start)
    else this.session.confirmedInPart(effect)
    this.#left--
    return this.#isOneOf(frame, isFirst)
  }

  /** A value of EXEC's that came as a reply of its own. */
  #matchFurther(frame: Frame): Exchange | null {
    this.#left = this.session.repliedFurther(frame) ? 1 : 0
    return this.#isOneOf(frame, false)
  }

  #isOneOf(frame: Frame, isFirst: boolean): Exchange | null {
    const exchange = this.#isReply(this.#left > 0 ? this.#inFlight.first : this.#inFlight.shift())
    if (exchange === null) return null
    if (this.#left > 0) frame.flags &= ~FRAME_LAST
    if (!isFirst) {
      frame.flags &= ~FRAME_HEAD
      this.matched = MATCH_PART
    }
    return exchange
  }

  #isReply(exchange: Exchange | null): Exchange | null {
    this.matched = exchange === null ? MATCH_DROP : MATCH_REPLY
    return exchange
  }

  #isPush(): null {
    this.matched = MATCH_PUSH
    return null
  }
}

/** `+1700000000.123456 [0 127.0.0.1:5000] "GET" "key"` */
function isMonitorLine(frame: Frame): boolean {
  const { bytes, start, end } = frame
  return /^\+\d+\.\d{6} \[/.test(bytes.toString('latin1', start, Math.min(end, start + 32)))
}
