import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram, addBuckets, quantile } from './histogram.ts'

const PARTS = [0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1]

/** The value at the rank that `quantile` is to find, from all values. */
function exact(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil(part * sorted.length)) - 1]
}

for (const [unit, unitsPerOne, largest] of [
  ['sizes', 1, 100_000],
  ['seconds', 1_000_000, 2],
] as const) {
  test(`quantiles of ${unit} are right to 1 part in 64`, () => {
    const histogram = new Histogram(unitsPerOne)
    const values: number[] = []
    let state = 12345
    for (let i = 0; i < 5000; i++) {
      state = (state * 1103515245 + 12345) % 2147483648
      // Small values are as frequent as large ones.
      const value = largest ** (state / 2147483648)
      values.push(unit === 'sizes' ? Math.round(value) : value / 10)
      histogram.observe(values.at(-1)!)
    }
    for (const part of PARTS) {
      const is = quantile(histogram.buckets(), part, unitsPerOne)
      const should = exact(values, part)
      assert.ok(Math.abs(is - should) <= should / 64 + 0.5 / unitsPerOne, `${part}: ${is}, not ${should}`)
    }
    assert.equal(histogram.count, 5000)
    assert.ok(Math.abs(histogram.sum - values.reduce((a, b) => a + b)) < 1e-6)
  })
}

test('whole numbers below 64 are exact', () => {
  for (let value = 0; value < 64; value++) {
    const histogram = new Histogram(1)
    histogram.observe(value)
    assert.equal(quantile(histogram.buckets(), 0.5, 1), value)
  }
})

test('values on both sides of a power of two stay in order', () => {
  let before = -1
  for (let value = 0; value < 5000; value++) {
    const histogram = new Histogram(1)
    histogram.observe(value)
    const found = quantile(histogram.buckets(), 1, 1)
    assert.ok(found >= before, `${value} comes out as ${found}, a smaller one as ${before}`)
    before = found
  }
})

test('what is too large counts as the largest, what is no number not at all', () => {
  const histogram = new Histogram(1)
  for (const value of [1e30, Infinity]) histogram.observe(value)
  for (const value of [NaN, -1]) histogram.observe(value)
  assert.equal(histogram.count, 2)
  const found = quantile(histogram.buckets(), 1, 1)
  assert.ok(found > 2 ** 30 && found < 2 ** 31, String(found))
})

test('a value is seen through three windows and forgotten with the third rotation, its sum and count never', () => {
  const histogram = new Histogram(1)
  histogram.observe(7)
  for (const rotations of [0, 1, 2]) {
    assert.deepEqual(histogram.buckets(), [7, 1], `after ${rotations} rotations`)
    histogram.rotate()
  }
  assert.deepEqual(histogram.buckets(), [])
  assert.equal(quantile(histogram.buckets(), 0.5, 1), 0)
  assert.equal(histogram.sum, 7)
  assert.equal(histogram.count, 1)
})

test('buckets of two threads add up', () => {
  assert.deepEqual(addBuckets([1, 5, 9, 1], [1, 2, 3, 4]), [1, 7, 3, 4, 9, 1])
  assert.deepEqual(addBuckets([], [4, 1]), [4, 1])
  assert.deepEqual(addBuckets([4, 1], []), [4, 1])
})
