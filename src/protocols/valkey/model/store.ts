import type { Clock } from '../../../world/world.ts'
import { scanOrder } from './scan-order.ts'

export interface StringValue {
  readonly type: 'string'
  /** Never changed in place: replies may still refer to it. */
  readonly bytes: Buffer
}
export interface ListValue {
  readonly type: 'list'
  readonly items: Buffer[]
}
export interface HashValue {
  readonly type: 'hash'
  readonly fields: Map<string, Buffer>
}
export interface SetValue {
  readonly type: 'set'
  readonly members: Set<string>
}
export interface ZsetValue {
  readonly type: 'zset'
  readonly scores: Map<string, number>
  /** Members by score, then by bytes; null after a change. */
  sorted: string[] | null
}
/** Milliseconds and sequence number. */
export type StreamId = readonly [number, number]
export interface StreamEntry {
  readonly id: StreamId
  /** Fields and values in turn. */
  readonly pairs: readonly Buffer[]
}
export interface StreamValue {
  readonly type: 'stream'
  entries: StreamEntry[]
  lastId: StreamId
}
export type Value = StringValue | ListValue | HashValue | SetValue | ZsetValue | StreamValue
export type ValueOf<Type extends Value['type']> = Extract<Value, { type: Type }>

/** An error reply; the text begins with its code. */
export class CommandError extends Error {}

export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'

/** Learns of every key whose value changed or went: WATCH, CLIENT TRACKING and whoever blocks on it. */
export interface StoreListener {
  touched(database: Database, key: string): void
}

/** One numbered database. Keys and members are latin1 strings, one character a byte. */
export class Database {
  readonly index: number
  readonly #clock: Clock
  readonly #listener: StoreListener
  #values = new Map<string, Value>()
  /** Wall clock milliseconds at which a key expires. */
  #expiries = new Map<string, number>()
  /** Keys in the order of SCAN, until a key comes or goes. */
  #scanOrder: string[] | null = null

  constructor(index: number, clock: Clock, listener: StoreListener) {
    this.index = index
    this.#clock = clock
    this.#listener = listener
  }

  get size(): number {
    return this.#values.size
  }

  get expiring(): number {
    return this.#expiries.size
  }

  /** Keys that have not expired. */
  keys(): string[] {
    return [...this.#values.keys()].filter((key) => this.get(key) !== null)
  }

  scanOrder(): readonly string[] {
    this.#scanOrder ??= scanOrder(this.#values.keys())
    return this.#scanOrder
  }

  get(key: string): Value | null {
    const value = this.#values.get(key)
    if (value === undefined) return null
    const expiry = this.#expiries.get(key)
    if (expiry === undefined || expiry > this.#clock.wall()) return value
    this.delete(key)
    return null
  }

  /** The value if it is of that type, null if there is none. Throws WRONGTYPE. */
  typed<Type extends Value['type']>(key: string, type: Type): ValueOf<Type> | null {
    const value = this.get(key)
    if (value === null) return null
    if (value.type !== type) throw new CommandError(WRONG_TYPE)
    return value as ValueOf<Type>
  }

  /** Stores a new value. Its expiry goes unless `keepExpiry`. */
  set(key: string, value: Value, keepExpiry = false): void {
    if (!this.#values.has(key)) this.#scanOrder = null
    this.#values.set(key, value)
    if (!keepExpiry) this.#expiries.delete(key)
    this.touch(key)
  }

  setBytes(key: string, bytes: Buffer, keepExpiry = false): void {
    this.set(key, { type: 'string', bytes }, keepExpiry)
  }

  delete(key: string): boolean {
    this.#expiries.delete(key)
    if (!this.#values.delete(key)) return false
    this.#scanOrder = null
    this.touch(key)
    return true
  }

  /** The value under `key` was changed in place; an empty collection is none. */
  changed(key: string, size: number): void {
    if (size === 0) this.delete(key)
    else this.touch(key)
  }

  touch(key: string): void {
    this.#listener.touched(this, key)
  }

  expiry(key: string): number | null {
    return this.#expiries.get(key) ?? null
  }

  setExpiry(key: string, wallMs: number | null): void {
    if (wallMs === null) this.#expiries.delete(key)
    else this.#expiries.set(key, wallMs)
    this.touch(key)
  }

  /** Deletes up to `count` keys whose time is over. */
  expire(count: number): void {
    const wallMs = this.#clock.wall()
    let left = count
    for (const [key, expiry] of this.#expiries) {
      if (left-- === 0) return
      if (expiry <= wallMs) this.delete(key)
    }
  }

  clear(): void {
    const keys = [...this.#values.keys()]
    this.#values = new Map()
    this.#expiries = new Map()
    this.#scanOrder = null
    for (const key of keys) this.touch(key)
  }

  /** Exchanges the contents of two databases. */
  swap(other: Database): void {
    const keys = new Set([...this.#values.keys(), ...other.#values.keys()])
    this.#scanOrder = other.#scanOrder = null
    ;[this.#values, other.#values] = [other.#values, this.#values]
    ;[this.#expiries, other.#expiries] = [other.#expiries, this.#expiries]
    for (const key of keys) {
      this.touch(key)
      other.touch(key)
    }
  }
}

/** Members of a sorted set in order. */
export function sortedMembers(zset: ZsetValue): string[] {
  zset.sorted ??= [...zset.scores.keys()].sort((a, b) => {
    const difference = zset.scores.get(a)! - zset.scores.get(b)!
    // Two infinities of one sign give NaN, which is no difference.
    return difference < 0 ? -1 : difference > 0 ? 1 : a < b ? -1 : 1
  })
  return zset.sorted
}
