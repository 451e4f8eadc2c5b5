// Hot path
import type { Clock, Connection, Timer } from '../world/world.ts'
import type { Budget } from './budget.ts'
import type { Limits } from './kind.ts'
import type { SourceStats } from './stats.ts'

/** Unparsed bytes at which reading stops while the server, not the client, is what the session waits for. */
const INPUT_BYTES_MAX = 256 * 1024

/** How often a client that is not read from is asked whether it is still there. */
const PROBE_MS = 5000

/** Stops and starts reading from one client, and charges what is held for it to the thread's budget. */
export class Valve {
  /** Bytes that are held for the client. */
  charged = 0
  readonly #connection: Connection
  readonly #limits: Limits
  readonly #budget: Budget
  readonly #stats: SourceStats
  readonly #clock: Clock
  #shut = false
  #timer: Timer | null = null

  constructor(connection: Connection, limits: Limits, budget: Budget, stats: SourceStats, clock: Clock) {
    this.#connection = connection
    this.#limits = limits
    this.#budget = budget
    this.#stats = stats
    this.#clock = clock
  }

  /** No more may be held for this client. */
  get full(): boolean {
    return this.charged > this.#limits.sessionBytesMax || this.#budget.exceeded
  }

  /** So many bytes for this client are more than may wait for anybody. */
  floods(unsent: number): boolean {
    const { sessionBytesMax, sessionUnsentBytes } = this.#limits
    return unsent > sessionBytesMax || (unsent > sessionUnsentBytes && this.#budget.exceeded)
  }

  /**
   * `input` bytes wait to be parsed, `unsent` to be taken. While it is the client that does not read (`stalled`) its requests are
   * read up to the session's bound: it may write all before it reads. While the server does not take the request that is arriving
   * (`jammed`) nothing is read: it would only lie here.
   */
  weigh(input: number, unsent: number, stalled: boolean, jammed: boolean): void {
    const { sessionBytesMax } = this.#limits
    this.#budget.used += input + unsent - this.charged
    this.charged = input + unsent
    let max = stalled && !this.full ? sessionBytesMax : Math.min(INPUT_BYTES_MAX, sessionBytesMax)
    if (jammed) max = -1
    if (!this.#shut && input > max) {
      this.#shut = true
      this.#stats.pauses++
      this.#connection.pause()
      this.#watch()
    } else if (this.#shut && input <= max / 2) {
      this.#shut = false
      this.#timer?.cancel()
      this.#connection.resume()
    }
  }

  /** The client is gone: nothing is held for it. */
  close(): void {
    this.#budget.used -= this.charged
    this.charged = 0
    this.#shut = true
    this.#timer?.cancel()
  }

  /** While nothing is read nobody hears that the client is gone. */
  // Cold: while a client is not read from
  #watch(): void {
    if (this.#connection.probe === undefined) return
    this.#timer = this.#clock.after(PROBE_MS, () => {
      this.#watch()
      this.#connection.probe!()
    })
  }
}
