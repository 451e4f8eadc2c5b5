import type { Frame } from '../../core/frame.ts'
import { ReplyScan } from './reply-scan.ts'
import { BULK_ERROR, CR, ERROR } from './resp.ts'

/** What EXEC's reply tells of one queued command: `last` is false while further confirmations of it are to come. */
export interface TransactionEffects {
  /** Confirmations that a queued command gives when it is executed now; 1 for other commands. */
  expected(effect: number, count: number): number
  /** It is taken to have succeeded. */
  assumed(effect: number, count: number): void
  /** One of its values came. */
  executed(effect: number, count: number, failed: boolean, bytes: Buffer, start: number): void
}

/**
 * What was queued since MULTI and does something to the connection. EXEC answers with one value a command, but with one a channel
 * for SUBSCRIBE and its kin: those that go beyond the announced count come as replies of their own behind it.
 */
export class Transaction {
  #queued = 0
  /** Index, effect and count of each queued command that has an effect. */
  #effects: number[] = []
  #next = 0
  /** Index of the command whose value comes next, while EXEC's values are read. */
  #at = 0
  /** Values that it still gives; 0: not asked yet. */
  #left = 0
  /** Replies to come of which nothing but the number is known. */
  #uncounted = 0

  clear(): void {
    this.#queued = this.#next = this.#at = this.#left = this.#uncounted = 0
    if (this.#effects.length > 0) this.#effects = []
  }

  queue(effect: number, count: number): void {
    if (effect !== 0) this.#effects.push(this.#queued, effect, count)
    this.#queued++
  }

  /** Reads EXEC's reply. True: values of it are to come as further replies. */
  begin(reply: Frame, to: TransactionEffects): boolean {
    if (this.#effects.length === 0) return false
    if (!reply.whole) {
      this.#uncounted = this.assume(to)
      return this.#uncounted > 0
    }
    const { bytes, end } = reply
    const scan = new ReplyScan()
    let header = reply.start
    while (bytes[header] !== CR) header++
    scan.move(header + 2)
    while (this.#at < this.#queued && scan.resume(bytes, end)) {
      const start = scan.from
      this.#value(scan.take(bytes, true, 0).kind, bytes, start, to)
    }
    return this.#at < this.#queued
  }

  /** Reads a value that came as a reply of its own. True: more are to come. */
  further(reply: Frame, to: TransactionEffects): boolean {
    if (this.#uncounted > 0) return --this.#uncounted > 0
    this.#value(reply.kind, reply.bytes, reply.start, to)
    return this.#at < this.#queued
  }

  /**
   * The values were not seen, because there are no replies or EXEC's came in parts: all is taken to have succeeded. Returns how
   * many replies there are beyond those that EXEC announces.
   */
  assume(to: TransactionEffects): number {
    let more = 0
    for (let i = 0; i < this.#effects.length; i += 3) {
      const effect = this.#effects[i + 1]
      const count = this.#effects[i + 2]
      more += to.expected(effect, count) - 1
      to.assumed(effect, count)
    }
    return more
  }

  #value(kind: number, bytes: Buffer, start: number, to: TransactionEffects): void {
    const at = this.#next
    if (this.#effects[at] !== this.#at) {
      this.#at++
      return
    }
    const effect = this.#effects[at + 1]
    const count = this.#effects[at + 2]
    const failed = kind === ERROR || kind === BULK_ERROR
    if (this.#left === 0) this.#left = failed ? 1 : to.expected(effect, count)
    to.executed(effect, count, failed, bytes, start)
    if (--this.#left > 0) return
    this.#at++
    this.#next += 3
  }
}
