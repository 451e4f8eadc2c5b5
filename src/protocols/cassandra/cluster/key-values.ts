// Hot path
import { intAt, shortAt } from '../numbers.ts'
import type { KeyRecipe } from './key-recipe.ts'

/** Longest part of a key of several: its length has two bytes. */
const PART_BYTES_MAX = 0xffff

/** The partition key of a request, from its values. One is used for all requests, each in its turn. */
export class KeyValues {
  /** The key is `bytes[start, end)`, after `read`; valid until it is called again, and as long as the request's bytes are. */
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  /** Where each value begins and ends, as far as they were read. */
  #starts = new Int32Array(64)
  #ends = new Int32Array(64)
  #composed = Buffer.allocUnsafe(256)

  /** Of a request whose values, behind their number, begin at `bytes[at]` and may go on up to `end`. False: it has no such key. */
  read(recipe: KeyRecipe, bytes: Buffer, at: number, end: number, isNamed: boolean): boolean {
    const { whole } = recipe
    if (whole !== null) return this.#is(whole, 0, whole.length)
    if (end - at < 2) return false
    const count = shortAt(bytes, at)
    if (isNamed) return this.#readNamed(recipe, bytes, at + 2, end, count)
    if (count <= recipe.last) return false
    return recipe.markers.length === 1
      ? this.#readOne(bytes, at + 2, end, recipe.last)
      : this.#readSeveral(recipe, bytes, at + 2, end)
  }

  #is(bytes: Buffer, start: number, end: number): boolean {
    this.bytes = bytes
    this.start = start
    this.end = end
    return true
  }

  /** The value at this place is the key. */
  #readOne(bytes: Buffer, from: number, end: number, place: number): boolean {
    let at = from
    for (let i = 0; ; i++) {
      if (end - at < 4) return false
      const length = intAt(bytes, at)
      at += 4
      if (i === place) return length >= 0 && length <= end - at && this.#is(bytes, at, at + length)
      if (length > 0) at += length
    }
  }

  #readSeveral(recipe: KeyRecipe, bytes: Buffer, from: number, end: number): boolean {
    const { markers, last } = recipe
    if (last >= this.#starts.length) this.#grow(last + 1)
    let at = from
    for (let i = 0; i <= last; i++) {
      if (end - at < 4) return false
      const length = intAt(bytes, at)
      at += 4
      this.#starts[i] = at
      if (length > 0) at += length
      this.#ends[i] = length < 0 ? -1 : at
    }
    let size = 0
    for (let i = 0; i < markers.length; i++) {
      const marker = markers[i]!
      const length = marker < 0 ? recipe.constants[i]!.length : this.#ends[marker]! - this.#starts[marker]!
      // Null, left out, or not there.
      if (length < 0 || length > PART_BYTES_MAX || (marker >= 0 && this.#ends[marker]! > end)) return false
      size += length + 3
    }
    return this.#compose(recipe, bytes, size)
  }

  /** Each part with its length before and a zero behind it: `routingKey` of token.ts. */
  #compose({ markers, constants }: KeyRecipe, bytes: Buffer, size: number): boolean {
    if (size > this.#composed.length) this.#composed = Buffer.allocUnsafe(size * 2)
    const composed = this.#composed
    let to = 0
    for (let i = 0; i < markers.length; i++) {
      const marker = markers[i]!
      const from = marker < 0 ? constants[i]! : bytes
      const start = marker < 0 ? 0 : this.#starts[marker]!
      const end = marker < 0 ? from.length : this.#ends[marker]!
      const length = end - start
      composed[to] = length >> 8
      composed[to + 1] = length & 0xff
      to += 2
      if (length <= COPY_BYTES_MIN) for (let at = start; at < end; at++) composed[to++] = from[at]!
      else to += from.copy(composed, to, start, end)
      composed[to++] = 0
    }
    return this.#is(composed, 0, to)
  }

  // Cold: values that come by name
  #readNamed(recipe: KeyRecipe, bytes: Buffer, from: number, end: number, count: number): boolean {
    const { names, markers } = recipe
    const values = new Map<string, readonly [start: number, end: number]>()
    let at = from
    for (let i = 0; i < count && end - at >= 2; i++) {
      const nameEnd = at + 2 + bytes.readUInt16BE(at)
      if (end - nameEnd < 4) return false
      const name = bytes.toString('utf8', at + 2, nameEnd)
      const length = intAt(bytes, nameEnd)
      at = nameEnd + 4 + Math.max(0, length)
      if (length >= 0 && at <= end && !values.has(name)) values.set(name, [nameEnd + 4, at])
    }
    let size = 0
    for (const [part, name] of names.entries()) {
      const marker = markers[part]!
      if (marker >= this.#starts.length) this.#grow(marker + 1)
      const value = marker < 0 ? [0, recipe.constants[part]!.length] : values.get(name)
      if (value === undefined || value[1]! - value[0]! > PART_BYTES_MAX) return false
      if (marker >= 0) [this.#starts[marker], this.#ends[marker]] = value as [number, number]
      size += value[1]! - value[0]! + 3
    }
    if (markers.length === 1) return this.#is(bytes, this.#starts[markers[0]!]!, this.#ends[markers[0]!]!)
    return this.#compose(recipe, bytes, size)
  }

  // Cold: a statement with more markers than any before
  #grow(size: number): void {
    this.#starts = new Int32Array(size * 2)
    this.#ends = new Int32Array(size * 2)
  }
}

/** Shorter copies cost less byte by byte. */
const COPY_BYTES_MIN = 24
