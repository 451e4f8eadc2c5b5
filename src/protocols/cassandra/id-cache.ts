// Hot path
import type { Frame } from '../../core/frame.ts'
import { flagsOf, HEADER_BYTES } from './envelope.ts'
import { shortAt } from './numbers.ts'
import { FLAG_COMPRESSED, FLAG_PAYLOAD } from './opcodes.ts'

/** Longest id of a prepared statement that is kept: servers' are hashes. */
export const ID_BYTES_MAX = 64
/** Where the id of an EXECUTE begins, in a frame for which `plainIdEnd` tells its end. */
export const PLAIN_ID_AT = HEADER_BYTES + 2

/** A power of two. */
const PLACES = 1024
/** What tells ids apart best in few bytes: they are hashes. */
const PLACE_BYTES = 2

/**
 * What ids of prepared statements stand for that were asked for lately, so that no string is made of an id for each request. Each has the
 * place that its first bytes tell, and leaves it to the next one that is asked for.
 */
export class IdCache<Value> {
  readonly #ids = new Array<Buffer | null>(PLACES).fill(null)
  readonly #values = new Array<Value | null>(PLACES).fill(null)

  /** By the id `bytes[at, end)`; null: it is not here. */
  find(bytes: Buffer, at: number, end: number): Value | null {
    if (end - at < PLACE_BYTES || end > bytes.length) return null
    const place = placeOf(bytes, at)
    const id = this.#ids[place]!
    if (id === null || id.length !== end - at) return null
    for (let i = 0; i < id.length; i++) if (id[i] !== bytes[at + i]) return null
    return this.#values[place]!
  }

  put(bytes: Buffer, at: number, end: number, value: Value): void {
    if (end - at < PLACE_BYTES || end > bytes.length) return
    const place = placeOf(bytes, at)
    this.#ids[place] = Buffer.from(bytes.subarray(at, end))
    this.#values[place] = value
  }

  // Cold: something was prepared
  clear(): void {
    this.#ids.fill(null)
    this.#values.fill(null)
  }
}

/** Where the id of an EXECUTE ends that begins at `bytes[start + PLAIN_ID_AT]`; -1: it must be looked for, or is too long, or cut off. */
export function plainIdEnd(request: Frame): number {
  const { bytes, start, end } = request
  const at = start + PLAIN_ID_AT
  if (at > end || flagsOf(request) & (FLAG_COMPRESSED | FLAG_PAYLOAD)) return -1
  const idEnd = at + shortAt(bytes, at - 2)
  return idEnd > end || idEnd - at > ID_BYTES_MAX ? -1 : idEnd
}

function placeOf(bytes: Buffer, at: number): number {
  return shortAt(bytes, at) & (PLACES - 1)
}
