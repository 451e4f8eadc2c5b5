import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DataKey, DETERMINISTIC, RANDOM } from './data-key.ts'
import { wrapKey } from './local-kms.ts'
import { open, overhead, parseSealed, placeOf, seal } from './sealed-value.ts'

const bytes = (from: number, to: number) => Buffer.from(Array.from({ length: to - from }, (_, i) => from + i))
const SECRET = bytes(0, 32)
const WRAPPED = { secret: SECRET, kekId: 'kek1', wrapped: wrapKey(bytes(32, 64), SECRET) }
const PLACE = placeOf('ks', 't', 'secret')
const fixed = () => bytes(100, 112)

/** Made by Python's `cryptography`: what is stored today has to be read in years. */
const GOLDEN: readonly [mode: number, sealed: string][] = [
  [
    RANDOM,
    '4873933d5d3500046b656b310028c1a9bb689aeab408aa5250b5fa27911a34d09cf2c3c5db0f1a54c6bc2773a21dfe64e0c6d7be93526465666768696a6b6c6d6e6f98ad0fe5a953fe15ce34345dbe3a660506e5a0c45ab2',
  ],
  [
    DETERMINISTIC,
    '4873933d5d3501046b656b310028c1a9bb689aeab408aa5250b5fa27911a34d09cf2c3c5db0f1a54c6bc2773a21dfe64e0c6d7be93526bc6d932eea55bd82db6b35dbd3f8624af58131c2becf4b977638e5311c04e974a3d',
  ],
]

for (const [mode, golden] of GOLDEN) {
  test(`mode ${mode}: what another implementation has sealed is the same, and opens`, () => {
    const key = new DataKey(WRAPPED, mode)
    assert.equal(seal(key, PLACE, Buffer.from('жук'), fixed).toString('hex'), golden)
    const sealed = parseSealed(Buffer.from(golden, 'hex'))!
    assert.deepEqual({ ...sealed, header: 0, rest: 0 }, { mode, kekId: 'kek1', wrapped: WRAPPED.wrapped, header: 0, rest: 0 }) // prettier-ignore
    assert.equal(open(sealed, key, PLACE)!.toString(), 'жук')
  })

  test(`mode ${mode}: with one bit turned anywhere, or in another place, nothing opens`, () => {
    const key = new DataKey(WRAPPED, mode)
    for (let bit = 0; bit < golden.length * 4; bit++) {
      const changed = Buffer.from(golden, 'hex')
      changed[bit >> 3]! ^= 1 << (bit & 7)
      const sealed = parseSealed(changed)
      // Its own key is that of its header; here it is tried with the true one, whatever the header says.
      if (sealed !== null) assert.equal(open(sealed, key, PLACE), null, `bit ${bit}`)
    }
    const sealed = parseSealed(Buffer.from(golden, 'hex'))!
    for (const other of [placeOf('ks', 't', 'other'), placeOf('kst', '', 'secret'), placeOf(), Buffer.alloc(0)])
      assert.equal(open(sealed, key, other), null)
  })
}

const draw = (count: number) => crypto.getRandomValues(Buffer.alloc(count))
const anyBytes = fc.uint8Array({ maxLength: 300 }).map((each) => Buffer.from(each))

test('any value, of any length, is what it was, and seals with as many bytes as are said', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, fc.constantFrom(RANDOM, DETERMINISTIC), fc.string({ maxLength: 60 }), anyBytes, (value, place, mode, kekId, wrapped) => {
      const key = new DataKey({ secret: SECRET, kekId, wrapped }, mode)
      const sealed = seal(key, place, value, draw)
      assert.equal(sealed.length, value.length + overhead(key))
      const parsed = parseSealed(sealed)!
      assert.deepEqual([parsed.kekId, parsed.wrapped, parsed.mode], [kekId, wrapped, mode])
      assert.deepEqual(open(parsed, key, place), value)
    }),
  ) // prettier-ignore
})

test('equal values are sealed alike by the deterministic mode alone, and only in the same place', () => {
  const twice = (mode: number, other = PLACE) => {
    const key = new DataKey(WRAPPED, mode)
    return seal(key, PLACE, Buffer.from('a'), draw).equals(seal(key, other, Buffer.from('a'), draw))
  }
  assert.equal(twice(DETERMINISTIC), true)
  assert.equal(twice(DETERMINISTIC, placeOf('ks', 't', 'other')), false)
  assert.equal(twice(RANDOM), false)
})

test('bytes that are no sealed value are told from one, whatever they are', () => {
  const head = Buffer.from('SHOTPV01', 'base64')
  fc.assert(fc.property(anyBytes, (rest) => void parseSealed(Buffer.concat([head, rest]))))
  fc.assert(fc.property(anyBytes, (value) => value.subarray(0, 6).equals(head) || parseSealed(value) === null))
  const whole = Buffer.from(GOLDEN[0]![1], 'hex')
  const least = overhead(new DataKey(WRAPPED, RANDOM))
  for (let length = 0; length < least; length++) assert.equal(parseSealed(whole.subarray(0, length)), null)
})

test('a key of another length is refused', () => {
  assert.throws(() => new DataKey({ ...WRAPPED, secret: bytes(0, 16) }, RANDOM), RangeError)
})
