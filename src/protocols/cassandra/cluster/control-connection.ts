import { causesOf } from '../../../base/errors.ts'
import type { Frame } from '../../../core/frame.ts'
import type { Log } from '../../../core/kind.ts'
import { GreetingError } from '../../../core/loss.ts'
import type { Pool } from '../../../core/pool.ts'
import type { Address, Timer, World } from '../../../world/world.ts'
import type { Login } from '../greeting.ts'
import { Asking } from './asking.ts'
import { Logins } from './logins.ts'

/** A node that says nothing for long is asked whether it is there. */
const PROBE_MS = 10_000
/** Waits where no node can be had, doubling from the first to the second, more or less. */
const BACKOFF_FIRST_MS = 500
const BACKOFF_LAST_MS = 30_000

export interface ControlConnectionOptions {
  readonly world: World
  readonly log: Log
  pool(endpoint: Address): Pool
  /** Where to connect to, in this order; asked for each time that a connection was lost. */
  candidates(): readonly Address[]
  /** A connection may stand: finds out, and asks what there is to be asked first. Rejects where the next candidate is to be had. */
  begin(asking: Asking): Promise<void>
  onEvent(event: Frame): void
}

/** One connection of the proxy's own to some node of the cluster, and then to another one where it is lost. */
export class ControlConnection {
  readonly #options: ControlConnectionOptions
  readonly #logins = new Logins()
  /** Null: none stands. */
  asking: Asking | null = null
  #probe: Timer | null = null
  /** Ends a wait for the next attempt. */
  #wake: (() => void) | null = null
  isClosed = false

  constructor(options: ControlConnectionOptions) {
    this.#options = options
  }

  /** A node at `near` has let a client in with this; the first of these begins it all. */
  loggedIn(login: Login, near: Address): void {
    if (this.isClosed) return
    const isFirst = this.#logins.all.length === 0
    const isNew = this.#logins.add(login)
    if (isFirst) void this.#run(near)
    else if (isNew) this.#wake?.()
  }

  close(): void {
    this.isClosed = true
    this.#letGo()
    this.#wake?.()
  }

  async #run(near: Address): Promise<void> {
    const { log, world } = this.#options
    let backoffMs = BACKOFF_FIRST_MS
    let candidates = [near, ...this.#options.candidates()]
    while (!this.isClosed) {
      const { error, stood } = await this.#converse(candidates)
      if (this.isClosed) return
      log.error(`topology task failed, retrying, ${causesOf(error).join(': ')}`)
      if (stood) backoffMs = BACKOFF_FIRST_MS
      else {
        await this.#pause(backoffMs * (0.5 + world.random.next()))
        backoffMs = Math.min(BACKOFF_LAST_MS, backoffMs * 2)
      }
      candidates = [...this.#options.candidates()]
    }
  }

  /** Connects to the first that can be had; resolves when that connection, or the last attempt, has failed. */
  async #converse(candidates: readonly Address[]): Promise<{ readonly error: Error; readonly stood: boolean }> {
    const { log, pool } = this.#options
    let error = new Error('there is no node to connect to')
    for (const endpoint of candidates) {
      for (const login of this.#logins.all) {
        if (this.isClosed) return { error, stood: false }
        const lost = Promise.withResolvers<Error>()
        const asking = new Asking(
          endpoint,
          pool(endpoint),
          login,
          (event) => this.#options.onEvent(event),
          lost.resolve,
        )
        try {
          await this.#begin(asking)
          error = await lost.promise
          this.#letGo()
          return { error, stood: true }
        } catch (thrown) {
          asking.close()
          error = thrown as Error
          log.debug(`${asking.destination} tells nothing of the cluster`, { why: causesOf(error).join(': ') })
          if (!(error instanceof GreetingError)) break
          this.#logins.refused(login)
        }
      }
    }
    return { error, stood: false }
  }

  async #begin(asking: Asking): Promise<void> {
    await this.#options.begin(asking)
    if (this.isClosed) throw new Error('the sink is closed')
    this.#options.log.info(`Topology task control connection finalized against node at: ${asking.destination}`)
    this.asking = asking
    this.#scheduleProbe()
  }

  #letGo(): void {
    this.asking?.close()
    this.asking = null
    this.#probe?.cancel()
  }

  #scheduleProbe(): void {
    this.#probe = this.#options.world.clock.after(PROBE_MS, () => {
      this.asking?.probe()
      this.#scheduleProbe()
    })
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.world.clock.after(ms, () => this.#wake?.())
      this.#wake = () => {
        timer.cancel()
        this.#wake = null
        resolve()
      }
    })
  }
}
