import type { Frame } from '../../core/frame.ts'
import { WIRE_CLEAN, WIRE_DIRTY, WIRE_OPAQUE } from '../../core/protocol.ts'
import { confirmedFamily, confirmedTotal } from './confirmation.ts'
import {
  DIRTY_ASKING,
  DIRTY_ATTRIBUTE,
  DIRTY_CAPA,
  DIRTY_IMPORT_SOURCE,
  DIRTY_MULTI,
  DIRTY_NO_EVICT,
  DIRTY_REPLY,
  DIRTY_SKIP,
  DIRTY_SUBSCRIBED,
  DIRTY_TRACKING,
  DIRTY_UNKNOWN,
  DIRTY_WATCH,
  EFFECT_ASKING,
  EFFECT_ATTRIBUTE,
  EFFECT_CLEAR,
  EFFECT_DEBUGGER,
  EFFECT_DISCARD,
  EFFECT_EXEC,
  EFFECT_MONITOR,
  EFFECT_MULTI,
  EFFECT_NONE,
  EFFECT_REPLY_OFF,
  EFFECT_REPLY_ON,
  EFFECT_REPLY_SKIP,
  EFFECT_RESET,
  EFFECT_SET,
  EFFECT_SSUBSCRIBE,
  EFFECT_SUBSCRIBE,
  EFFECT_SUNSUBSCRIBE,
  EFFECT_UNKNOWN,
  EFFECT_UNSUBSCRIBE,
  OPAQUE_BYTES,
  OPAQUE_MONITOR,
} from './effects.ts'
import { ARRAY, BULK_ERROR, ERROR, SIMPLE } from './resp.ts'
import { Transaction, type TransactionEffects } from './transaction.ts'

/** Stays when RESET clears the rest, at some server at least: Redis 7.0 keeps NO-EVICT. */
const KEPT_BY_RESET = DIRTY_CAPA | DIRTY_IMPORT_SOURCE | DIRTY_NO_EVICT | DIRTY_TRACKING | DIRTY_UNKNOWN | OPAQUE_BYTES

const UNKNOWN_COMMAND = Buffer.from('-ERR unknown ')
const QUEUED = Buffer.from('+QUEUED\r\n')

/**
 * What a server remembers of its client on one connection, learnt from its replies: they alone say when a transaction or a
 * subscription has really begun and ended. Where the client has switched replies off, success is assumed.
 */
export class SessionState implements TransactionEffects {
  /** DIRTY_... and OPAQUE_... bits; 0: nothing. */
  bits = 0
  /** Subscriptions to channels, patterns and shard channels. */
  readonly #subscriptions = [0, 0, 0]
  readonly #transaction = new Transaction()

  /** WIRE_CLEAN, WIRE_DIRTY or WIRE_OPAQUE. */
  get wireState(): number {
    if (this.bits === 0) return WIRE_CLEAN
    return this.bits & (OPAQUE_MONITOR | OPAQUE_BYTES) ? WIRE_OPAQUE : WIRE_DIRTY
  }

  /** Any reply came: what holds for one request only is over. */
  answered(): void {
    this.bits &= ~(DIRTY_ASKING | DIRTY_SKIP)
  }

  /** A reply to a request with this effect. True: more replies to it are to come. */
  replied(effect: number, count: number, reply: Frame): boolean {
    this.answered()
    if (this.bits & DIRTY_MULTI) {
      if (effect === EFFECT_EXEC) return this.#executed(reply)
      if (reply.kind === SIMPLE && startsWith(reply, QUEUED)) {
        this.#transaction.queue(effect, count)
        return false
      }
    }
    if (effect === EFFECT_NONE) return false
    const failed = reply.kind === ERROR || reply.kind === BULK_ERROR
    if (effect !== EFFECT_UNKNOWN) this.#apply(effect, count, failed)
    else if (!failed || !startsWith(reply, UNKNOWN_COMMAND)) this.bits |= DIRTY_UNKNOWN
    return false
  }

  /** A further reply to EXEC. True: more are to come. */
  repliedFurther(reply: Frame): boolean {
    return this.#transaction.further(reply, this)
  }

  /** A request without a reply was executed, presumably. */
  silent(effect: number, count: number): void {
    this.bits &= ~DIRTY_ASKING
    if (effect === EFFECT_EXEC) {
      this.#endTransaction()
      this.#transaction.assume(this)
      this.#transaction.clear()
    } else if ((this.bits & DIRTY_MULTI) !== 0 && effect !== EFFECT_DISCARD && effect !== EFFECT_RESET) {
      this.#transaction.queue(effect, count)
    } else if (effect >= EFFECT_SUBSCRIBE && effect <= EFFECT_SUNSUBSCRIBE) {
      // Confirmations come all the same and are counted then.
      if (effect <= EFFECT_SSUBSCRIBE) this.bits |= DIRTY_SUBSCRIBED
    } else {
      this.#assume(effect, count)
    }
  }

