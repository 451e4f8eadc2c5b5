// Hot path
import { Frame } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import {
  ARRAY,
  ATTRIBUTE,
  BIG_NUMBER,
  BOOLEAN,
  BULK,
  BULK_ERROR,
  CHUNK,
  CR,
  DOUBLE,
  END,
  ERROR,
  INTEGER,
  LF,
  MAP,
  MINUS,
  NULL,
  PUSH,
  QUESTION,
  SET,
  SIMPLE,
  VERBATIM,
  ZERO,
} from './resp.ts'

/** Streamed aggregates inside each other. */
const STREAMED_DEPTH_MAX = 1000
/** A server may be told to hold larger values than its default of 512 MB; lengths stay exact integers far beyond. */
const LENGTH_MAX = 2 ** 46
/** Lines up to this long are searched by hand: a call of indexOf costs more. */
const SHORT_LINE_BYTES = 48

/** `#length` read a null: -1. */
const NIL = -1
/** `#length` read a question mark. */
const STREAMED = -2
/** `#length` found the line torn. */
const TORN = -3

/**
 * Finds where a server's replies end, of RESP2 and RESP3. A reply is `1` value; an aggregate replaces itself by its elements, so
 * that a count is all it takes, at any depth. Only streamed aggregates, whose end is not announced, need a stack.
 */
export class ReplyScan {
  /** Where the current reply begins, its attributes included. */
  from = 0
  /** Next byte to look at. */
  at = 0
  /** Values to come, of the innermost streamed aggregate where one is open. */
  left = 1
  /** Bytes of the current bulk string to come, without its line end; -1 outside of one. */
  rest = -1
  /** Type byte of the reply. */
  kind = 0
  /** Inside a line whose type byte was consumed with an earlier part. */
  #inLine = false
  /** Inside a streamed string. */
  #chunked = false
  /** Values to come behind each open streamed aggregate. */
  readonly #groups: number[] = []
  /** A line without end was searched up to here. */
  #seen = 0
  /** Where the line that `#length` read ends. */
  #next = 0

