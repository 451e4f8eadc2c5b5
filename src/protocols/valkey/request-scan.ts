// Hot path
import { Frame } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { firstKey, isContainer, lookup } from './commands.ts'
import { encodeRequest } from './encode.ts'
import { splitInline } from './inline.ts'
import { errorFrame } from './failure.ts'
import { ARRAY, BULK, CR, LF, MINUS, REQUEST, ZERO } from './resp.ts'

/** Largest bulk string that a server takes unless told otherwise (proto-max-bulk-len). */
export const BULK_BYTES_MAX = 512 * 1024 * 1024
/** Most arguments of a request: Redis takes any 32-bit count. */
export const ARGUMENTS_MAX = 0x7fffffff
/** A negative count means no request at all; servers take any that fits into 64 bits. */
const NOTHING_DIGITS_MAX = 19
/** Longest inline request, and longest line of a length: PROTO_INLINE_MAX_SIZE. */
export const LINE_BYTES_MAX = 64 * 1024

/** A length has at most ten digits; with its type byte and line end this is more than enough to judge it. */
const HEADER_BYTES_MAX = 16

/**
 * Finds where a client's requests end. It builds no values, reads every length once and skips bulk strings unread, and goes on
 * where it stopped when more bytes have come. Follows `processMultibulkBuffer` and `processInlineBuffer` of Redis 7 and its
 * texts, but for line ends, which it wants whole: framing must not depend on which server reads it next.
 */
export class RequestScan {
  /** Where the current request begins. */
  from = 0
  /** Next byte to look at: the header or the bytes of an argument. */
  at = 0
  /** Arguments to come; -1 before the request's own header. */
  left = -1
  /** Arguments that are complete. */
  done = 0
  /** Bytes of the current bulk string that are to come, without its line end; -1 before its header. */
  rest = -1
  /** The command, see `commands.ts`. */
  code = 0
  /** A line without end was searched up to here. */
  #seen = 0
  /** An inline request, as the array that it stands for. */
  #rewritten: Buffer | null = null

