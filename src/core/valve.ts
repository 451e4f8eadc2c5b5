// Hot path
import type { Connection } from '../world/world.ts'
import type { Budget } from './budget.ts'
import type { Limits } from './kind.ts'
import type { SourceStats } from './stats.ts'

/** Unparsed bytes at which reading stops while the server, not the client, is what the session waits for. */
const INPUT_BYTES_MAX = 256 * 1024

/** Stops and starts reading from one client, and charges what is held for it to the thread's budget. */
export class Valve {
  /** Bytes that are held for the client. */
  charged = 0
  readonly #connection: Connection
  readonly #limits: Limits
  readonly #budget: Budget
  readonly #stats: SourceStats
  #shut = false

  constructor(connection: Connection, limits: Limits, budget: Budget, stats: SourceStats) {
    this.#connection = connection
    this.#limits = limits
    this.#budget = budget
    this.#stats = stats
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
    } else if (this.#shut && input <= max / 2) {
      this.#shut = false
      this.#connection.resume()
    }
  }

  /** The client is gone: nothing is held for it. */
  close(): void {
    this.#budget.used -= this.charged
    this.charged = 0
    this.#shut = true
  }
}
