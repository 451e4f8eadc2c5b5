import assert from 'node:assert/strict'
import { test } from 'node:test'
import { globMatches } from './glob.ts'

const CASES: [pattern: string, text: string, matches: boolean][] = [
  ['*', '', true],
  ['a*c', 'abbc', true],
  ['a*c', 'abbd', false],
  ['h?llo', 'hello', true],
  ['h?llo', 'hllo', false],
  ['h[ae]llo', 'hallo', true],
  ['h[^e]llo', 'hello', false],
  ['h[a-c]llo', 'hbllo', true],
  ['h[c-a]llo', 'hbllo', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'axb', false],
  ['*a*b*', 'xxaxxbxx', true],
  ['abc', 'abcd', false],
  ['', '', true],
]
for (const [pattern, text, matches] of CASES)
  test(`${JSON.stringify(pattern)} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
    assert.equal(globMatches(pattern, text), matches)
  })

test('a hostile pattern is no trap', () => {
  assert.equal(globMatches(`${'a*'.repeat(50)}b`, 'a'.repeat(5000)), false)
})
