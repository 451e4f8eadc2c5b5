import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEBUG, DirectiveError, ERROR, INFO, OFF, TRACE, WARN, levelFor, parseDirectives } from './log-directives.ts'

const ACCEPTED: [string, [string, number][]][] = [
  ['info', [['', INFO]]],
  ['INFO', [['', INFO]]],
  [
    '  info ,shotover=info,  shotover::connection_span=info ',
    [
      ['', INFO],
      ['shotover', INFO],
      ['shotover::connection_span', INFO],
    ],
  ],
  [
    '0,1,2,3,4,5',
    [
      ['', OFF],
      ['', ERROR],
      ['', WARN],
      ['', INFO],
      ['', DEBUG],
      ['', TRACE],
    ],
  ],
  ['off', [['', OFF]]],
  ['shotover::server = 4', [['shotover::server', DEBUG]]],
  ['shotover', [['shotover', TRACE]]],
  ['shotover::server', [['shotover::server', TRACE]]],
  ['', []],
  [', ,', []],
]
for (const [text, expected] of ACCEPTED) {
  test(`directives "${text}" are read`, () => {
    assert.deepEqual(
      parseDirectives(text).map(({ target, level }) => [target, level]),
      expected,
    )
  })
}

const REFUSED: [string, string][] = [
  ['good=info,bad=blah,warn', 'bad=blah'],
  ['inof', 'inof'],
  ['6', '6'],
  ['shotover=', 'shotover='],
  ['=info', '=info'],
  ['a=b=info', 'a=b=info'],
  ['shotover[span]=info', 'shotover[span]=info'],
]
for (const [text, directive] of REFUSED) {
  test(`directives "${text}" are refused for "${directive}"`, () => {
    assert.throws(
      () => parseDirectives(text),
      (error) =>
        error instanceof DirectiveError &&
        error.message ===
          `error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: ${directive}`,
    )
  })
}

const LEVELS: [string, string, number][] = [
  ['', 'shotover::server', ERROR],
  ['info', 'shotover::server', INFO],
  ['info,shotover=warn', 'shotover::server', WARN],
  ['shotover=warn,info', 'shotover::server', WARN],
  ['shotover::server=debug,shotover=warn,info', 'shotover::server', DEBUG],
  ['shotover::server=debug,shotover=warn,info', 'shotover::runner', WARN],
  ['shotover::server=debug,shotover=warn,info', 'other', INFO],
  ['info,warn', 'shotover', WARN],
  ['shotover=off', 'shotover', OFF],
]
for (const [text, target, level] of LEVELS) {
  test(`with "${text}", ${target} has level ${level}`, () => {
    assert.equal(levelFor(parseDirectives(text), target), level)
  })
}
