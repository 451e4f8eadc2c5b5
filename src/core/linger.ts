import type { Clock, Connection, Timer } from '../world/world.ts'
import type { Outbox } from './outbox.ts'

/** How long a peer may take for the last bytes, or for closing too, without any progress. */
const LINGER_MS = 5000

/** The end of a connection: the last bytes leave, then FIN; a peer that takes no more of them is not waited for. */
export class Linger {
  readonly #connection: Connection
  readonly #outbox: Outbox
  readonly #clock: Clock
  /** Waits for progress; it would hold what has ended in memory. */
  #timer: Timer | null = null

  constructor(connection: Connection, outbox: Outbox, clock: Clock) {
    this.#connection = connection
    this.#outbox = outbox
    this.#clock = clock
  }

  /** Everything was appended. Called again whenever the connection drained, until it is closed. */
  goOn(): void {
    this.#outbox.run()
    const left = this.#outbox.unsentBytes
    if (left === 0) {
      this.#connection.end()
      // Reading goes on, into nothing: a close with unread bytes would reset the connection and lose the last replies.
      this.#connection.resume()
    }
    this.#timer?.cancel()
    this.#timer = this.#clock.after(LINGER_MS, () => {
      if (left === 0 || this.#outbox.unsentBytes === left) this.#connection.destroy()
      else this.goOn()
    })
  }

  /** The connection is gone. */
  close(): void {
    this.#timer?.cancel()
  }
}
