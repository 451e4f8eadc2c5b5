import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Sampler } from './sampler.ts'

/** Numbers in [0, 1), the same ones each time. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

test('of everything everything is chosen', () => {
  const sampler = new Sampler(1, () => assert.fail('there is nothing to draw'))
  for (let i = 0; i < 1000; i++) {
    assert.equal(sampler.passesOver(1), false)
    assert.equal(sampler.chooses(), true)
  }
})

for (const share of [0.5, 0.1, 0.01]) {
  test(`of each batch size the same part is chosen: ${share}`, () => {
    const sampler = new Sampler(share, numbers(7))
    for (const size of [1, 3, 64]) {
      let chosen = 0
      const batches = Math.floor(400_000 / size)
      for (let i = 0; i < batches; i++) {
        if (sampler.passesOver(size)) continue
        for (let j = 0; j < size; j++) if (sampler.chooses()) chosen++
      }
      const part = chosen / (batches * size)
      assert.ok(Math.abs(part - share) < 4 * Math.sqrt((share * (1 - share)) / 400_000), `${size}: ${part}`)
    }
  })
}

test('a share too small for any number is never chosen, and never fails', () => {
  const sampler = new Sampler(Number.MIN_VALUE, () => 0.999)
  for (let i = 0; i < 1000; i++) assert.equal(sampler.passesOver(64), true)
})
