import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffSeconds } from './backoff.ts'

test('waits double up to 64 seconds and stay there', () => {
  const waits = Array.from({ length: 9 }, (_, index) => backoffSeconds(index + 1))
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 32, 64, 64, 64])
  assert.equal(backoffSeconds(5000), 64)
})
