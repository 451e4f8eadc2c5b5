import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helloOf } from './hello.ts'

const hello = (text: string) => helloOf(text.split(' ').map((word) => Buffer.from(word === "''" ? '' : word)))

test('a plain HELLO tells version, identity and name', () => {
  const alice = [Buffer.from('alice'), Buffer.from('pw')]
  for (const [text, expected] of [
    ['HELLO', { resp: null, credentials: null, name: null }],
    ['HELLO 2', { resp: 2, credentials: null, name: null }],
    ['HELLO 3', { resp: 3, credentials: null, name: null }],
    ['HELLO 3 auth alice pw', { resp: 3, credentials: alice, name: null }],
    ['HELLO 3 SetName me AUTH alice pw', { resp: 3, credentials: alice, name: Buffer.from('me') }],
    ["HELLO 2 SETNAME ''", { resp: 2, credentials: null, name: Buffer.from('') }],
  ] as const)
    assert.deepEqual(hello(text), expected, text)
})

test('a HELLO that may do half of what it says is no plain one', () => {
  for (const text of [
    'HELLO 4',
    'HELLO x',
    'HELLO 03',
    'HELLO 3 AUTH',
    'HELLO 3 AUTH alice',
    'HELLO 3 AUTH alice pw NONSENSE',
    'HELLO 3 AUTH alice pw AUTH bob pw',
    'HELLO 3 AUTH alice pw SETNAME',
    'HELLO 3 AUTH alice pw SETNAME a\tb',
    'HELLO 3 SETNAME a SETNAME b',
  ])
    assert.equal(hello(text), null, text)
})
