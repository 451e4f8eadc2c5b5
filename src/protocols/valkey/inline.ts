import type { Frame } from '../../core/frame.ts'
import { encodeRequest } from './encode.ts'

const SPACE = 0x20
const DOUBLE_QUOTE = 0x22
const SINGLE_QUOTE = 0x27
const BACKSLASH = 0x5c
const LOWER_X = 0x78

/** What stands for a byte after a backslash between double quotes; other bytes stand for themselves. */
const ESCAPES: Record<number, number> = { 0x6e: 0x0a, 0x72: 0x0d, 0x74: 0x09, 0x62: 0x08, 0x61: 0x07 }

/**
 * Words of an inline request, `bytes[from, to)`, as `sdssplitargs` of Redis finds them: parted by white space, `"..."` with
 * escapes, `'...'` with `\'` alone, a quote only before white space or the end. Null: the quotes don't balance.
 */
export function splitInline(bytes: Uint8Array, from: number, to: number): Buffer[] | null {
  const args: Buffer[] = []
  let at = from
  for (;;) {
    while (at < to && isSpace(bytes[at])) at++
    if (at === to) return args
    const word: number[] = []
    while (at < to && !isSpace(bytes[at])) {
      const byte = bytes[at++]
      if (byte === DOUBLE_QUOTE) at = doubleQuoted(bytes, at, to, word)
      else if (byte === SINGLE_QUOTE) at = singleQuoted(bytes, at, to, word)
      else word.push(byte)
      if (at < 0) return null
    }
    args.push(Buffer.from(word))
  }
}

/** Position behind the closing quote, or -1. */
function doubleQuoted(bytes: Uint8Array, from: number, to: number, word: number[]): number {
  let at = from
  while (at < to) {
    const byte = bytes[at++]
    if (byte === DOUBLE_QUOTE) return at === to || isSpace(bytes[at]) ? at : -1
    if (byte !== BACKSLASH || at === to) {
      word.push(byte)
    } else if (bytes[at] === LOWER_X && at + 2 < to && hex(bytes[at + 1]) >= 0 && hex(bytes[at + 2]) >= 0) {
      word.push(hex(bytes[at + 1]) * 16 + hex(bytes[at + 2]))
      at += 3
    } else {
      const escaped = bytes[at++]
      word.push(ESCAPES[escaped] ?? escaped)
    }
  }
  return -1
}

/** Position behind the closing quote, or -1. */
function singleQuoted(bytes: Uint8Array, from: number, to: number, word: number[]): number {
  let at = from
  while (at < to) {
    const byte = bytes[at++]
    if (byte === SINGLE_QUOTE) return at === to || isSpace(bytes[at]) ? at : -1
    if (byte === BACKSLASH && at < to && bytes[at] === SINGLE_QUOTE) word.push(bytes[at++])
    else word.push(byte)
  }
  return -1
}

function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= 0x09 && byte <= 0x0d)
}

function hex(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

/** A command as one types it, quoted as for redis-cli. */
export function typedRequest(line: string): Frame {
  const bytes = Buffer.from(line)
  const words = splitInline(bytes, 0, bytes.length)
  if (words === null) throw new Error('its quotes are not closed')
  if (words.length === 0) throw new Error('it is empty')
  return encodeRequest(words)
}
