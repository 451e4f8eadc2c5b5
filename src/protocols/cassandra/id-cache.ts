// Hot path

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

function placeOf(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 8) | bytes[at + 1]!) & (PLACES - 1)
}
