import { causesOf, withCauses } from '../base/errors.ts'
import type { Clock } from '../world/world.ts'
import type { Log } from './kind.ts'
import { ProtocolError } from './protocol.ts'

/** Least time between two warnings of one kind. */
const QUIET_MS = 10_000

/** What may be wrong, by the code of the system's error, for who reads the log. */
const HINTS: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there: does the server run, and is the address right?',
  ENOTFOUND: 'The name does not resolve: is it spelt right, and does this machine ask the right name server?',
  EAI_AGAIN: 'The name server did not answer.',
  ECONNRESET: 'The server, or what stands before it, ended the connection.',
  EHOSTUNREACH: 'This machine has no way there.',
  ENETUNREACH: 'This machine has no way there.',
  EMFILE: 'This process may not open more files: raise the limit (ulimit -n).',
}

/**
 * What the log has to say of one endpoint, by one line each time and not by one for each client: that its requests fail and why, that
 * it is silent, and that it is well again.
 */
export class EndpointLog {
  readonly #name: string
  readonly #log: Log
  readonly #clock: Clock
  /** Requests that failed and were not told of. */
  #failed = 0
  #error: Error | null = null
  /** Since when it fails, or Infinity. */
  #failsSince = Infinity
  #quiet = false
  #isSilent = false

  /** `name`: its address. */
  constructor(name: string, log: Log, clock: Clock) {
    this.#name = name
    this.#log = log
    this.#clock = clock
  }

  /** So many requests of sessions that go on were answered with an error. */
  failed(requests: number, error: Error): void {
    this.#failed += requests
    this.#error = error
    if (this.#failsSince === Infinity) this.#failsSince = this.#clock.now()
    if (!this.#quiet) this.#tellFailures()
  }

  #tellFailures(): void {
    this.#quiet = true
    this.#clock.after(QUIET_MS, () => {
      this.#quiet = false
      if (this.#failed !== 0) this.#tellFailures()
      else this.#tellRecovery()
    })
    const error = this.#error!
    const hint = hintFor(error)
    this.#log.warn(withCauses(`requests to ${this.#name} are answered with errors`, causesOf(error)), {
      requests: this.#failed,
      ...(hint === null ? {} : { hint }),
    })
    this.#failed = 0
  }

  #tellRecovery(): void {
    const seconds = Math.round((this.#clock.now() - this.#failsSince - QUIET_MS) / 1000)
    this.#failsSince = Infinity
    this.#log.info(`no request to ${this.#name} has failed for ${QUIET_MS / 1000} s`, { failed_for_seconds: seconds })
  }

  /** For so long it has not answered the oldest of so many requests. */
  silent(ms: number, requests: number): void {
    this.#isSilent = true
    const seconds = Math.round(ms / 1000)
    this.#log.warn(
      `${this.#name} does not answer: it is busy (a long command or script, a disk), stopped, or cut off. New requests go on a new connection`,
      { seconds, requests },
    )
  }

  /** It has answered. */
  answered(): void {
    if (!this.#isSilent) return
    this.#isSilent = false
    this.#log.info(`${this.#name} answers again`)
  }
}

function hintFor(error: Error): string | null {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if (at instanceof ProtocolError)
      return 'What it sends is no reply of this protocol: is it such a server, and does it want TLS?'
    const code = (at as NodeJS.ErrnoException).code
    if (code !== undefined && code in HINTS) return HINTS[code]!
  }
  return null
}
