import type { Log } from '../../core/kind.ts'
import type { Clock } from '../../world/world.ts'
import { DataKey, DETERMINISTIC, RANDOM } from './data-key.ts'
import { KmsError, type Kms } from './kms.ts'
import type { SealedValue } from './sealed-value.ts'

/** Data keys that are remembered; the one that was fetched first is forgotten first. */
const KEYS_MAX = 10_000
/** With nonces that are drawn, a key seals no more values than this: NIST SP 800-38D, 8.3. */
const USES_MAX = 2 ** 32
/** Keys that are asked for at once. */
const FETCHES_MAX = 16
const RETRY_MS_MIN = 200
const RETRY_MS_MAX = 10_000
/** So long a refusal is taken for the answer to the same question. */
const REFUSED_MS = 10_000
const REFUSALS_MAX = 1000

export interface KeyRingOptions {
  readonly kms: Kms
  readonly clock: Clock
  readonly log: Log
  /** A data key seals values for so long; then a new one is made. */
  readonly lifetimeMs: number
  /** Who needs a key that is not there waits so long. */
  readonly waitMs: number
  /** What stands for the key of searchable columns; null: there are none. */
  readonly searchKey: string | null
}

/** The data keys of one transform on one thread: those that seal, and those that opened something. */
export class KeyRing {
  readonly #options: KeyRingOptions
  readonly #known = new Map<string, DataKey>()
  readonly #fetches = new Map<string, Promise<DataKey>>()
  readonly #refusals = new Map<string, { readonly untilMs: number; readonly error: Error }>()
  readonly #queue: (() => void)[] = []
  #running = 0
  /** By mode. */
  readonly #sealing: (DataKey | null)[] = [null, null]
  readonly #making: (Promise<void> | null)[] = [null, null]
  #madeAtMs = 0
  #lastError: Error | null = null
  #closed = false

  constructor(options: KeyRingOptions) {
    this.#options = options
  }

  /** Asks for the keys that will be needed, if nobody has. */
  start(): void {
    if (this.#options.searchKey !== null) this.sealing(DETERMINISTIC)
    this.sealing(RANDOM)
  }

  close(): void {
    this.#closed = true
  }

  /** The key to seal with, or null where it is not there yet: wait for `ready` and ask again. */
  sealing(mode: number): DataKey | null {
    const key = this.#sealing[mode]!
    if (mode === DETERMINISTIC) {
      if (key === null) this.#make(mode)
      return key
    }
    const isOld = key === null || this.#options.clock.now() - this.#madeAtMs >= this.#options.lifetimeMs
    // One that is old goes on until the next one is there.
    if (isOld || key.uses >= USES_MAX / 2) this.#make(mode)
    return key === null || key.uses >= USES_MAX ? null : key
  }

  /** Resolves once `sealing` may give a key; rejects where that takes too long. */
  ready(mode: number): Promise<void> {
    this.sealing(mode)
    return this.#bounded(this.#making[mode] ?? Promise.resolve())
  }

  /** The key that a value was sealed with, where it is known; else `fetch` it. */
  find({ mode, kekId, wrapped }: SealedValue): DataKey | null {
    return this.#known.get(nameOf(mode, kekId, wrapped)) ?? null
  }

  /** Fetches the key that a value was sealed with. Rejects where it can't be had, or not in time. */
  async fetch(value: SealedValue): Promise<void> {
    const { mode, kekId } = value
    const name = nameOf(mode, kekId, value.wrapped)
    if (this.#known.has(name)) return
    if (mode !== RANDOM && mode !== DETERMINISTIC) throw new KmsError('it was sealed by a later version', true)
    const refusal = this.#refusals.get(name)
    if (refusal !== undefined && this.#options.clock.now() < refusal.untilMs) throw refusal.error
    let fetch = this.#fetches.get(name)
    if (fetch === undefined) {
      // The reply that it lies in may be overwritten.
      fetch = this.#unwrap(name, mode, kekId, Buffer.from(value.wrapped))
      this.#fetches.set(name, fetch)
      const done = () => void this.#fetches.delete(name)
      fetch.then(done, done)
    }
    await this.#bounded(fetch)
  }

  async #unwrap(name: string, mode: number, kekId: string, wrapped: Buffer): Promise<DataKey> {
    if (this.#running >= FETCHES_MAX) await new Promise<void>((resolve) => this.#queue.push(resolve))
    this.#running++
    try {
      const key = new DataKey({ secret: await this.#options.kms.unwrap(kekId, wrapped), kekId, wrapped }, mode)
      this.#remember(name, key)
      return key
    } catch (error) {
      if (error instanceof KmsError && error.isFinal) this.#refuse(name, error)
      throw error
    } finally {
      this.#running--
      this.#queue.shift()?.()
    }
  }

  #refuse(name: string, error: Error): void {
    this.#refusals.set(name, { untilMs: this.#options.clock.now() + REFUSED_MS, error })
    if (this.#refusals.size > REFUSALS_MAX) this.#refusals.delete(this.#refusals.keys().next().value!)
  }

  #remember(name: string, key: DataKey): void {
    this.#known.set(name, key)
    if (this.#known.size > KEYS_MAX) this.#known.delete(this.#known.keys().next().value!)
  }

  #make(mode: number): void {
    if (this.#making[mode] !== null || this.#closed) return
    this.#making[mode] = this.#makeUntilThere(mode)
  }

  async #makeUntilThere(mode: number): Promise<void> {
    const { kms, clock, log, searchKey } = this.#options
    for (let retryMs = RETRY_MS_MIN; !this.#closed; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
      try {
        const made = await (mode === RANDOM ? kms.generate() : kms.searchKey(searchKey!))
        const key = new DataKey(made, mode)
        this.#remember(nameOf(mode, made.kekId, made.wrapped), key)
        this.#sealing[mode] = key
        if (mode === RANDOM) this.#madeAtMs = clock.now()
        this.#lastError = null
        break
      } catch (error) {
        this.#lastError = error as Error
        log.warn(`no data key from ${kms.name}, it is asked again in ${retryMs} ms: ${(error as Error).message}`)
        await new Promise<void>((resolve) => clock.after(retryMs, resolve))
      }
    }
    this.#making[mode] = null
  }

  #bounded(wanted: Promise<unknown>): Promise<void> {
    const { clock, kms, waitMs } = this.#options
    return new Promise<void>((resolve, reject) => {
      const late = () => {
        const why = this.#lastError === null ? '' : `: ${this.#lastError.message}`
        reject(new KmsError(`${kms.name} gave no key within ${waitMs} ms${why}`, false))
      }
      const timer = clock.after(waitMs, late)
      const settle = (then: () => void) => () => {
        timer.cancel()
        then()
      }
      wanted.then(settle(resolve), (error: Error) => settle(() => reject(error))())
    })
  }
}

function nameOf(mode: number, kekId: string, wrapped: Buffer): string {
  return `${mode} ${kekId} ${wrapped.toString('latin1')}`
}
