import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from './random.ts'

function draws(seed: number): number[] {
  const random = new SimRandom(seed)
  return Array.from({ length: 100 }, () => random.next())
}

test('the same seed gives the same numbers, another one others', () => {
  assert.deepEqual(draws(42), draws(42))
  assert.notDeepEqual(draws(42), draws(43))
})

test('numbers are uniform in [0, 1)', () => {
  const random = new SimRandom(1)
  const buckets = new Array<number>(10).fill(0)
  for (let i = 0; i < 100_000; i++) buckets[Math.floor(random.next() * 10)]!++
  for (const count of buckets) assert.ok(count > 9_600 && count < 10_400, `bucket of ${count}`)
})

test('between reaches both ends and nothing outside them', () => {
  const random = new SimRandom(3)
  const seen = new Set(Array.from({ length: 500 }, () => random.between(2, 5)))
  assert.deepEqual(
    [...seen].sort((a, b) => a - b),
    [2, 3, 4, 5],
  )
})

test('a chance of 0 or 1 draws nothing, so that a fault turned off does not shift the others', () => {
  const one = new SimRandom(9)
  const other = new SimRandom(9)
  assert.equal(one.chance(0), false)
  assert.equal(one.chance(1), true)
  assert.equal(one.next(), other.next())
})
