import type { Clock } from '../world/world.ts'
import type { Exchange } from './exchange.ts'
import type { EndpointLog } from './endpoint-log.ts'
import { CLOSED, READY, type Upstream } from './upstream.ts'

/** How often connections are looked at, while there are any that nobody in particular looks after. */
const ROUND_MS = 1000
/** A connection that nobody has for himself, and that nobody used for so long, is closed. */
const IDLE_MS = 30_000
/**
 * A server may be silent for so long to those who share a connection before new requests stop waiting behind theirs. Doubled each
 * time, up to the second, until it speaks again.
 */
const SILENT_MS = 2000
/** Where replies come in any order nobody waits behind a slow one: there it is a sign that the server is cut off, and nothing else. */
const SILENT_ANY_ORDER_MS = 10_000
const SILENT_MS_MAX = 64_000
/** Silence that the log tells of. What a server works at so long (a schema, a save) is not unheard of. */
const TOLD_MS = 10_000

/** What was seen of a connection, and since when. */
interface Mark {
  activity: number
  usedSince: number
  oldest: Exchange | null
  heard: number
  waitsSince: number
  /** The log has told of it. */
  told: boolean
}

/** Looks after the connections of a pool that no session has for itself: those unused for long, and those that no reply comes on. */
export class Upkeep {
  readonly #clock: Clock
  readonly #upstreams: ReadonlySet<Upstream>
  /** Replies come in the order of requests; else the oldest may take its time while others are answered. */
  readonly #isOrdered: boolean
  readonly #log: EndpointLog
  readonly #retire: (upstream: Upstream) => void
  #marks = new Map<Upstream, Mark>()
  #silentMs: number
  #begun = false

  /** `retire`: nothing new goes on it, and it is closed as soon as nobody waits for anything there. */
  constructor(
    clock: Clock,
    upstreams: ReadonlySet<Upstream>,
    isOrdered: boolean,
    log: EndpointLog,
    retire: (upstream: Upstream) => void,
  ) {
    this.#clock = clock
    this.#upstreams = upstreams
    this.#isOrdered = isOrdered
    this.#silentMs = this.#silentMsFirst
    this.#log = log
    this.#retire = retire
  }

  get #silentMsFirst(): number {
    return this.#isOrdered ? SILENT_MS : SILENT_ANY_ORDER_MS
  }

  /** There is something to look after. */
  begin(): void {
    if (this.#begun) return
    this.#begun = true
    this.#clock.after(ROUND_MS, () => this.#round())
  }

  #round(): void {
    this.#begun = false
    const now = this.#clock.now()
    const before = this.#marks
    this.#marks = new Map()
    for (const upstream of [...this.#upstreams]) {
      if (upstream.pinnedTo !== null) continue
      const mark = before.get(upstream) ?? newMark(now)
      if (upstream.state === READY) this.#look(upstream, mark, now)
      if (upstream.state !== CLOSED) this.#marks.set(upstream, mark)
    }
    if (this.#marks.size !== 0) this.begin()
  }

  #look(upstream: Upstream, mark: Mark, now: number): void {
    const activity = upstream.sender.bytes
    const oldest = upstream.owed()[0] ?? null
    if (activity !== mark.activity) {
      mark.activity = activity
      mark.usedSince = now
    }
    const isAnswered = oldest !== mark.oldest || (!this.#isOrdered && upstream.heardBytes !== mark.heard)
    mark.heard = upstream.heardBytes
    if (isAnswered) {
      if (mark.oldest !== null) {
        this.#silentMs = this.#silentMsFirst
        this.#log.answered()
      }
      mark.oldest = oldest
      mark.waitsSince = now
      mark.told = false
    }
    const silentMs = now - mark.waitsSince
    if (oldest === null) {
      if (upstream.retired || now - mark.usedSince >= IDLE_MS) upstream.finish()
      return
    }
    if (silentMs >= TOLD_MS && !mark.told) {
      mark.told = true
      this.#log.silent(silentMs, upstream.owed().length)
    }
    if (upstream.shared && silentMs >= this.#silentMs) {
      this.#silentMs = Math.min(SILENT_MS_MAX, this.#silentMs * 2)
      this.#retire(upstream)
    }
  }
}

function newMark(now: number): Mark {
  return { activity: 0, usedSince: now, oldest: null, heard: 0, waitsSince: now, told: false }
}
