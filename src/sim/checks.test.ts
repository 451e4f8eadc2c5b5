import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Checks, Violation } from './checks.ts'

const FACT = { session: 1, key: '0/k', kind: 'plain' } as const

function words(...all: string[]): Buffer[] {
  return all.map((word) => Buffer.from(word))
}

const BROKEN: [name: string, story: (checks: Checks) => void, text: RegExp][] = [
  [
    'a write executed twice',
    (checks) => {
      checks.sent('t1.1p', FACT)
      checks.executed(0, words('SET', 'k', 't1.1p'), false)
      checks.executed(0, words('SET', 'k', 't1.1p:xyz'), false)
    },
    /executed twice/,
  ],
  ['a write that nobody sent', (checks) => checks.executed(0, words('SET', 'k', 't9.9p'), false), /never sent/],
  [
    'a part of a transaction outside it',
    (checks) => {
      checks.sent('t1.1t', { ...FACT, kind: 'transaction' })
      checks.executed(0, words('SET', 'k', 't1.1t'), false)
    },
    /outside its transaction/,
  ],
  [
    'a discarded write',
    (checks) => {
      checks.sent('t1.1n', { ...FACT, kind: 'never' })
      checks.executed(0, words('SET', 'k', 't1.1n'), true)
    },
    /given up/,
  ],
  [
    'a write in another database',
    (checks) => {
      checks.sent('t1.1p', FACT)
      checks.executed(3, words('SET', 'k', 't1.1p'), false)
    },
    /in database 3/,
  ],
  [
    'an answer without an execution',
    (checks) => {
      checks.sent('t1.1p', FACT)
      checks.settled('t1.1p')
      checks.finish()
    },
    /never executed/,
  ],
  [
    'two writes of a session to one key in the wrong order',
    (checks) => {
      for (const tag of ['t1.1p', 't1.2p']) checks.sent(tag, FACT)
      for (const tag of ['t1.2p', 't1.1p']) checks.executed(0, words('SET', 'k', tag), false)
      for (const tag of ['t1.1p', 't1.2p']) checks.settled(tag)
      checks.finish()
    },
    /out of order/,
  ],
  [
    'a lost update of a watched counter',
    (checks) => {
      checks.executed(0, words('SET', 'raised', '1'), true)
      checks.executed(0, words('SET', 'raised', '1'), true)
    },
    /an update was lost/,
  ],
  [
    'a counter raised twice to one value',
    (checks) => {
      checks.raised('0/raised', 1)
      checks.raised('0/raised', 1)
    },
    /two transactions/,
  ],
  [
    'an item given to two consumers',
    (checks) => {
      checks.sent('t1.1p', { ...FACT, key: '0/queue' })
      checks.taken('t1.1p')
      checks.taken('t1.1p')
    },
    /two consumers/,
  ],
  [
    'a message on another channel',
    (checks) => {
      checks.sent('t1.1p', { ...FACT, key: '0/news' })
      checks.received(2, 'other', 't1.1p')
    },
    /came on other/,
  ],
  [
    'a message that comes twice',
    (checks) => {
      checks.sent('t1.1p', { ...FACT, key: '0/news' })
      checks.received(2, 'news', 't1.1p')
      checks.received(2, 'news', 't1.1p')
    },
    /twice/,
  ],
  [
    'messages in the wrong order',
    (checks) => {
      for (const tag of ['t1.1p', 't1.2p']) {
        checks.sent(tag, { ...FACT, key: '0/news' })
        checks.executed(0, words('PUBLISH', 'news', tag), false)
        checks.settled(tag)
      }
      for (const tag of ['t1.2p', 't1.1p']) checks.received(2, 'news', tag)
      checks.finish()
    },
    /out of order: messages/,
  ],
]
for (const [name, story, text] of BROKEN)
  test(`${name} is found`, () => {
    assert.throws(
      () => story(new Checks(false)),
      (error) => error instanceof Violation && text.test(error.message),
    )
  })

test('a write whose outcome is unknown may come late, after others', () => {
  const checks = new Checks(true)
  for (const tag of ['t1.1p', 't1.2p']) checks.sent(tag, FACT)
  checks.executed(0, words('SET', 'k', 't1.2p'), false)
  checks.settled('t1.2p')
  checks.executed(0, words('SET', 'k', 't1.1p'), false)
  checks.finish()
  assert.equal(checks.executedCount, 2)
})
