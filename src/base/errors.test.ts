import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assert as hold, AssertionError } from './assert.ts'
import { causesOf, systemErrorText, withCauses } from './errors.ts'

const texts: [message: string, causes: string[], text: string][] = [
  ['it failed', [], 'it failed'],
  ['it failed', ['refused'], 'it failed\n\nCaused by:\n    refused'],
  ['it failed', ['one\ntwo'], 'it failed\n\nCaused by:\n    one\n    two'],
  ['it failed', ['outer', 'inner\nmore'], 'it failed\n\nCaused by:\n    0: outer\n    1: inner\n       more'],
]

for (const [message, causes, text] of texts) {
  test(`the text of an error with ${causes.length} causes: ${JSON.stringify(causes)}`, () => {
    assert.equal(withCauses(message, causes), text)
  })
}

test('causes are listed outermost first, up to 16, and a cause that is no error ends the list', () => {
  assert.deepEqual(causesOf(new Error('a', { cause: new Error('b', { cause: 'c' }) })), ['a', 'b'])
  const loop = new Error('loop')
  loop.cause = loop
  assert.equal(causesOf(loop).length, 16)
})

test('an error of the system has the words that Rust gives it; any other its own', () => {
  assert.equal(
    systemErrorText(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })),
    'Connection refused (os error 111)',
  )
  assert.equal(systemErrorText(Object.assign(new Error('odd'), { code: 'EODD' })), 'odd')
  assert.equal(systemErrorText(new Error('plain')), 'plain')
})

test('an assertion that holds says nothing, one that does not throws its message', () => {
  hold(true, 'never')
  assert.throws(() => hold(false, 'the ring is empty'), AssertionError)
  assert.throws(() => hold(false, 'the ring is empty'), /the ring is empty/)
})