  /** Counts a confirmation, `subscribe` or one of its kin, that stands at `start`. */
  confirmed(bytes: Buffer, start: number): void {
    const family = confirmedFamily(bytes, start)
    if (family < 0) return
    const total = confirmedTotal(bytes, start)
    if (total < 0) return
    const counts = this.#subscriptions
    if (family === 2) counts[2] = total
    // The server tells the sum of channels and patterns.
    else counts[family] = Math.max(0, total - counts[1 - family])
    this.#subscribed()
  }

  /** Replies to a request: one a channel for SUBSCRIBE and its kin; UNSUBSCRIBE alone names all there are, or gives one. */
  expected(effect: number, count: number): number {
    if (effect > EFFECT_SUNSUBSCRIBE) return 1
    return count > 0 || effect < EFFECT_UNSUBSCRIBE
      ? count
      : Math.max(1, this.#subscriptions[effect - EFFECT_UNSUBSCRIBE])
  }

  /** A confirmation of which only the head came: it does not tell its number yet. */
  confirmedInPart(effect: number): void {
    if (effect < EFFECT_UNSUBSCRIBE) this.#assumeSubscribed(effect, 1)
  }

  assumed(effect: number, count: number): void {
    if (isReplyMode(effect)) this.bits |= DIRTY_UNKNOWN
    else if (effect >= EFFECT_SUBSCRIBE && effect <= EFFECT_SUNSUBSCRIBE) this.#assumeSubscribed(effect, count)
    else this.#assume(effect, count)
  }

  executed(effect: number, count: number, failed: boolean, bytes: Buffer, start: number): void {
    if (effect <= EFFECT_SUNSUBSCRIBE) {
      // What stands behind an error is not this command's.
      if (!failed) this.confirmed(bytes, start)
    }
    // The sink takes what stands in a transaction to have succeeded with it.
    else if (effect === EFFECT_ATTRIBUTE) this.bits |= failed ? DIRTY_ATTRIBUTE : 0
    else if (effect === EFFECT_UNKNOWN || isReplyMode(effect)) this.bits |= DIRTY_UNKNOWN
    else this.#apply(effect, count, failed)
  }

  #executed(reply: Frame): boolean {
    this.#endTransaction()
    const more = reply.kind === ARRAY && reply.bytes[reply.start + 1] !== 0x2d && this.#transaction.begin(reply, this)
    if (!more) this.#transaction.clear()
    return more
  }

  #endTransaction(): void {
    this.bits &= ~(DIRTY_MULTI | DIRTY_WATCH)
  }

  #apply(effect: number, count: number, failed: boolean): void {
    if (failed) return
    switch (effect) {
      case EFFECT_MULTI:
        this.bits |= DIRTY_MULTI
        break
      case EFFECT_DISCARD:
        this.#endTransaction()
        this.#transaction.clear()
        break
      case EFFECT_SET:
        this.bits |= count
        break
      case EFFECT_CLEAR:
        this.bits &= ~count
        break
      case EFFECT_ASKING:
        this.bits |= DIRTY_ASKING
        break
      case EFFECT_RESET:
        this.bits &= KEPT_BY_RESET
        this.#subscriptions.fill(0)
        this.#transaction.clear()
        break
      case EFFECT_MONITOR:
        this.bits |= OPAQUE_MONITOR
        break
      case EFFECT_DEBUGGER:
        this.bits |= OPAQUE_BYTES
        break
      case EFFECT_REPLY_ON:
        this.bits &= ~DIRTY_REPLY
        break
      case EFFECT_REPLY_OFF:
        this.bits |= DIRTY_REPLY
        break
      case EFFECT_REPLY_SKIP:
        this.bits |= DIRTY_SKIP
        break
    }
  }

  #assume(effect: number, count: number): void {
    if (effect === EFFECT_ATTRIBUTE) this.bits |= DIRTY_ATTRIBUTE
    else if (effect === EFFECT_UNKNOWN) this.bits |= DIRTY_UNKNOWN
    else this.#apply(effect, count, false)
    // The sink does not know that identity, name and database are the first ones again.
    if (effect === EFFECT_RESET) this.bits |= DIRTY_ATTRIBUTE
  }

  #assumeSubscribed(effect: number, count: number): void {
    const counts = this.#subscriptions
    if (effect < EFFECT_UNSUBSCRIBE) counts[effect - EFFECT_SUBSCRIBE] += count
    else if (count === 0) counts[effect - EFFECT_UNSUBSCRIBE] = 0
    this.#subscribed()
  }

  #subscribed(): void {
    const [channels, patterns, shardChannels] = this.#subscriptions
    if (channels + patterns + shardChannels > 0) this.bits |= DIRTY_SUBSCRIBED
    else this.bits &= ~DIRTY_SUBSCRIBED
  }
}

/** CLIENT REPLY: in a transaction it takes effect in the middle of EXEC's reply, and nobody can tell which replies follow. */
function isReplyMode(effect: number): boolean {
  return effect >= EFFECT_REPLY_ON && effect <= EFFECT_REPLY_SKIP
}

function startsWith(reply: Frame, text: Buffer): boolean {
  const { bytes, start, end } = reply
  return end - start >= text.length && bytes.compare(text, 0, text.length, start, start + text.length) === 0
}
