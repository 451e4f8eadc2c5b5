import type { Clock } from '../world/world.ts'
import { LostError } from './loss.ts'
import { READY, type Upstream } from './upstream.ts'

/** Most time between two looks, and how many there are in a time-out at least. */
const ROUND_MS_MAX = 1000
const ROUNDS = 4
/**
 * Where servers are asked whether they are there: time between two looks, and the looks at which one that says nothing is asked, counts as
 * gone, and is given up with what it owes. Looks are counted, and not time, so that a pause of the proxy's own is no silence of a server's.
 */
const LOOK_MS = 500
const ASKED = 2
const SILENT = 5
const GONE = 20

/** What was heard on a connection, and since when nothing more; Infinity: nobody waits for anything. */
interface Mark {
  readonly heard: number
  readonly silentSince: number
  /** Looks since then, and since the kernel took the last of what waits to be sent. */
  looks: number
  taken: number
}

export interface ReadTimeoutOptions {
  /** Silence after which a connection is given up; absent: any. */
  readonly timeoutMs?: number
  /** Servers that are silent are asked whether they are there, where `Wire.probe` can: this hears of those that do not answer. */
  readonly onSilent?: (upstream: Upstream) => void
}

/** Gives up connections of a pool on which replies are owed and no byte came for so long. */
export class ReadTimeout {
  readonly #clock: Clock
  readonly #upstreams: ReadonlySet<Upstream>
  readonly #ms: number
  readonly #onSilent: ((upstream: Upstream) => void) | null
  #marks = new Map<Upstream, Mark>()
  #begun = false

  constructor(clock: Clock, upstreams: ReadonlySet<Upstream>, { timeoutMs = Infinity, onSilent }: ReadTimeoutOptions) {
    this.#clock = clock
    this.#upstreams = upstreams
    this.#onSilent = onSilent ?? null
    this.#ms = timeoutMs
  }

  /** There is a connection to look after. */
  begin(): void {
    if (this.#begun || (this.#ms === Infinity && this.#onSilent === null)) return
    this.#begun = true
    const lookMs = this.#onSilent === null ? Math.min(ROUND_MS_MAX, this.#ms / ROUNDS) : LOOK_MS
    this.#clock.after(lookMs, () => this.#round())
  }

  #round(): void {
    this.#begun = false
    const now = this.#clock.now()
    const before = this.#marks
    this.#marks = new Map()
    for (const upstream of [...this.#upstreams]) {
      const waits = upstream.state === READY && upstream.inFlight > 0 && !upstream.paused
      const mark = this.#mark(waits, upstream.heardBytes, before.get(upstream))
      const isOver = now - mark.silentSince >= this.#ms
      if (!isOver) this.#marks.set(upstream, mark)
      if (isOver) giveUp(upstream, this.#ms)
      else if (this.#onSilent !== null && upstream.wire.probe !== undefined && waits) this.#look(upstream, mark)
    }
    if (this.#upstreams.size !== 0) this.begin()
  }

  #mark(waits: boolean, heard: number, before: Mark | undefined): Mark {
    const isSilent = before !== undefined && before.heard === heard && before.silentSince !== Infinity
    return waits && isSilent
      ? before
      : { heard, silentSince: waits ? this.#clock.now() : Infinity, looks: 0, taken: -1 }
  }

  #look(upstream: Upstream, mark: Mark): void {
    const { wire, sender } = upstream
    const taken = sender.takenBytes
    // It takes what is sent to it, as fast as the way there is.
    if (taken !== mark.taken && taken >= 0) {
      mark.taken = taken
      mark.looks = 0
      return
    }
    // The question would not leave.
    if (mark.looks < ASKED && (sender.busy || wire.inFlight >= (wire.depth ?? Infinity))) return
    mark.looks++
    if (mark.looks === ASKED) upstream.tell(wire.probe!())
    else if (mark.looks === SILENT) this.#onSilent!(upstream)
    else if (mark.looks === GONE) giveUp(upstream, GONE * LOOK_MS)
  }
}

function giveUp(upstream: Upstream, ms: number): void {
  upstream.destroy(new LostError(`The other side of this connection did not respond within ${ms / 1000}s`))
}
