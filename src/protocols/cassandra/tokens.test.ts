import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Tokens } from './tokens.ts'

const token = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  // The edges of the halves.
  fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -2, max: 2 })).map(([high, low]) => BigInt(high) * 2n ** 32n + BigInt(low)), // prettier-ignore
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n),
)

function halves(of: bigint): [high: number, low: number] {
  return [Number(of >> 32n), Number(BigInt.asIntN(32, of))]
}

test('the place of a token is that of the first one no less than it, whichever way it is told', () => {
  fc.assert(
    fc.property(fc.uniqueArray(token, { minLength: 1, maxLength: 20 }), token, (unordered, sought) => {
      const ordered = unordered.toSorted((a, b) => (a < b ? -1 : 1))
      const tokens = new Tokens(ordered)
      const place = ordered.findIndex((each) => each >= sought)
      assert.equal(tokens.indexOf(sought), Math.max(0, place))
      assert.equal(tokens.indexOfHalves(...halves(sought)), Math.max(0, place))
    }),
  )
})

test('tokens of more than 64 bits have their places', () => {
  const tokens = new Tokens([0n, 2n ** 100n, 2n ** 127n])
  assert.deepEqual(
    [1n, 2n ** 100n, 2n ** 126n, 2n ** 127n + 1n].map((each) => tokens.indexOf(each)),
    [1, 1, 2, 0],
  )
})
