/** Limits of a server that speaks RESP, with Redis's own numbers. */
const INLINE_BYTES_MAX = 64 * 1024
const ARGUMENTS_MAX = 2 ** 31 - 1
/** From this size an argument gets a buffer of its own and is not copied twice. */
const BIG_BYTES = 32 * 1024
const LINE_BYTES_MAX = 64 * 1024

/** The client broke the protocol: the text is the reply, then the connection closes. */
export class ProtocolFault extends Error {}

const CR = 13
const DOLLAR = 36
const STAR = 42

/** Cuts a client's bytes into requests: arrays of bulk strings, or inline commands. Shares no code with the proxy, on purpose. */
export class RequestParser {
  /** Largest argument that is accepted. */
  bulkBytesMax: number
  /** A client that is not authenticated may not make the server hold much. */
  trusted = true
  #pending = Buffer.alloc(0)
  #start = 0
  #end = 0
  #args: Buffer[] | null = null
  #missing = 0
  #bulkBytes = -1
  #big: Buffer | null = null
  #bigFilled = 0

  constructor(bulkBytesMax: number) {
    this.bulkBytesMax = bulkBytesMax
  }

  /** Bytes that wait to become requests. */
  get pendingBytes(): number {
    return this.#end - this.#start
  }

  /** Copies `bytes[start, end)`. */
  push(bytes: Buffer, start: number, end: number): void {
    let from = start
    if (this.#big !== null && this.pendingBytes === 0) {
      const count = Math.min(this.#bulkBytes - this.#bigFilled, end - from)
      bytes.copy(this.#big, this.#bigFilled, from, from + count)
      this.#bigFilled += count
      from += count
    }
    const size = end - from
    if (this.#end + size > this.#pending.length) this.#grow(size)
    bytes.copy(this.#pending, this.#end, from, end)
    this.#end += size
  }

  #grow(size: number): void {
    const held = this.pendingBytes
    const capacity = Math.max(held + size, Math.min(2 * held, held + 16 * 1024 * 1024))
    const grown = Buffer.allocUnsafe(capacity)
    this.#pending.copy(grown, 0, this.#start, this.#end)
    this.#pending = grown
    this.#start = 0
    this.#end = held
  }

  /** The next request, never empty; null when more bytes are needed. Throws ProtocolFault. */
  next(): Buffer[] | null {
    for (;;) {
      if (this.#args !== null) return this.#arguments()
      if (this.pendingBytes === 0) {
        this.#pending = Buffer.alloc(0)
        this.#start = this.#end = 0
        return null
      }
      if (this.#pending[this.#start] !== STAR) {
        const words = this.#inline()
        if (words === null || words.length > 0) return words
        continue
      }
      const line = this.#line('too big mbulk count string')
      if (line === null) return null
      const count = integer(line.slice(1))
      if (count === null || count > ARGUMENTS_MAX) throw new ProtocolFault('invalid multibulk length')
      if (count > 10 && !this.trusted) throw new ProtocolFault('unauthenticated multibulk length')
      if (count <= 0) continue
      this.#args = []
      this.#missing = count
    }
  }

  #arguments(): Buffer[] | null {
    const args = this.#args!
    while (this.#missing > 0) {
      if (this.#bulkBytes === -1 && !this.#header()) return null
      const argument = this.#argument()
      if (argument === null) return null
      args.push(argument)
      this.#bulkBytes = -1
      this.#missing--
    }
    this.#args = null
    return args
  }

  #header(): boolean {
    const line = this.#line('too big bulk count string')
    if (line === null) return false
    if (line.charCodeAt(0) !== DOLLAR) throw new ProtocolFault(`expected '$', got '${line.charAt(0)}'`)
    const size = integer(line.slice(1))
    if (size === null || size < 0 || size > this.bulkBytesMax) throw new ProtocolFault('invalid bulk length')
    if (size > 16 * 1024 && !this.trusted) throw new ProtocolFault('unauthenticated bulk length')
    this.#bulkBytes = size
    if (size >= BIG_BYTES) {
      this.#big = Buffer.allocUnsafeSlow(size)
      this.#bigFilled = 0
    }
    return true
  }

  #argument(): Buffer | null {
    const size = this.#bulkBytes
    if (this.#big !== null) {
      const count = Math.min(size - this.#bigFilled, this.pendingBytes)
      this.#pending.copy(this.#big, this.#bigFilled, this.#start, this.#start + count)
      this.#bigFilled += count
      this.#start += count
      if (this.#bigFilled < size || this.pendingBytes < 2) return null
      const big = this.#big
      this.#big = null
      this.#start += 2
      return big
    }
    if (this.pendingBytes < size + 2) return null
    const argument = Buffer.from(this.#pending.subarray(this.#start, this.#start + size))
    this.#start += size + 2
    return argument
  }

  /** A line without its CRLF. */
  #line(tooBig: string): string | null {
    const at = this.#pending.subarray(0, this.#end).indexOf(CR, this.#start)
    if (at === -1 || at + 1 >= this.#end) {
      if (this.pendingBytes > LINE_BYTES_MAX) throw new ProtocolFault(tooBig)
      return null
    }
    const line = this.#pending.toString('latin1', this.#start, at)
    this.#start = at + 2
    return line
  }

  #inline(): Buffer[] | null {
    const at = this.#pending.subarray(0, this.#end).indexOf(10, this.#start)
    if (at === -1) {
      if (this.pendingBytes > INLINE_BYTES_MAX) throw new ProtocolFault('too big inline request')
      return null
    }
    const end = at > this.#start && this.#pending[at - 1] === CR ? at - 1 : at
    const words = splitWords(this.#pending.toString('latin1', this.#start, end))
    this.#start = at + 1
    if (words === null) throw new ProtocolFault('unbalanced quotes in request')
    return words.map((word) => Buffer.from(word, 'latin1'))
  }
}

/** A decimal integer of at most 64 bits, nothing else; null where it is none. */
export function integer(text: string): number | null {
  return /^(0|-?[1-9][0-9]{0,18})$/.test(text) ? Number(text) : null
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' }
const WORD = /"((?:\\[^]|[^"\\])*)"(?=\s|$)|'((?:\\'|[^'])*)'(?=\s|$)|([^\s"']+)(?=\s|$)/y

/** Words of an inline command; quotes as redis-cli has them. Null where quotes do not match. */
function splitWords(line: string): string[] | null {
  const words: string[] = []
  let at = 0
  for (;;) {
    while (at < line.length && /[\s\0]/.test(line[at]!)) at++
    if (at >= line.length) return words
    WORD.lastIndex = at
    const match = WORD.exec(line)
    if (match === null) return null
    at = WORD.lastIndex
    const [, double, single, plain] = match
    if (double !== undefined) words.push(unescape(double))
    else if (single !== undefined) words.push(single.replaceAll("\\'", "'"))
    else words.push(plain!)
  }
}

function unescape(text: string): string {
  return text.replaceAll(/\\(?:x([0-9a-fA-F]{2})|([^]))/g, (_, hex: string | undefined, letter: string | undefined) =>
    hex !== undefined ? String.fromCharCode(parseInt(hex, 16)) : (ESCAPES[letter!] ?? letter!),
  )
}