  /** True: a request is `bytes[from, at)`. False: more bytes than `bytes[.., end)` are needed. */
  resume(bytes: Buffer, end: number): boolean {
    if (this.left < 0 && !this.#begin(bytes, end)) return false
    let at = this.at
    let left = this.left
    let done = this.done
    let rest = this.rest
    while (left > 0) {
      if (rest < 0) {
        let p = at + 1
        let length = 0
        let digit = 0
        while (p < end && (digit = bytes[p] - ZERO) >= 0 && digit <= 9) {
          length = length * 10 + digit
          p++
        }
        if (p + 1 >= end && p - at < HEADER_BYTES_MAX && (at >= end || bytes[at] === BULK)) break
        if (
          p + 1 >= end ||
          bytes[at] !== BULK ||
          bytes[p] !== CR ||
          bytes[p + 1] !== LF ||
          length > BULK_BYTES_MAX ||
          p === at + 1 ||
          (bytes[at + 1] === ZERO && p !== at + 2)
        ) {
          this.#refuse(bytes, at, end)
          break
        }
        at = p + 2
        rest = length
      }
      const tail = at + rest
      if (tail + 2 > end) break
      if (bytes[tail] !== CR || bytes[tail + 1] !== LF) throw refusal('invalid CRLF in request')
      if (done === 0) this.code = lookup(bytes, at, tail, 0)
      else if (done === 1 && isContainer[this.code] === 1) {
        const sub = lookup(bytes, at, tail, this.code)
        if (sub !== 0) this.code = sub
      }
      at = tail + 2
      rest = -1
      left--
      done++
    }
    this.at = at
    this.left = left
    this.done = done
    this.rest = rest
    return left === 0
  }

  /** Takes the frame that `resume` found and gets ready for the next. */
  take(bytes: Buffer, borrowed: boolean, flags: number): Frame {
    const frame = new Frame(bytes, this.from, this.at, REQUEST, this.code, borrowed)
    frame.flags = flags
    this.from = this.at
    this.left = -1
    this.done = 0
    this.code = 0
    if (this.#rewritten !== null) {
      frame.bytes = this.#rewritten
      frame.start = 0
      frame.end = frame.announced = frame.bytes.length
      frame.borrowed = false
      this.#rewritten = null
    }
    return frame
  }

  /** Takes what there is of a request that goes on. */
  takePart(bytes: Buffer, borrowed: boolean, flags: number): Frame {
    const frame = new Frame(bytes, this.from, this.at, REQUEST, this.code, borrowed)
    frame.flags = flags
    if (this.rest > 0) frame.announced += this.rest + 2
    this.from = this.at
    return frame
  }

  /** Bytes of the current request as far as they are known: those that came and the rest of the current bulk string. */
  announced(end: number): number {
    return Math.max(this.rest < 0 ? end : this.at + this.rest + 2, end) - this.from
  }

  /** At least so many bytes are missing, 1 or more. */
  missing(end: number): number {
    return this.rest < 0 ? 1 : this.at + this.rest + 2 - end
  }

  /** The command and its first key are known. */
  get routable(): boolean {
    return this.left > 0 && this.done > (isContainer[this.code] === 1 ? 1 : firstKey[this.code])
  }

  /** Consumes what there is of a bulk string, so that it can leave before the rest has come. */
  drain(_bytes: Buffer, end: number): void {
    if (this.rest <= 0) return
    const size = Math.min(end - this.at, this.rest)
    this.at += size
    this.rest -= size
  }

  /** The bytes were moved by `by`. */
  move(by: number): void {
    this.from += by
    this.at += by
    this.#seen += by
  }

  /** Reads the request's own header. Empty ones are skipped, as servers do. */
  #begin(bytes: Buffer, end: number): boolean {
    for (;;) {
      const at = this.at
      this.from = at
      if (at >= end) return false
      if (bytes[at] !== ARRAY) {
        if (!this.#inline(bytes, end)) return false
        if (this.left === 0) return true
        continue
      }
      let p = at + 1
      let count = 0
      let digit = 0
      const negative = p < end && bytes[p] === MINUS
      if (negative) p++
      const first = p
      while (p < end && (digit = bytes[p] - ZERO) >= 0 && digit <= 9) {
        count = count * 10 + digit
        p++
      }
      if (p + 1 >= end && p - at < HEADER_BYTES_MAX) return false
      if (
        p + 1 >= end ||
        bytes[p] !== CR ||
        bytes[p + 1] !== LF ||
        (negative ? p - first > NOTHING_DIGITS_MAX : count > ARGUMENTS_MAX) ||
        p === first ||
        (bytes[first] === ZERO && (negative || p !== first + 1))
      ) {
        this.#refuse(bytes, at, end)
        return false
      }
      this.at = p + 2
      if (count === 0 || negative) continue
      this.left = count
      this.rest = -1
      return true
    }
  }

  /** A line that is no array: its words as an array. Left is 0 when there is one; lines without a word are skipped. */
  #inline(bytes: Buffer, end: number): boolean {
    const lineEnd = this.#findLineEnd(bytes, LF, end)
    if ((lineEnd < 0 ? end : lineEnd) - this.at > LINE_BYTES_MAX) throw refusal('too big inline request')
    if (lineEnd < 0) return false
    const args = splitInline(bytes, this.at, lineEnd)
    if (args === null) throw refusal('unbalanced quotes in request')
    this.at = lineEnd + 1
    if (args.length === 0) return true
    const frame = encodeRequest(args)
    this.#rewritten = frame.bytes
    this.code = frame.code
    this.left = 0
    return true
  }

  /** Throws what a server would say of the header at `at`; returns where it would still wait for the line's end. */
  #refuse(bytes: Buffer, at: number, end: number): void {
    const isArray = bytes[at] === ARRAY && this.left < 0
    this.at = at
    const lineEnd = this.#findLineEnd(bytes, CR, end)
    if (lineEnd < 0) {
      if (end - at > LINE_BYTES_MAX) throw refusal(isArray ? 'too big mbulk count string' : 'too big bulk count string')
      return
    }
    if (!isArray && bytes[at] !== BULK) throw refusal(`expected '$', got '${String.fromCharCode(bytes[at])}'`)
    const text = bytes.toString('latin1', at + 1, lineEnd)
    const isLength = /^(0|-?[1-9]\d*)$/.test(text) && Number(text) <= (isArray ? ARGUMENTS_MAX : BULK_BYTES_MAX)
    if (isLength && (isArray || Number(text) >= 0)) throw refusal('invalid CRLF in request')
    throw refusal(isArray ? 'invalid multibulk length' : 'invalid bulk length')
  }

  #findLineEnd(bytes: Buffer, byte: number, end: number): number {
    const found = bytes.subarray(0, end).indexOf(byte, Math.max(this.at, this.#seen))
    this.#seen = found < 0 ? end : 0
    return found
  }
}

function refusal(text: string): ProtocolError {
  return new ProtocolError(text, errorFrame(`Protocol error: ${text}`))
}
