// Hot path

/** The text has ended. */
export const END = 0
/** A keyword or a name without quotes. */
export const WORD = 1
/** A name in double quotes. */
export const QUOTED = 2
/** A string, in single quotes or between `$$`. */
export const STRING = 3
/** A number or a duration, without its sign. */
export const NUMBER = 4
/** `0x` and hexadecimal digits. */
export const BLOB = 5
export const UUID = 6
/** Anything else: one character, or one of `<=`, `>=`, `!=`, `+=`, `-=`, `..`. */
export const SYMBOL = 7
/** A quote or a comment that does not end. */
export const BROKEN = 8

const DASH = 0x2d
const DOT = 0x2e
const SLASH = 0x2f
const STAR = 0x2a
const DOLLAR = 0x24
const QUOTE = 0x27
const DOUBLE_QUOTE = 0x22
const EQUALS = 0x3d

const SPACE_CLASS = 1
const LETTER_CLASS = 2
const DIGIT_CLASS = 4
const HEX_CLASS = 8
/** What a byte may be part of. */
const classes = new Uint8Array(256)
for (const byte of [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d]) classes[byte] = SPACE_CLASS
for (let byte = 0x61; byte <= 0x7a; byte++) classes[byte] = classes[byte - 0x20] = LETTER_CLASS
for (let byte = 0x30; byte <= 0x39; byte++) classes[byte] = DIGIT_CLASS | HEX_CLASS
for (let byte = 0x61; byte <= 0x66; byte++) classes[byte] = classes[byte - 0x20] = LETTER_CLASS | HEX_CLASS
const UNDERSCORE = 0x5f

/** Tokens of CQL text, one after the other: Lexer.g of Apache Cassandra. White space and comments are passed over. */
export class Lexer {
  readonly bytes: Buffer
  readonly limit: number
  /** END ... BROKEN: the present token, which is `bytes[start, end)`. */
  kind = END
  start: number
  end: number

  /** The text is `bytes[at, limit)`. Nothing is read before `next` is called. */
  constructor(bytes: Buffer, at: number, limit: number) {
    this.bytes = bytes
    this.start = at
    this.end = at
    this.limit = limit
  }

  /** Goes on to the next token; returns its kind. */
  next(): number {
    const { bytes, limit } = this
    const at = this.#skip(this.end)
    this.start = at
    if (at >= limit) {
      this.start = this.end = limit
      return (this.kind = at > limit ? BROKEN : END)
    }
    const byte = bytes[at]!
    const kind = classes[byte]!
    if ((kind & HEX_CLASS) !== 0 && this.#isUuid(at)) return this.#take(UUID, at + 36)
    if (kind & LETTER_CLASS) return this.#take(WORD, this.#wordEnd(at))
    if (kind & DIGIT_CLASS) return this.#number(at)
    if (byte === QUOTE) return this.#quoted(STRING, at, QUOTE)
    if (byte === DOUBLE_QUOTE) return this.#quoted(QUOTED, at, DOUBLE_QUOTE)
    if (byte === DOLLAR && bytes[at + 1] === DOLLAR) return this.#dollars(at)
    return this.#take(SYMBOL, at + this.#symbolBytes(byte, at))
  }

  /** Is it this word, of lower-case letters and without quotes? */
  isWord(word: string): boolean {
    const { bytes, start, end } = this
    if (this.kind !== WORD || end - start !== word.length) return false
    for (let i = 0; i < word.length; i++) if (lower(bytes[start + i]!) !== word.charCodeAt(i)) return false
    return true
  }

  /** Is it this symbol of one character? */
  isSymbol(symbol: string): boolean {
    return this.kind === SYMBOL && this.end - this.start === 1 && this.bytes[this.start] === symbol.charCodeAt(0)
  }

  /** May it be the name of something? */
  get isName(): boolean {
    return this.kind === WORD || this.kind === QUOTED
  }

  /** What a name or a string stands for: names without quotes in lower case, quotes taken off. Other tokens as they are. */
  get text(): string {
    const { bytes, start, end } = this
    switch (this.kind) {
      case WORD:
        return bytes.toString('latin1', start, end).toLowerCase()
      case QUOTED:
        return bytes.toString('utf8', start + 1, end - 1).replaceAll('""', '"')
      case STRING:
        if (bytes[start] === DOLLAR) return bytes.toString('utf8', start + 2, end - 2)
        return bytes.toString('utf8', start + 1, end - 1).replaceAll("''", "'")
      default:
        return bytes.toString('utf8', start, end)
    }
  }

  #take(kind: number, end: number): number {
    this.end = end
    return (this.kind = kind)
  }

