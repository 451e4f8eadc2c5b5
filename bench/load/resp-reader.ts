/** A reply as the bars look at it. `bytes` is null for a nil bulk, and for a bulk longer than what the reader keeps. */
export interface Reply {
  readonly type: '+' | '-' | ':' | '$'
  readonly text: string
  readonly bytes: Buffer | null
  /** Bytes of the bulk; -1 for nil. */
  readonly length: number
}

const CR = 13
const LF = 10

/**
 * Cuts RESP2 replies out of a stream: simple strings, errors, integers and bulks, which is all that the bars ask for. It is
 * apart from the proxy's own code on purpose: what checks the proxy must not share its mistakes.
 */
export class ReplyReader {
  readonly #onReply: (reply: Reply) => void
  readonly #onPart: ((part: Buffer, offset: number) => void) | null
  readonly #keepMax: number
  #rest: Buffer | null = null
  /** Bytes of a bulk and its CRLF still to come, while it is read in parts; -1 otherwise. */
  #left = -1
  #length = 0

  /** Bulks longer than `keepMax` go to `onPart` while they arrive and are not kept. */
  constructor(
    onReply: (reply: Reply) => void,
    keepMax = Infinity,
    onPart: ((part: Buffer, offset: number) => void) | null = null,
  ) {
    this.#onReply = onReply
    this.#keepMax = keepMax
    this.#onPart = onPart
  }

  push(chunk: Buffer): void {
    let bytes = chunk
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, chunk])
      this.#rest = null
    }
    let at = 0
    while (at < bytes.length) {
      const next = this.#left >= 0 ? this.#part(bytes, at) : this.#whole(bytes, at)
      if (next < 0) {
        this.#rest = bytes.subarray(at)
        return
      }
      at = next
    }
  }

  /** One reply from `at`; returns where the next one starts, -1 when it is not there yet. */
  #whole(bytes: Buffer, at: number): number {
    const end = bytes.indexOf(CR, at + 1)
    if (end < 0 || end + 1 >= bytes.length) return -1
    if (bytes[end + 1] !== LF) throw new Error('a reply line that does not end with CR LF')
    const type = String.fromCharCode(bytes[at])
    const text = bytes.toString('latin1', at + 1, end)
    if (type === '+' || type === '-' || type === ':') {
      this.#onReply({ type, text, bytes: null, length: 0 })
      return end + 2
    }
    const length = Number(text)
    if (type !== '$' || !Number.isInteger(length))
      throw new Error(`not a reply: ${JSON.stringify(type + text.slice(0, 40))}`)
    if (length < 0) {
      this.#onReply({ type, text: '', bytes: null, length: -1 })
      return end + 2
    }
    if (length > this.#keepMax) {
      this.#left = length + 2
      this.#length = length
      return end + 2
    }
    const start = end + 2
    if (bytes.length < start + length + 2) return -1
    this.#onReply({ type, text: '', bytes: bytes.subarray(start, start + length), length })
    return start + length + 2
  }

  #part(bytes: Buffer, at: number): number {
    const taken = Math.min(this.#left, bytes.length - at)
    const offset = this.#length + 2 - this.#left
    const body = Math.min(taken, this.#length - offset)
    if (body > 0) this.#onPart?.(bytes.subarray(at, at + body), offset)
    this.#left -= taken
    if (this.#left === 0) {
      this.#left = -1
      this.#onReply({ type: '$', text: '', bytes: null, length: this.#length })
    }
    return at + taken
  }
}

/** A request as RESP2 array of bulks. */
export function encodeRequest(args: (string | Buffer)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = typeof arg === 'string' ? Buffer.from(arg) : arg
    pieces.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(pieces)
}
