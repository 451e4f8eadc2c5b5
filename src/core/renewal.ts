import type { Timer } from '../world/world.ts'
import type { Session } from './session.ts'
import type { Source } from './source.ts'

/** Sessions that are looked at at once: making instances takes time, and others have theirs. */
const AT_ONCE = 64
/** So often those that are held are looked at. */
const LOOK_MS = 1
/** A session that does not become quiet within this time, because a reply takes long, goes on as it is. */
const HOLD_MS = 250
/** It is held again after so long; each further time after twice as long, up to the last. */
const AGAIN_FIRST_MS = 1000
const AGAIN_LAST_MS = 60_000

/**
 * Brings the sessions of a source to its present stages, at a boundary that it makes: a session takes no further request, what it has
 * under way ends, its stages are changed, it goes on. A client that always has requests in flight would never offer one.
 */
export class Renewal {
  readonly #source: Source
  readonly #done: () => void
  /** To be renewed, and not held. */
  readonly #waiting: Set<Session>
  readonly #held = new Set<Session>()
  #againMs = AGAIN_FIRST_MS
  #holdUntil: number
  #timer: Timer | null = null

  constructor(source: Source, done: () => void) {
    this.#source = source
    this.#done = done
    this.#waiting = new Set(source.sessions)
    this.#holdUntil = source.world.clock.now() + HOLD_MS
    this.#look()
  }

  /** Sessions keep the stages that they have. */
  close(): void {
    this.#timer?.cancel()
    this.#release()
    this.#waiting.clear()
  }

  #look(): void {
    for (const session of this.#held) if (this.#isOver(session)) this.#held.delete(session)
    for (const session of this.#waiting) {
      if (this.#held.size >= AT_ONCE) break
      this.#waiting.delete(session)
      if (this.#isOver(session)) continue
      session.hold(true)
      this.#held.add(session)
    }
    const { clock } = this.#source.world
    if (this.#held.size === 0) {
      this.#done()
      return
    }
    const isLate = clock.now() >= this.#holdUntil
    const ms = isLate ? this.#againMs : LOOK_MS
    if (isLate) this.#release()
    this.#timer = clock.after(ms, () => {
      if (isLate) this.#holdUntil = clock.now() + HOLD_MS
      this.#look()
    })
  }

  #release(): void {
    for (const session of this.#held) {
      session.hold(false)
      this.#waiting.add(session)
    }
    this.#held.clear()
    this.#againMs = Math.min(this.#againMs * 2, AGAIN_LAST_MS)
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
