import { EFFECT_SUBSCRIBE } from './effects.ts'
import { BULK, CR, INTEGER, MINUS, ZERO } from './resp.ts'

/** A published message. */
export const WORD_MESSAGE = 7

/** First words of what publish/subscribe sends; those of confirmations stand for the effects of the requests they confirm. */
const WORDS = new Map([
  ['subscribe', EFFECT_SUBSCRIBE],
  ['psubscribe', EFFECT_SUBSCRIBE + 1],
  ['ssubscribe', EFFECT_SUBSCRIBE + 2],
  ['unsubscribe', EFFECT_SUBSCRIBE + 3],
  ['punsubscribe', EFFECT_SUBSCRIBE + 4],
  ['sunsubscribe', EFFECT_SUBSCRIBE + 5],
  ['message', WORD_MESSAGE],
  ['pmessage', WORD_MESSAGE],
  ['smessage', WORD_MESSAGE],
])
const WORD_BYTES_MIN = 7
const WORD_BYTES_MAX = 12

/** What the aggregate `bytes[start, end)` is to publish/subscribe: EFFECT_SUBSCRIBE ..., WORD_MESSAGE, or 0: none of it. */
export function wordOf(bytes: Buffer, start: number, end: number): number {
  const header = lineEnd(bytes, start, end)
  if (header >= end || bytes[header] !== BULK) return 0
  const from = lineEnd(bytes, header, end)
  const length = numberAt(bytes, header + 1)
  if (length < WORD_BYTES_MIN || length > WORD_BYTES_MAX || from + length > end) return 0
  return WORDS.get(bytes.toString('latin1', from, from + length)) ?? 0
}

/** The family of a whole confirmation: 0 channels, 1 patterns, 2 shard channels; -1: it is none. */
export function confirmedFamily(bytes: Buffer, start: number): number {
  const word = wordOf(bytes, start, bytes.length)
  return word === 0 || word === WORD_MESSAGE ? -1 : (word - EFFECT_SUBSCRIBE) % 3
}

/** The number of subscriptions that a whole confirmation tells, -1 where it tells none. */
export function confirmedTotal(bytes: Buffer, start: number): number {
  const { length } = bytes
  const word = lineEnd(bytes, start, length)
  const channel = lineEnd(bytes, word, length) + numberAt(bytes, word + 1) + 2
  let total = lineEnd(bytes, channel, length)
  // Where there was nothing to unsubscribe from, a null of one line stands for the channel.
  if (bytes[channel] === BULK && bytes[channel + 1] !== MINUS) total += numberAt(bytes, channel + 1) + 2
  return bytes[total] === INTEGER ? numberAt(bytes, total + 1) : -1
}

function lineEnd(bytes: Buffer, from: number, end: number): number {
  let p = from
  while (p < end && bytes[p] !== CR) p++
  return p + 2
}

function numberAt(bytes: Buffer, from: number): number {
  let number = 0
  for (let p = from; p < bytes.length && bytes[p] !== CR; p++) number = number * 10 + bytes[p] - ZERO
  return number
}
