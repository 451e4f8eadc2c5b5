import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { BLOB, BROKEN, END, Lexer, NUMBER, QUOTED, STRING, SYMBOL, UUID, WORD } from './lexer.ts'

function tokens(text: string): [kind: number, text: string][] {
  // What stands behind the text must not be read.
  const bytes = Buffer.from(`${text}' "x" -- */ a.b`)
  const lexer = new Lexer(bytes, 0, Buffer.byteLength(text))
  const found: [number, string][] = []
  while (lexer.next() !== END) found.push([lexer.kind, lexer.text])
  return found
}

const words = (...texts: string[]): [number, string][] => texts.map((text) => [WORD, text])

const TEXTS: readonly (readonly [text: string, tokens: [kind: number, text: string][]])[] = [
  ['', []],
  ['  \t\r\n', []],
  ['SELECT Name_1', words('select', 'name_1')],
  ['a-- b\nc // d\re', words('a', 'c', 'e')],
  ['a/* b\n -- */c/**/d', words('a', 'c', 'd')],
  ['a --', words('a')],
  ['/* a', [[BROKEN, '']]],
  ['"A ""b"" \'"', [[QUOTED, 'A "b" \'']]],
  ["'it''s' ''", [[STRING, "it's"], [STRING, '']]], // prettier-ignore
  ['$$it\'s $1$$', [[STRING, "it's $1"]]], // prettier-ignore
  ["'a", [[BROKEN, "'a"]]],
  ['"a', [[BROKEN, '"a']]],
  ['$$a$', [[BROKEN, '$$a$']]],
  ['$', [[SYMBOL, '$']]],
  ['0x 0xCAFE 0Xf', [[BLOB, '0x'], [BLOB, '0xCAFE'], [BLOB, '0Xf']]], // prettier-ignore
  ['1 1.5 1. 1e10 1.5E-3 2e', [[NUMBER, '1'], [NUMBER, '1.5'], [NUMBER, '1.'], [NUMBER, '1e10'], [NUMBER, '1.5E-3'], [NUMBER, '2'], [WORD, 'e']]], // prettier-ignore
  ['1..2', [[NUMBER, '1'], [SYMBOL, '..'], [NUMBER, '2']]], // prettier-ignore
  ['1FROM 2x 3.5h 1d2x', [[NUMBER, '1'], [WORD, 'from'], [NUMBER, '2'], [WORD, 'x'], [NUMBER, '3.5'], [WORD, 'h'], [NUMBER, '1d2x']]], // prettier-ignore
  ['1y2MO3w4d5h6m7s8ms9us10ns', [[NUMBER, '1y2MO3w4d5h6m7s8ms9us10ns']]],
  ['12h30m 5µs', [[NUMBER, '12h30m'], [NUMBER, '5µs']]], // prettier-ignore
  ['-1', [[SYMBOL, '-'], [NUMBER, '1']]], // prettier-ignore
  ['01234567-89ab-cdef-0123-456789ABCDEF', [[UUID, '01234567-89ab-cdef-0123-456789ABCDEF']]],
  ['abcdef01-89ab-cdef-0123-456789ABCDEF', [[UUID, 'abcdef01-89ab-cdef-0123-456789ABCDEF']]],
  ['k>=?', [[WORD, 'k'], [SYMBOL, '>='], [SYMBOL, '?']]], // prettier-ignore
  ['a+=b!=c-=:d', [[WORD, 'a'], [SYMBOL, '+='], [WORD, 'b'], [SYMBOL, '!='], [WORD, 'c'], [SYMBOL, '-='], [SYMBOL, ':'], [WORD, 'd']]], // prettier-ignore
  ['a.b', [[WORD, 'a'], [SYMBOL, '.'], [WORD, 'b']]], // prettier-ignore
]

for (const [text, expected] of TEXTS) {
  test(`the tokens of ${JSON.stringify(text)}`, () => assert.deepEqual(tokens(text), expected))
}

test('any bytes have tokens that end, in order, within the text', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (text) => {
      const lexer = new Lexer(Buffer.from(text), 0, text.length)
      let at = 0
      while (lexer.next() !== END) {
        assert.ok(lexer.start >= at && lexer.end > at && lexer.end <= text.length)
        at = lexer.end
        assert.equal(typeof lexer.text, 'string')
      }
    }),
  )
})
