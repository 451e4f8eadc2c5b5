import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asMarkdown, asText, figure } from './layout.ts'

const ROWS = [['', 'P=1', 'P=16'], ['CPU us'], ['direct', '9.50', '1.4'], ['x', '10', '']]

test('labels stand left, figures right, and a label alone starts a section', () => {
  assert.equal(
    asText(ROWS),
    ['         P=1  P=16', '------  ----  ----', 'CPU us', 'direct  9.50   1.4', 'x         10'].join('\n'),
  )
})

test('Markdown has a rule under its head and every row the same columns', () => {
  const lines = asMarkdown(ROWS).split('\n')
  assert.equal(lines[1], '| ---------- | ---: | ---: |')
  assert.equal(lines[2], '| **CPU us** |      |      |')
  assert.deepEqual(new Set(lines.map((line) => line.length)).size, 1)
  assert.deepEqual(new Set(lines.map((line) => line.split('|').length)), new Set([5]))
})

for (const [value, text] of [
  [0.4712, '0.47'],
  [9.994, '9.99'],
  [12.34, '12.3'],
  [145.4, '145'],
  [NaN, '-'],
] as const)
  test(`${value} is written ${text}`, () => assert.equal(figure(value), text))
