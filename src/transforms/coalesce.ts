// Hot path
import type { Batch, Exchange } from '../core/exchange.ts'
import { transform, type Env } from '../core/kind.ts'
import type { Link, Transform } from '../core/transform.ts'
import type { Clock, Timer } from '../world/world.ts'

const DOCS = 'Check https://shotover.io/docs/latest/transforms.html#coalesce for more information.'

/** The requests of one session that wait to go on together. */
class Waiting implements Transform {
  readonly holds = true
  readonly #countMax: number
  /** Infinity: time does not matter. */
  readonly #everyMs: number
  readonly #bytesMax: number
  readonly #clock: Clock
  /** When they last went on, or would have. */
  #restartMs: number
  #batch: Batch = []
  #bytes = 0
  #timer: Timer | null = null

  constructor(countMax: number, everyMs: number, { world, limits }: Env) {
    this.#countMax = countMax
    this.#everyMs = everyMs
    this.#bytesMax = limits.sessionUnsentBytes
    this.#clock = world.clock
    this.#restartMs = world.clock.now()
  }

  get held(): number {
    return this.#batch.length
  }

  onRequests(batch: Batch, link: Link): void {
    let isLarge = false
    for (let i = 0; i < batch.length; i++) {
      this.#batch.push(batch[i]!)
      this.#bytes += batch[i]!.request.announced
      if (batch[i]!.requestParts !== null) isLarge = true
    }
    const count = this.#batch.length
    // What comes behind the head of a large request fills the session's memory, until nothing more can come.
    if (isLarge || count >= this.#countMax || this.#bytes >= this.#bytesMax) this.#flush(link)
    else if (this.#everyMs !== Infinity) this.#timer ??= link.after(() => this.#flush(link), this.#msLeft())
  }

  onCancel(exchange: Exchange): void {
    const at = this.#batch.indexOf(exchange)
    if (at < 0) return
    this.#batch.splice(at, 1)
    this.#bytes -= exchange.request.announced
  }

  onFlush(link: Link): void {
    this.#flush(link)
  }

  close(): void {
    this.#timer?.cancel()
    this.#batch = []
  }

  /** Until the flush after next restart: one is due every so often, whether anything waits or not. */
  #msLeft(): number {
    const periods = Math.floor((this.#clock.now() - this.#restartMs) / this.#everyMs)
    this.#restartMs += periods * this.#everyMs
    return this.#restartMs + this.#everyMs - this.#clock.now()
  }

  #flush(link: Link): void {
    this.#timer?.cancel()
    this.#timer = null
    this.#restartMs = this.#clock.now()
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    this.#bytes = 0
    link.forward(batch)
  }
}

/** Keeps requests until so many are there, or for so long, and sends them on together. */
export const coalesce = transform({
  type: 'Coalesce',
  doc: 'Keeps requests back until so many are there, or for so long, and sends them on together. Replies come once they were sent.',
  options: (z) =>
    z
      .strictObject({
        flush_when_buffered_message_count: z
          .int()
          .nonnegative()
          .optional()
          .describe(
            'Requests of one client that go on together, or fewer that have `session_unsent_bytes`. Without the other field a client that sends fewer waits until it leaves.',
          ),
        flush_when_millis_since_last_flush: z
          .int()
          .nonnegative()
          .optional()
          .describe('Milliseconds from one time that what is there goes on to the next; more than 0.'),
      })
      .superRefine((options, context) => {
        const { flush_when_buffered_message_count: count, flush_when_millis_since_last_flush: millis } = options
        const refuse = (message: string) => context.addIssue({ code: 'custom', message })
        if (count === undefined && millis === undefined)
          refuse(
            `Need to provide at least one of these fields:\n* flush_when_buffered_message_count\n* flush_when_millis_since_last_flush\n\nBut none of them were provided.\n${DOCS}`,
          )
        else if (millis === 0) refuse(`flush_when_millis_since_last_flush must be greater than 0 when set.\n${DOCS}`)
      }),
  example: { flush_when_buffered_message_count: 100, flush_when_millis_since_last_flush: 10 },
  create(options, env) {
    const countMax = options.flush_when_buffered_message_count ?? Infinity
    const everyMs = options.flush_when_millis_since_last_flush ?? Infinity
    return () => new Waiting(countMax, everyMs, env)
  },
})
