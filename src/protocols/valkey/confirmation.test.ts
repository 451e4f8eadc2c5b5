import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WORD_MESSAGE, confirmedFamily, confirmedTotal, wordOf } from './confirmation.ts'
import { EFFECT_PUNSUBSCRIBE, EFFECT_SSUBSCRIBE, EFFECT_SUBSCRIBE, EFFECT_UNSUBSCRIBE } from './effects.ts'

/** What a server sends, its word, the family and the number of subscriptions that it tells. */
const SENT: readonly (readonly [bytes: string, word: number, family: number, total: number])[] = [
  ['*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:12\r\n', EFFECT_SUBSCRIBE, 0, 12],
  ['>3\r\n$10\r\nssubscribe\r\n$0\r\n\r\n:1\r\n', EFFECT_SSUBSCRIBE, 2, 1],
  ['*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:5\r\n', EFFECT_UNSUBSCRIBE, 0, 5],
  ['>3\r\n$12\r\npunsubscribe\r\n_\r\n:7\r\n', EFFECT_PUNSUBSCRIBE, 1, 7],
  ['*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n1\r\n', WORD_MESSAGE, -1, -1],
  ['*4\r\n$8\r\npmessage\r\n$1\r\na\r\n$1\r\na\r\n$1\r\n1\r\n', WORD_MESSAGE, -1, -1],
  ['*2\r\n$4\r\npong\r\n$0\r\n\r\n', 0, -1, -1],
  ['*1\r\n+subscribe\r\n', 0, -1, -1],
  ['*1\r\n$9\r\nSUBSCRIBE\r\n', 0, -1, -1],
  ['*1\r\n$9\r\nsubscr', 0, -1, -1],
  ['*0\r\n', 0, -1, -1],
  ['*', 0, -1, -1],
]

for (const [bytes, word, family, total] of SENT) {
  test(`${JSON.stringify(bytes)} tells ${total} subscriptions of family ${family}`, () => {
    const buffer = Buffer.from(`xx${bytes}`)
    assert.equal(wordOf(buffer, 2, buffer.length), word)
    assert.equal(confirmedFamily(buffer, 2), family)
    if (family >= 0) assert.equal(confirmedTotal(buffer, 2), total)
  })
}
