/** A value of at least this size is written from where it lies. */
const BIG_BYTES = 16 * 1024

/** What a session has to write: RESP2 or RESP3, gathered until the turn ends. */
export class Replies {
  /** RESP version. */
  version: 2 | 3 = 2
  /** CLIENT REPLY OFF and SKIP: replies vanish. Pushes do not. */
  muted = false
  /** Bytes that wait. */
  bytes = 0
  #chunks: Buffer[] = []
  /** Small things as latin1, one character a byte. */
  #text = ''

  /** Takes out what waits, in as few pieces as it lies in. */
  take(): Buffer[] {
    this.#seal()
    const chunks = this.#chunks
    this.#chunks = []
    this.bytes = 0
    return chunks
  }

  #seal(): void {
    if (this.#text === '') return
    this.#chunks.push(Buffer.from(this.#text, 'latin1'))
    this.#text = ''
  }

  raw(text: string): void {
    if (this.muted) return
    this.#text += text
    this.bytes += text.length
  }

  simple(text: string): void {
    this.raw(`+${text}\r\n`)
  }

  ok(): void {
    this.raw('+OK\r\n')
  }

  /** `text` begins with the error's code. */
  error(text: string): void {
    this.raw(`-${text.replaceAll(/[\r\n]/g, ' ')}\r\n`)
  }

  integer(value: number | bigint): void {
    this.raw(`:${value}\r\n`)
  }

  /** Bytes, or latin1 text. */
  bulk(value: Buffer | string): void {
    if (this.muted) return
    if (typeof value === 'string' || value.length < BIG_BYTES) {
      this.raw(`$${value.length}\r\n${typeof value === 'string' ? value : value.toString('latin1')}\r\n`)
      return
    }
    this.raw(`$${value.length}\r\n`)
    this.#seal()
    this.#chunks.push(value)
    this.bytes += value.length
    this.raw('\r\n')
  }

  bulkOrNil(value: Buffer | string | null | undefined): void {
    if (value === null || value === undefined) this.nil()
    else this.bulk(value)
  }

  nil(): void {
    this.raw(this.version === 3 ? '_\r\n' : '$-1\r\n')
  }

  nilArray(): void {
    this.raw(this.version === 3 ? '_\r\n' : '*-1\r\n')
  }

  array(count: number): void {
    this.raw(`*${count}\r\n`)
  }

  bulks(values: readonly (Buffer | string)[]): void {
    this.array(values.length)
    for (const value of values) this.bulk(value)
  }

  /** Head of a map of `count` pairs. */
  map(count: number): void {
    this.raw(this.version === 3 ? `%${count}\r\n` : `*${2 * count}\r\n`)
  }

  set(count: number): void {
    this.raw(this.version === 3 ? `~${count}\r\n` : `*${count}\r\n`)
  }

  double(value: number): void {
    const text = formatDouble(value)
    if (this.version === 3) this.raw(`,${text}\r\n`)
    else this.bulk(text)
  }

  verbatim(text: string): void {
    if (this.version === 3) this.raw(`=${text.length + 4}\r\ntxt:${text}\r\n`)
    else this.bulk(text)
  }

  /** A push of `count` elements, written by `rest` even to a muted session: RESP3's own type, an array before that. */
  push(count: number, rest: () => void): void {
    const muted = this.muted
    this.muted = false
    this.raw(`${this.version === 3 ? '>' : '*'}${count}\r\n`)
    rest()
    this.muted = muted
  }
}

/** The shortest decimal that gives the same double, in C's notation. */
export function formatDouble(value: number): string {
  if (value === Infinity) return 'inf'
  if (value === -Infinity) return '-inf'
  if (Number.isNaN(value)) return 'nan'
  if (Object.is(value, -0)) return '-0'
  const size = Math.abs(value)
  if (size !== 0 && (size >= 1e21 || size < 1e-6)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  return String(value)
}
