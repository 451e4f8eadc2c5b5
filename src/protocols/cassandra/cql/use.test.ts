import assert from 'node:assert/strict'
import { test } from 'node:test'
import { usedKeyspace } from './use.ts'

const STATEMENTS: readonly (readonly [text: string, keyspace: string | null])[] = [
  ['USE ks', 'ks'],
  ['use Ks;', 'ks'],
  ['  \n\tUsE\n  "Ks" ;', 'Ks'],
  ['USE"a ""b"" c"', 'a "b" c'],
  ['-- which one?\nUSE ks', 'ks'],
  ['// which one?\r\nUSE /* this */ ks', 'ks'],
  ['/* USE not */ USE ks -- done', 'ks'],
  ['USE "ключ"', 'ключ'],
  ['USER ks', null],
  ['USED', null],
  ['SELECT * FROM use', null],
  ['', null],
  ['/* USE ks', null],
  ['-- USE ks', null],
  ['/', null],
  ['US', null],
  ['USE', ''],
  ['USE "ks', ''],
  ['USE ?', ''],
]

for (const [text, keyspace] of STATEMENTS) {
  test(`${JSON.stringify(text)} uses ${keyspace}`, () => {
    const bytes = Buffer.from(`....${text}....`)
    assert.equal(usedKeyspace(bytes, 4, bytes.length - 4), keyspace)
  })
}