  /** Behind white space and comments; beyond the limit where a comment does not end. */
  #skip(from: number): number {
    const { bytes, limit } = this
    let at = from
    while (at < limit) {
      const byte = bytes[at]!
      if (classes[byte] === SPACE_CLASS) at++
      else if ((byte === DASH || byte === SLASH) && bytes[at + 1] === byte && at + 1 < limit) {
        while (at < limit && bytes[at] !== 0x0a && bytes[at] !== 0x0d) at++
      } else if (byte === SLASH && bytes[at + 1] === STAR && at + 1 < limit) {
        at += 2
        while (at < limit && !(bytes[at] === STAR && bytes[at + 1] === SLASH)) at++
        at += 2
      } else break
    }
    return at
  }

  #wordEnd(from: number): number {
    const { bytes, limit } = this
    let at = from
    while (at < limit && ((classes[bytes[at]!]! & (LETTER_CLASS | DIGIT_CLASS)) !== 0 || bytes[at] === UNDERSCORE)) at++
    return at
  }

  /** 8, 4, 4, 4 and 12 hexadecimal digits with dashes between. */
  #isUuid(from: number): boolean {
    const { bytes } = this
    if (from + 36 > this.limit || bytes[from + 8] !== DASH || bytes[from + 13] !== DASH) return false
    for (let i = 0; i < 36; i++) {
      const isDash = i === 8 || i === 13 || i === 18 || i === 23
      const byte = bytes[from + i]!
      if (isDash ? byte !== DASH : (classes[byte]! & HEX_CLASS) === 0) return false
    }
    return true
  }

  #number(from: number): number {
    const { bytes, limit } = this
    if (bytes[from] === 0x30 && from + 1 < limit && lower(bytes[from + 1]!) === 0x78) {
      let at = from + 2
      while (at < limit && (classes[bytes[at]!]! & HEX_CLASS) !== 0) at++
      return this.#take(BLOB, at)
    }
    const whole = this.#digitsEnd(from)
    let at = whole
    if (at < limit && bytes[at] === DOT && bytes[at + 1] !== DOT) at = this.#digitsEnd(at + 1)
    if (at < limit && lower(bytes[at]!) === 0x65) {
      const sign = bytes[at + 1] === DASH || bytes[at + 1] === 0x2b ? 1 : 0
      const digits = this.#digitsEnd(at + 1 + sign)
      if (digits > at + 1 + sign) at = digits
    }
    // Other letters than units begin a word of their own: `LIMIT 1ALLOW FILTERING`.
    return this.#take(NUMBER, at === whole ? this.#durationEnd(whole) : at)
  }

  /** Behind the units of a duration, and the digits between, that stand behind a number's digits. */
  #durationEnd(from: number): number {
    let at = from
    for (;;) {
      const unit = this.#unitBytes(at)
      // Digits without a unit behind a unit: what is broken is told as one.
      if (unit === 0) return at === from ? at : this.#wordEnd(at)
      at += unit
      const digits = this.#digitsEnd(at)
      if (digits === at) return at
      at = digits
    }
  }

  /** Of `y`, `mo`, `w`, `d`, `h`, `m`, `s`, `ms`, `us`, `ns`, or the sign for a millionth, which has two bytes, and `s`; 0 where none is. */
  #unitBytes(at: number): number {
    const { bytes, limit } = this
    if (at >= limit) return 0
    const byte = lower(bytes[at]!)
    const next = at + 1 < limit ? lower(bytes[at + 1]!) : 0
    switch (byte) {
      case 0x79: // y
      case 0x77: // w
      case 0x64: // d
      case 0x68: // h
      case 0x73: // s
        return 1
      case 0x6d: // m, mo, ms
        return next === 0x6f || next === 0x73 ? 2 : 1
      case 0x75: // us
      case 0x6e: // ns
        return next === 0x73 ? 2 : 0
      case 0xc2:
        return next === 0xb5 && at + 2 < limit && lower(bytes[at + 2]!) === 0x73 ? 3 : 0
      default:
        return 0
    }
  }

  #digitsEnd(from: number): number {
    const { bytes, limit } = this
    let at = from
    while (at < limit && (classes[bytes[at]!]! & DIGIT_CLASS) !== 0) at++
    return Math.min(at, limit)
  }

  /** To the quote that is not doubled. */
  #quoted(kind: number, from: number, quote: number): number {
    const { bytes, limit } = this
    let at = from + 1
    for (;;) {
      while (at < limit && bytes[at] !== quote) at++
      if (at >= limit) return this.#take(BROKEN, limit)
      if (at + 1 >= limit || bytes[at + 1] !== quote) return this.#take(kind, at + 1)
      at += 2
    }
  }

  #dollars(from: number): number {
    const { bytes, limit } = this
    let at = from + 2
    while (at + 1 < limit && !(bytes[at] === DOLLAR && bytes[at + 1] === DOLLAR)) at++
    return at + 1 < limit ? this.#take(STRING, at + 2) : this.#take(BROKEN, limit)
  }

  #symbolBytes(byte: number, at: number): number {
    if (at + 1 >= this.limit) return 1
    const second = this.bytes[at + 1]
    if (byte === DOT) return second === DOT ? 2 : 1
    // < > ! + -
    const takesEquals = byte === 0x3c || byte === 0x3e || byte === 0x21 || byte === 0x2b || byte === DASH
    return takesEquals && second === EQUALS ? 2 : 1
  }
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}
