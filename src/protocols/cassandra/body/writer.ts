/** Writes the notations of native_protocol_v5.spec 3 one behind the other. */
export class Writer {
  #bytes = Buffer.allocUnsafe(256)
  #at = 0

  /** What was written, once nothing more is. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at)
  }

  byte(value: number): this {
    const at = this.#reserve(1)
    this.#bytes[at] = value
    return this
  }

  short(value: number): this {
    const at = this.#reserve(2)
    this.#bytes.writeUInt16BE(value, at)
    return this
  }

  int(value: number): this {
    const at = this.#reserve(4)
    this.#bytes.writeInt32BE(value, at)
    return this
  }

  long(value: bigint): this {
    const at = this.#reserve(8)
    this.#bytes.writeBigInt64BE(value, at)
    return this
  }

  raw(bytes: Buffer): this {
    const at = this.#reserve(bytes.length)
    bytes.copy(this.#bytes, at)
    return this
  }

  string(text: string): this {
    const bytes = Buffer.from(text)
    return this.short(bytes.length).raw(bytes)
  }

  longString(text: string): this {
    const bytes = Buffer.from(text)
    return this.int(bytes.length).raw(bytes)
  }

  shortBytes(bytes: Buffer): this {
    return this.short(bytes.length).raw(bytes)
  }

  /** A [bytes], or a [value] that is set: null has the length -1. */
  value(bytes: Buffer | null): this {
    return bytes === null ? this.int(-1) : this.int(bytes.length).raw(bytes)
  }

  stringList(list: readonly string[]): this {
    this.short(list.length)
    for (const text of list) this.string(text)
    return this
  }

  stringMap(map: ReadonlyMap<string, string>): this {
    this.short(map.size)
    for (const [key, text] of map) this.string(key).string(text)
    return this
  }

  bytesMap(map: ReadonlyMap<string, Buffer | null>): this {
    this.short(map.size)
    for (const [key, bytes] of map) this.string(key).value(bytes)
    return this
  }

  #reserve(size: number): number {
    const at = this.#at
    this.#at += size
    if (this.#at > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#at, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    return at
  }
}