  /** True: a reply is `bytes[from, at)`. False: more bytes than `bytes[.., end)` are needed. */
  resume(bytes: Buffer, end: number): boolean {
    for (;;) {
      if (this.rest < 0 && !this.#inLine && !this.#chunked) {
        if (this.left > 0) this.#skipPlain(bytes, end)
        if (this.left === 0 && this.#groups.length === 0) return true
      }
      if (!this.#step(bytes, end)) return false
    }
  }

  /** Takes the frame that `resume` found and gets ready for the next. */
  take(bytes: Buffer, borrowed: boolean, flags: number): Frame {
    const frame = new Frame(bytes, this.from, this.at, this.kind, 0, borrowed)
    frame.flags = flags
    this.from = this.at
    this.left = 1
    this.kind = 0
    return frame
  }

  /** Takes what there is of a reply that goes on. */
  takePart(bytes: Buffer, borrowed: boolean, flags: number): Frame {
    const frame = new Frame(bytes, this.from, this.at, this.kind, 0, borrowed)
    frame.flags = flags
    if (this.rest > 0) frame.announced += this.rest + 2
    this.from = this.at
    return frame
  }

  /** Bytes of the current reply as far as they are known: those that came and the rest of the current bulk string. */
  announced(end: number): number {
    return Math.max(this.rest < 0 ? end : this.at + this.rest + 2, end) - this.from
  }

  /** At least so many bytes are missing, 1 or more. */
  missing(end: number): number {
    return this.rest < 0 ? 1 : this.at + this.rest + 2 - end
  }

  /** Something of it is known. */
  get routable(): boolean {
    return this.kind !== 0
  }

  /** Consumes what there is of a bulk string or a line, so that it can leave before the rest has come. */
  drain(bytes: Buffer, end: number): void {
    if (this.rest > 0) {
      const size = Math.min(end - this.at, this.rest)
      this.at += size
      this.rest -= size
    } else if (this.rest < 0 && this.at < end && (this.#inLine || isLine(bytes[this.at]))) {
      // Not a carriage return at the end: its line feed is looked for together with it.
      const last = bytes[end - 1] === CR ? end - 1 : end
      if (last <= this.at) return
      this.#inLine = true
      this.at = last
    }
  }

  /** The bytes were moved by `by`. */
  move(by: number): void {
    this.from += by
    this.at += by
    this.#seen += by
  }

  /** Consumes what most replies are made of, as far as it is whole: bulk strings, lines and arrays. */
  #skipPlain(bytes: Buffer, end: number): void {
    let at = this.at
    let left = this.left
    while (left > 0 && at < end) {
      const type = bytes[at]
      let p = at + 1
      let more = -1
      if (type === BULK || type === ARRAY) {
        let length = 0
        let digit = 0
        while (p < end && (digit = bytes[p] - ZERO) >= 0 && digit <= 9) {
          length = length * 10 + digit
          p++
        }
        if (p + 1 >= end || p === at + 1 || length > LENGTH_MAX || bytes[p] !== CR || bytes[p + 1] !== LF) break
        p += 2
        if (type === BULK) {
          p += length + 2
          if (p > end || bytes[p - 2] !== CR || bytes[p - 1] !== LF) break
        } else more = length - 1
      } else if (type === SIMPLE || type === INTEGER) {
        const near = Math.min(end - 1, p + SHORT_LINE_BYTES)
        while (p < near && bytes[p] !== CR) p++
        if (p >= near || bytes[p + 1] !== LF) break
        p += 2
      } else break
      if (this.kind === 0 && left === 1) this.kind = type
      left += more
      at = p
    }
    this.at = at
    this.left = left
  }

  /** Consumes one value, or a piece of one, of any type. False: it is torn. */
  #step(bytes: Buffer, end: number): boolean {
    const at = this.at
    if (this.rest >= 0) {
      const tail = at + this.rest
      if (tail + 2 > end) return false
      if (bytes[tail] !== CR || bytes[tail + 1] !== LF) throw new ProtocolError('bulk string without its line end')
      this.at = tail + 2
      this.rest = -1
      if (!this.#chunked) this.left--
      return true
    }
    if (at >= end) return false
    if (this.#inLine) {
      if (!this.#skipLine(bytes, at, end)) return false
      this.left--
      return true
    }
    const type = bytes[at]
    if (this.#chunked !== (type === CHUNK)) throw new ProtocolError('a streamed string is made of chunks alone')
    if (this.left === 0) {
      if (type === END) {
        if (!this.#skipLine(bytes, at + 1, end)) return false
        this.left = this.#groups.pop()!
        return true
      }
      this.left = 1
    }
    if (this.kind === 0 && this.left === 1 && type !== ATTRIBUTE) this.kind = type
    return this.#value(type, bytes, at, end)
  }

  /** Reads the header of a value, or all of it if it is a line. */
  #value(type: number, bytes: Buffer, at: number, end: number): boolean {
    switch (type) {
      case BULK:
      case BULK_ERROR:
      case VERBATIM:
      case CHUNK: {
        const length = this.#length(bytes, at + 1, end)
        if (length === TORN) return false
        if (length === STREAMED && type === BULK) this.#chunked = true
        else if (length === NIL && type === BULK) this.left--
        else if (length < 0) throw new ProtocolError('invalid length of a bulk string')
        else if (type === CHUNK && length === 0) {
          this.#chunked = false
          this.left--
        } else this.rest = length
        this.at = this.#next
        return true
      }
      case SIMPLE:
      case ERROR:
      case INTEGER:
      case NULL:
      case BOOLEAN:
      case DOUBLE:
      case BIG_NUMBER:
        if (!this.#skipLine(bytes, at + 1, end)) return false
        this.left--
        return true
      case ARRAY:
      case SET:
      case PUSH:
      case MAP:
      case ATTRIBUTE: {
        const count = this.#length(bytes, at + 1, end)
        if (count === TORN) return false
        if (count === STREAMED && type !== ATTRIBUTE && type !== PUSH) this.#open()
        else if (count === NIL && type === ARRAY) this.left--
        else if (count < 0) throw new ProtocolError('invalid length of an aggregate')
        else this.left += (type === MAP || type === ATTRIBUTE ? 2 * count : count) - (type === ATTRIBUTE ? 0 : 1)
        this.at = this.#next
        return true
      }
      default:
        throw new ProtocolError(`unknown type byte ${type} of a reply`)
    }
  }

  #open(): void {
    if (this.#groups.length === STREAMED_DEPTH_MAX) throw new ProtocolError('streamed aggregates nested too deep')
    this.#groups.push(this.left - 1)
    this.left = 0
  }

  /** The number of the line at `at`; `#next` is where the line behind it begins. */
  #length(bytes: Buffer, at: number, end: number): number {
    let p = at
    let length = 0
    let digit = 0
    while (p < end && (digit = bytes[p] - ZERO) >= 0 && digit <= 9) {
      length = length * 10 + digit
      p++
    }
    if (length > LENGTH_MAX) throw new ProtocolError('length out of range')
    if (p === at && p < end) {
      if (bytes[p] === QUESTION) {
        length = STREAMED
        p++
      } else if (bytes[p] === MINUS && (p + 1 === end || bytes[p + 1] === ZERO + 1)) {
        length = NIL
        p = Math.min(p + 2, end)
      } else throw new ProtocolError('invalid length')
    }
    if (p < end && bytes[p] !== CR) throw new ProtocolError('invalid length')
    if (p + 1 >= end) return TORN
    if (bytes[p + 1] !== LF) throw new ProtocolError('length without its line end')
    this.#next = p + 2
    return length
  }

  /** Consumes the line that goes on at `from`. */
  #skipLine(bytes: Buffer, from: number, end: number): boolean {
    let p = Math.max(from, this.#seen)
    const near = Math.min(end, p + SHORT_LINE_BYTES)
    while (p < near && bytes[p] !== LF) p++
    // A line feed alone does not end a line.
    if (p < end && (p === near || bytes[p - 1] !== CR)) p = findLineFeed(bytes, p, end)
    if (p >= end) {
      this.#seen = end
      return false
    }
    this.at = p + 1
    this.#seen = 0
    this.#inLine = false
    return true
  }
}

/** The first line feed behind a carriage return in `bytes[from, end)`, or `end`. */
function findLineFeed(bytes: Buffer, from: number, end: number): number {
  const within = bytes.subarray(0, end)
  let p = within.indexOf(LF, from)
  while (p >= 0 && bytes[p - 1] !== CR) p = within.indexOf(LF, p + 1)
  return p < 0 ? end : p
}

/** May a value of this type be a long line? */
function isLine(type: number): boolean {
  return type === SIMPLE || type === ERROR || type === BIG_NUMBER
}
