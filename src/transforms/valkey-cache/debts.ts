import { crc32 } from 'node:zlib'
import type { Invalidation } from './invalidation.ts'

/** Bytes of the memory that threads share. */
export const SHARED_BYTES = 12
/** How many instances have invalidations that Valkey has not taken. */
const OWING = 0
/** How many have ended with some, so that others must make up for them. */
const ABANDONED = 1
/** For which tables somebody has taken over what may have been owed before: a number that stands for them; 0: none. */
const BEGUN = 2

/** More than this are owed as whole tables. */
const OWED_MAX = 10_000

/** What an instance, one for each thread, owes. */
export interface Owed extends Invalidation {
  /** Nobody knows what became of the write. */
  readonly isUnknown: boolean
}

/**
 * Invalidations that Valkey has not taken. While there are any, in any thread of the process, what stands in Valkey is not to be trusted.
 * A process begins by owing everything: what the one before it may have owed died with it. So does a topology whose tables are others:
 * what was written to them meanwhile nobody knows. A thread that dies while it owes leaves the process without its cache.
 */
export class Debts {
  readonly #cells: Int32Array
  readonly #everything: readonly string[]
  readonly #tables: number
  #owed = new Map<string, Owed>()
  #isClosed = false

  /** `memory`: SHARED_BYTES, zeros at first; `everything`: the keys of all tables. */
  constructor(memory: SharedArrayBuffer, everything: readonly string[]) {
    this.#cells = new Int32Array(memory)
    this.#everything = everything
    this.#tables = crc32(everything.join('\n')) | 0 || 1
  }

  /** No thread owes anything. */
  get areNone(): boolean {
    const cells = this.#cells
    if (Atomics.load(cells, OWING) !== 0 || Atomics.load(cells, ABANDONED) !== 0) return false
    return Atomics.load(cells, BEGUN) === this.#tables
  }

  get owed(): readonly Owed[] {
    return [...this.#owed.values()]
  }

  /** Takes over what others left behind: everything, since nobody knows what it was. To be called by who can pay. */
  adopt(): void {
    if (Atomics.load(this.#cells, BEGUN) !== this.#tables) {
      this.#addEverything(0, false)
      Atomics.store(this.#cells, BEGUN, this.#tables)
    }
    for (;;) {
      const count = Atomics.load(this.#cells, ABANDONED)
      if (count === 0) return
      this.#addEverything(0, true)
      if (Atomics.compareExchange(this.#cells, ABANDONED, count, count - 1) === count) return
    }
  }

  add(invalidations: readonly Invalidation[], isUnknown: boolean): void {
    for (const { key, expiresMs } of invalidations) {
      const known = this.#owed.get(key)
      this.#put({
        key,
        expiresMs: Math.max(expiresMs, known?.expiresMs ?? 0),
        isUnknown: isUnknown || known?.isUnknown === true,
      })
    }
    if (this.#owed.size <= OWED_MAX + this.#everything.length) return
    const expiresMs = this.owed.reduce((most, owed) => Math.max(most, owed.expiresMs), 0)
    this.#owed.clear()
    this.#addEverything(expiresMs, true)
  }

  #addEverything(expiresMs: number, isUnknown: boolean): void {
    for (const key of this.#everything) this.#put({ key, expiresMs, isUnknown })
  }

  #put(owed: Owed): void {
    if (this.#isClosed) {
      if (this.#owed.size === 0) Atomics.add(this.#cells, ABANDONED, 1)
    } else if (this.#owed.size === 0) Atomics.add(this.#cells, OWING, 1)
    this.#owed.set(owed.key, owed)
  }

  /** Valkey has taken these, as they were then. */
  paid(owed: readonly Owed[]): void {
    if (this.#owed.size === 0) return
    for (const each of owed) if (this.#owed.get(each.key) === each) this.#owed.delete(each.key)
    if (this.#owed.size === 0 && !this.#isClosed) Atomics.sub(this.#cells, OWING, 1)
  }

  /** What is owed now, or will be, is for others to make up for. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#owed.size === 0) return
    Atomics.add(this.#cells, ABANDONED, 1)
    Atomics.sub(this.#cells, OWING, 1)
  }
}
