import { CorruptError } from './corrupt-error.ts'

/** Reads the notations of native_protocol_v5.spec 3 one behind the other. Throws CorruptError where the bytes end before. */
export class Reader {
  readonly bytes: Buffer
  at: number
  readonly end: number

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  get left(): number {
    return this.end - this.at
  }

  byte(): number {
    return this.bytes[this.take(1)]!
  }

  short(): number {
    return this.bytes.readUInt16BE(this.take(2))
  }

  int(): number {
    return this.bytes.readInt32BE(this.take(4))
  }

  long(): bigint {
    return this.bytes.readBigInt64BE(this.take(8))
  }

  string(): string {
    return this.text(this.short())
  }

  longString(): string {
    return this.text(this.length())
  }

  uuid(): Buffer {
    return this.range(16)
  }

  shortBytes(): Buffer {
    return this.range(this.short())
  }

  /** Null where the length is negative. */
  value(): Buffer | null {
    const length = this.int()
    return length < 0 ? null : this.range(length)
  }

  stringList(): string[] {
    const list: string[] = []
    for (let count = this.short(); count > 0; count--) list.push(this.string())
    return list
  }

  stringMap(): Map<string, string> {
    const map = new Map<string, string>()
    for (let count = this.short(); count > 0; count--) map.set(this.string(), this.string())
    return map
  }

  bytesMap(): Map<string, Buffer | null> {
    const map = new Map<string, Buffer | null>()
    for (let count = this.short(); count > 0; count--) map.set(this.string(), this.value())
    return map
  }

  /** An [int] that is no less than 0. */
  length(): number {
    const length = this.int()
    if (length < 0) throw new CorruptError(`a length of ${length}`)
    return length
  }

  range(length: number): Buffer {
    const at = this.take(length)
    return this.bytes.subarray(at, at + length)
  }

  /** Skips so many bytes; returns where they begin. */
  take(length: number): number {
    const at = this.at
    if (length > this.end - at) throw new CorruptError(`the body ends before what it announces (${length} bytes)`)
    this.at = at + length
    return at
  }

  text(length: number): string {
    const at = this.take(length)
    return this.bytes.toString('utf8', at, at + length)
  }
}
