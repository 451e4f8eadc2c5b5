import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scanOrder, scanStep } from './scan-order.ts'

test('a scan finds whatever stays, although names come and go between its steps', () => {
  const names = new Set(Array.from({ length: 500 }, (_, i) => `stays:${i}`))
  const found = new Set<string>()
  let cursor = 0
  let round = 0
  do {
    const step = scanStep(scanOrder(names), cursor, 7)
    for (const name of step.names) found.add(name)
    cursor = step.cursor
    names.add(`comes:${round}`)
    names.delete(`comes:${round - 5}`)
    assert.ok(++round < 200, 'it ends')
  } while (cursor !== 0)
  for (let i = 0; i < 500; i++) assert.ok(found.has(`stays:${i}`))
})
