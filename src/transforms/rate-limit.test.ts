import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimit, SharedNames } from './rate-limit.ts'

const one = (perSecond: number) => new RateLimit(new BigInt64Array(new SharedArrayBuffer(8)), perSecond)
const UPTIME_MS = 40 * 24 * 3600 * 1000

for (const perSecond of [1, 3, 50, 999, 70_000, 1_234_567]) {
  test(`of ${perSecond} a second a burst of so many passes, then one each time, and a second's after a rest`, () => {
    const limit = one(perSecond)
    const gapMs = 1000 / perSecond
    let now = UPTIME_MS
    const takeAll = () => {
      let taken = 0
      while (limit.take(0, now, 1)) taken++
      return taken
    }
    assert.equal(takeAll(), perSecond)
    for (let i = 0; i < 10; i++) {
      now += gapMs * 0.9
      assert.equal(limit.take(0, now, 1), false)
      now += gapMs * 0.1001
      assert.equal(limit.take(0, now, 1), true)
    }
    now += 5000
    assert.equal(takeAll(), perSecond)
  })
}

test('over ten seconds no rate drifts', () => {
  for (const perSecond of [50, 333, 7919, 2 ** 32 - 1]) {
    const limit = one(perSecond)
    const cost = Math.max(1, Math.floor(perSecond / 1000))
    assert.ok(limit.take(0, UPTIME_MS, perSecond))
    let taken = 0
    for (let ms = 0; ms <= 10_000; ms++) while (limit.take(0, UPTIME_MS + ms, cost)) taken += cost
    assert.ok(Math.abs(taken - 10 * perSecond) < 2 * cost, `${taken} of ${10 * perSecond}`)
  }
})

test('several are taken at once or not at all, and what is given back is there again', () => {
  const limit = one(100)
  assert.equal(limit.take(0, 0, 101), false)
  assert.equal(limit.take(0, 0, 60), true)
  assert.equal(limit.take(0, 0, 60), false)
  assert.equal(limit.take(0, 0, 40), true)
  limit.giveBack(0, 60)
  assert.equal(limit.take(0, 0, 61), false)
  assert.equal(limit.take(0, 0, 60), true)
})

test('who may be in debt gets more, which is missing later', () => {
  const limit = one(100)
  assert.equal(limit.take(0, 0, 150), false)
  assert.equal(limit.take(0, 0, 150, 1), true)
  assert.equal(limit.take(0, 0, 51, 1), false)
  assert.equal(limit.take(0, 500, 1), false)
  assert.equal(limit.take(0, 511, 1), true)
})

test('limits over the same memory are one, cells are apart', () => {
  const memory = new SharedArrayBuffer(16)
  const [a, b] = [new RateLimit(new BigInt64Array(memory), 10), new RateLimit(new BigInt64Array(memory), 10)]
  assert.equal(a.take(0, 0, 10), true)
  assert.equal(b.take(0, 0, 1), false)
  assert.equal(b.take(1, 0, 10), true)
})

test('a name has the same place in all threads, and when places run out the last one is shared', () => {
  const memory = new SharedArrayBuffer(12)
  const [a, b] = [new SharedNames(new Int32Array(memory)), new SharedNames(new Int32Array(memory))]
  assert.deepEqual([a.placeOf(''), b.placeOf('alice'), a.placeOf('alice'), b.placeOf('')], [0, 1, 1, 0])
  assert.deepEqual([a.placeOf('bob'), b.placeOf('carol'), b.placeOf('alice')], [2, 2, 1])
})
