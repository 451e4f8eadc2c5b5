import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdCache } from './id-cache.ts'

test('what stands for an id is found by its bytes, wherever they lie, until the cache is cleared', () => {
  const cache = new IdCache<string>()
  const ids = ['ab', 'abc', 'ac', 'a', '', 'xyz'].map((id) => Buffer.from(`--${id}--`))
  for (const id of ids) cache.put(id, 2, id.length - 2, id.toString())
  const found = (id: string) => cache.find(Buffer.from(`.${id}`), 1, 1 + id.length)
  // Two that begin alike have one place; what is shorter than that has none.
  assert.deepEqual(['ab', 'abc', 'ac', 'a', '', 'xyz', 'xy'].map(found), [
    null,
    '--abc--',
    '--ac--',
    null,
    null,
    '--xyz--',
    null,
  ])
  assert.equal(cache.find(Buffer.from('xy'), 0, 3), null, 'an id that is cut off')
  ids.at(-1)!.fill(0)
  assert.equal(found('xyz'), '--xyz--', 'it has bytes of its own')
  cache.clear()
  assert.equal(found('xyz'), null)
})
