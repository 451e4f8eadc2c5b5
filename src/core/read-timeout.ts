import type { Clock } from '../world/world.ts'
import { LostError } from './loss.ts'
import { READY, type Upstream } from './upstream.ts'

/** Most time between two looks, and how many there are in a time-out at least. */
const ROUND_MS_MAX = 1000
const ROUNDS = 4

/** What was heard on a connection, and since when nothing more; Infinity: nobody waits for anything. */
interface Mark {
  readonly heard: number
  readonly silentSince: number
}

/** Gives up connections of a pool on which replies are owed and no byte came for so long. */
export class ReadTimeout {
  readonly #clock: Clock
  readonly #upstreams: ReadonlySet<Upstream>
  readonly #ms: number
  #marks = new Map<Upstream, Mark>()
  #begun = false

  constructor(clock: Clock, upstreams: ReadonlySet<Upstream>, ms: number) {
    this.#clock = clock
    this.#upstreams = upstreams
    this.#ms = ms
  }

  /** There is a connection to look after. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#clock.after(Math.min(ROUND_MS_MAX, this.#ms / ROUNDS), () => this.#round())
  }

  #round(): void {
    this.#begun = false
    const now = this.#clock.now()
    const before = this.#marks
    this.#marks = new Map()
    for (const upstream of [...this.#upstreams]) {
      const waits = upstream.state === READY && upstream.inFlight > 0 && !upstream.paused
      const mark = this.#mark(waits, upstream.heardBytes, before.get(upstream))
      if (now - mark.silentSince < this.#ms) this.#marks.set(upstream, mark)
      else
        upstream.destroy(new LostError(`The other side of this connection did not respond within ${this.#ms / 1000}s`))
    }
    if (this.#upstreams.size !== 0) this.begin()
  }

  #mark(waits: boolean, heard: number, before: Mark | undefined): Mark {
    if (!waits) return { heard, silentSince: Infinity }
    const isSilent = before !== undefined && before.heard === heard && before.silentSince !== Infinity
    return isSilent ? before : { heard, silentSince: this.#clock.now() }
  }
}
