import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimRandom } from '../sim/random.ts'
import { Ring } from './ring.ts'

test('an empty ring has nothing to give', () => {
  const ring = new Ring<number>()
  assert.equal(ring.length, 0)
  assert.equal(ring.peek(), undefined)
  assert.equal(ring.last(), undefined)
  assert.equal(ring.at(0), undefined)
  assert.equal(ring.shift(), undefined)
  assert.deepEqual(ring.takeAll(), [])
  ring.push(1)
  ring.shift()
  assert.equal(ring.peek(), undefined)
})

test('a ring does what an array does, however it grows and wraps', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new SimRandom(seed)
    const ring = new Ring<number>()
    const array: number[] = []
    for (let step = 0; step < 500; step++) {
      if (random.chance(0.55)) {
        ring.push(step)
        array.push(step)
      } else assert.equal(ring.shift(), array.shift())
      assert.equal(ring.length, array.length)
      assert.equal(ring.peek(), array[0])
      assert.equal(ring.last(), array.at(-1))
      const index = random.below(array.length + 2)
      assert.equal(ring.at(index), array[index], `place ${index} of ${array.length}`)
    }
    assert.deepEqual(ring.takeAll(), array)
    assert.equal(ring.length, 0)
  }
})
