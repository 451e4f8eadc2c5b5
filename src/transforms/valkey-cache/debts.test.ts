import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Debts, SHARED_BYTES } from './debts.ts'

const EVERYTHING = ['t', 'u']
const one = (key: string) => [{ key, expiresMs: 0 }]

function begun(): { memory: SharedArrayBuffer; debts: Debts } {
  const memory = new SharedArrayBuffer(SHARED_BYTES)
  const debts = new Debts(memory, EVERYTHING)
  debts.adopt()
  debts.paid(debts.owed)
  return { memory, debts }
}

test('a process begins by owing everything, which the first thread that can pays for all', () => {
  const memory = new SharedArrayBuffer(SHARED_BYTES)
  const first = new Debts(memory, EVERYTHING)
  const second = new Debts(memory, EVERYTHING)
  assert.equal(first.areNone, false)
  second.adopt()
  first.adopt()
  assert.deepEqual(
    second.owed.map(({ key, isUnknown }) => `${key} ${isUnknown}`),
    EVERYTHING.map((key) => `${key} false`),
  )
  assert.deepEqual(first.owed, [])
  assert.equal(first.areNone, false)
  second.paid(second.owed)
  assert.equal(first.areNone, true)
})

test('with other tables than before all of them are owed', () => {
  const { memory, debts } = begun()
  const renewed = new Debts(memory, [...EVERYTHING, 'more'])
  assert.equal(renewed.areNone, false)
  renewed.adopt()
  assert.equal(renewed.owed.length, EVERYTHING.length + 1)
  renewed.paid(renewed.owed)
  assert.equal(renewed.areNone, true)
  assert.equal(debts.areNone, false, 'the one before has to look after itself')
})

test('what one thread owes all threads know, until it is paid', () => {
  const { memory, debts } = begun()
  const other = new Debts(memory, EVERYTHING)
  debts.add(one('k'), false)
  assert.equal(other.areNone, false)
  debts.paid(debts.owed)
  assert.equal(other.areNone, true)
})

test('what is owed anew while it is being paid stays owed', () => {
  const { debts } = begun()
  debts.add(one('k'), false)
  const paying = debts.owed
  debts.add(one('k'), false)
  debts.paid(paying)
  assert.equal(debts.areNone, false)
})

test('of several debts for one key the longest and least certain counts', () => {
  const { debts } = begun()
  debts.add([{ key: 'k', expiresMs: 500 }], true)
  debts.add(one('k'), false)
  assert.deepEqual(debts.owed, [{ key: 'k', expiresMs: 500, isUnknown: true }])
})

test('too many are owed as whole tables', () => {
  const { debts } = begun()
  for (let i = 0; i < 20_000; i++) debts.add([{ key: `t:${i}`, expiresMs: i }], false)
  assert.ok(debts.owed.length < 10_010)
  assert.ok(EVERYTHING.every((key) => debts.owed.some((owed) => owed.key === key && owed.isUnknown)))
})

for (const when of ['before', 'after'])
  test(`what is owed by one that ended, ${when} it ended, another makes up for with everything`, () => {
    const { memory, debts } = begun()
    const other = new Debts(memory, EVERYTHING)
    if (when === 'before') debts.add(one('k'), false)
    debts.close()
    if (when === 'after') debts.add(one('k'), false)
    assert.equal(other.areNone, false)
    other.adopt()
    assert.deepEqual(
      other.owed.map(({ key }) => key),
      EVERYTHING,
    )
    other.paid(other.owed)
    assert.equal(other.areNone, true)
  })
