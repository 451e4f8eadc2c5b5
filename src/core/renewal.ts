import type { Timer } from '../world/world.ts'
import type { Session } from './session.ts'
import type { Source } from './source.ts'

/** Sessions that are looked at first, or given their stages, at one go: making instances takes time, and others have theirs. */
const AT_ONCE = 64
/** So often those that are held are looked at: at first, from the second step on, and once it is clear that they wait for something. */
const LOOK_MS = [1, 10, 50] as const
const LOOK_STEPS_MS = [50, 1000] as const
/** So long a session is held whose requests need not wait for one another; then it goes on as it is. */
const HOLD_MS = 250
/** It is held again after so long; each further time after twice as long, up to the last. */
const AGAIN_FIRST_MS = 1000
const AGAIN_LAST_MS = 60_000

/**
 * Brings the sessions of a source to its present stages, at a boundary that it makes: a session takes no further request, what it has
 * under way ends, its stages are changed, it goes on. A client that always has requests in flight would never offer one. Where replies
 * come in the order of requests, what is held would have had to wait for the reply before it in any case.
 */
export class Renewal {
  readonly #source: Source
  readonly #done: () => void
  /** Not looked at yet. */
  readonly #fresh: Set<Session>
  readonly #held = new Set<Session>()
  /** Held for long enough, for now. */
  readonly #later = new Set<Session>()
  readonly #since: number
  #holdUntil: number
  #againMs = AGAIN_FIRST_MS
  #againAt = Infinity
  #timer: Timer | null = null

  constructor(source: Source, done: () => void) {
    this.#source = source
    this.#done = done
    this.#fresh = new Set(source.sessions)
    this.#since = source.world.clock.now()
    this.#holdUntil = this.#since + HOLD_MS
    this.#look()
  }

  /** Sessions keep the stages that they have. */
  close(): void {
    this.#timer?.cancel()
    for (const session of this.#held) session.hold(false)
    this.#held.clear()
  }

  #look(): void {
    const now = this.#source.world.clock.now()
    if (now >= this.#againAt) this.#holdAgain(now)
    this.#lookAtHeld(now)
    this.#lookAtFresh()
    if (this.#later.size !== 0 && this.#againAt === Infinity) this.#againAt = now + this.#againMs
    if (this.#fresh.size + this.#held.size + this.#later.size === 0) this.#done()
    else this.#timer = this.#source.world.clock.after(this.#pause(now), () => this.#look())
  }

  #pause(now: number): number {
    const step = LOOK_STEPS_MS.filter((ms) => now - this.#since >= ms).length
    const again = this.#againAt - now
    if (this.#fresh.size !== 0) return LOOK_MS[0]
    return this.#held.size === 0 ? again : Math.min(LOOK_MS[step]!, again)
  }

  #lookAtHeld(now: number): void {
    let left = AT_ONCE
    for (const session of this.#held) {
      if (left === 0) return
      if (this.#isOver(session)) {
        left--
        this.#held.delete(session)
      } else if (now >= this.#holdUntil && !this.#mayWait(session)) {
        session.hold(false)
        this.#held.delete(session)
        this.#later.add(session)
      }
    }
  }

  #lookAtFresh(): void {
    let left = AT_ONCE
    for (const session of this.#fresh) {
      if (left-- === 0) return
      this.#fresh.delete(session)
      if (this.#isOver(session)) continue
      session.hold(true)
      this.#held.add(session)
    }
  }

  #holdAgain(now: number): void {
    this.#holdUntil = now + HOLD_MS
    this.#againAt = Infinity
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_LAST_MS)
    for (const session of this.#later) {
      session.hold(true)
      this.#held.add(session)
    }
    this.#later.clear()
  }

  /** Nothing that it is kept from could go on without what it waits for; no stage waits for more requests. */
  #mayWait({ info, chain }: Session): boolean {
    return info.protocol.orderToClient === 'request-order' && chain.held === 0
  }

  /** It has its new stages, or is gone, or keeps those it has because it can't be given others. */
  #isOver(session: Session): boolean {
    if (!this.#source.sessions.has(session)) return true
    if (!session.isQuiet) return false
    try {
      session.chain.adopt(this.#source.chain)
    } catch (error) {
      session.info.log.error('a session keeps the stages that it has, since it could not be given new ones', {
        error: error instanceof Error ? error.stack : String(error),
      })
    }
    session.hold(false)
    return true
  }
}
