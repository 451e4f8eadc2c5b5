import type { Timer } from '../world/world.ts'
import { PART_SLOW, PART_TAKEN, type Carrier, type Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Env } from './kind.ts'
import type { Pool } from './pool.ts'
import { CLOSED, type Upstream } from './upstream.ts'

/** A reply announced larger than this takes its upstream from the other sessions at once. */
const ISOLATE_BYTES = 1024 * 1024
/** What is left of a reply when its client turns out to be slow, and is read all the same. */
const READ_ON_BYTES = 4 * 1024 * 1024

/** The pace at which one session's large replies come: its client's, without holding up the other sessions. */
export class ReplyPace {
  /** Its replies were too large, or read too slowly, to share a connection with others. */
  bulky = false
  readonly #carrier: Carrier
  readonly #pool: Pool
  readonly #env: Env
  /** Bytes to come of the reply that is coming in parts, as far as it was announced. */
  #bytesLeft = 0
  #stall: Timer | null = null
  /** Not read from, because the session's client does not take what comes. */
  #pausing: Upstream | null = null

  constructor(carrier: Carrier, pool: Pool, env: Env) {
    this.#carrier = carrier
    this.#pool = pool
    this.#env = env
  }

  /** A reply began that comes in parts. */
  begin(exchange: Exchange, head: Frame): void {
    this.#bytesLeft = head.announced - (head.end - head.start)
    if (exchange.upstream?.shared === true && head.announced > ISOLATE_BYTES) this.#isolate(exchange.upstream)
  }

  /** A part of it went up, and `verdict` is what became of it. `close` ends the session. */
  part(upstream: Upstream, exchange: Exchange, part: Frame, verdict: number, close: () => void): void {
    this.#bytesLeft -= part.end - part.start
    if (part.flags & FRAME_LAST) {
      // One read may bring the part that was too much, and the last.
      exchange.onReplyDrain?.()
      return
    }
    if (verdict === PART_TAKEN) return
    this.#isolate(upstream)
    // Whichever reply stopped it lets it go on: it was stopped once.
    if (this.#pausing !== null) return
    // A short rest is read on, within the session's bound: then nothing is held up behind it, here or in the server.
    if (verdict === PART_SLOW && upstream.retired && this.#bytesLeft <= READ_ON_BYTES) return
    upstream.pause()
    this.#pausing = upstream
    const { world, limits } = this.#env
    this.#stall = world.clock.after(limits.stallMs, () => {
      if (upstream.wire.waiting().some((other) => other.carrier !== this.#carrier)) close()
    })
    exchange.onReplyDrain = () => {
      exchange.onReplyDrain = null
      this.release()
    }
  }

  /** The client takes more, or is gone. */
  release(): void {
    this.#stall?.cancel()
    const upstream = this.#pausing
    this.#pausing = null
    if (upstream === null || upstream.state === CLOSED) return
    upstream.resume()
    if (upstream.retired) upstream.retire()
  }

  /** From now on this session's replies come on upstreams of its own. */
  #isolate(upstream: Upstream): void {
    this.bulky = true
    if (upstream.shared) this.#pool.isolate(upstream)
  }
}
