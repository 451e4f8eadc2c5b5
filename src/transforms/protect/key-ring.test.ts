import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '../../sim/world.ts'
import { DataKey, DETERMINISTIC, RANDOM, type WrappedKey } from './data-key.ts'
import { KeyRing } from './key-ring.ts'
import { KmsError, type Kms } from './kms.ts'
import { parseSealed, placeOf, seal } from './sealed-value.ts'

/** Wraps nothing: the wrapped key is the key itself. Fails as it is told. */
class PlayedKms implements Kms {
  readonly name = 'the KMS'
  readonly asked: string[] = []
  errors: (Error | 'never')[] = []
  #made = 0

  async #answer(asked: string): Promise<void> {
    this.asked.push(asked)
    const error = this.errors.shift()
    if (error === 'never') await new Promise(() => {})
    if (error !== undefined) throw error as Error
  }

  async generate(): Promise<WrappedKey> {
    await this.#answer('generate')
    const secret = Buffer.alloc(32, ++this.#made)
    return { secret, kekId: 'k', wrapped: secret }
  }

  async unwrap(_kekId: string, wrapped: Buffer): Promise<Buffer> {
    await this.#answer('unwrap')
    return Buffer.from(wrapped)
  }

  async searchKey(text: string): Promise<WrappedKey> {
    await this.#answer(`search ${text}`)
    return { secret: Buffer.alloc(32, 99), kekId: 'k', wrapped: Buffer.alloc(32, 99) }
  }
}

const WAIT_MS = 5000
const LIFETIME_MS = 60_000

function ringOf(kms: Kms, searchKey: string | null = null) {
  const sim = new SimWorld({ seed: 1, tearChance: 0, turnMs: 0, timerLateMs: 0 })
  const logged: string[] = []
  const note = (message: string) => void logged.push(message)
  const log = { debug: note, info: note, warn: note, error: note }
  const { clock } = sim.world
  const ring = new KeyRing({ kms, clock, log, lifetimeMs: LIFETIME_MS, waitMs: WAIT_MS, searchKey })
  return { ring, sim, logged, at: (ms: number) => sim.run(ms) }
}

function sealedBy(wrapped: Buffer, mode = RANDOM) {
  const key = new DataKey({ secret: Buffer.alloc(32), kekId: 'k', wrapped }, mode)
  return parseSealed(seal(key, placeOf(), Buffer.from('a'), (count) => Buffer.alloc(count)))!
}

/** What becomes of a promise, once it does. */
function told(promise: Promise<unknown>): { text: string } {
  const outcome = { text: 'open' }
  promise.then(
    () => (outcome.text = 'there'),
    (error: Error) => (outcome.text = error.message),
  )
  return outcome
}

test('a key is asked for once, however many wait for it', async () => {
  const kms = new PlayedKms()
  const { ring, at } = ringOf(kms)
  assert.equal(ring.sealing(RANDOM), null)
  const waiting = [told(ring.ready(RANDOM)), told(ring.ready(RANDOM))]
  await at(1)
  assert.deepEqual(waiting, [{ text: 'there' }, { text: 'there' }])
  assert.equal(ring.sealing(RANDOM)!.mode, RANDOM)
  assert.deepEqual(kms.asked, ['generate'])
})

test('who waits is told after a time why there is no key, and it is asked for until it is there', async () => {
  const kms = new PlayedKms()
  kms.errors = Array.from({ length: 6 }, () => new KmsError('not now', false))
  const { ring, at, logged } = ringOf(kms)
  const waiting = told(ring.ready(RANDOM))
  await at(WAIT_MS)
  assert.equal(waiting.text, 'the KMS gave no key within 5000 ms: not now')
  assert.equal(kms.asked.length, 5)
  assert.match(logged[0]!, /no data key from the KMS, it is asked again in 200 ms: not now/)
  await at(60_000)
  assert.notEqual(ring.sealing(RANDOM), null)
  assert.equal(kms.asked.length, 7)
})

test('a KMS that says nothing holds nobody up for longer than a bound', async () => {
  const kms = new PlayedKms()
  kms.errors = ['never', 'never']
  const { ring, at } = ringOf(kms)
  const waiting = [told(ring.ready(RANDOM)), told(ring.fetch(sealedBy(Buffer.from('x'))))]
  await at(WAIT_MS - 1)
  assert.deepEqual(waiting, [{ text: 'open' }, { text: 'open' }])
  await at(WAIT_MS)
  assert.deepEqual(waiting.map(({ text }) => text), Array(2).fill('the KMS gave no key within 5000 ms')) // prettier-ignore
})

test('a key that is old goes on until the next one is there, and what it sealed is opened still', async () => {
  const kms = new PlayedKms()
  const { ring, at } = ringOf(kms)
  ring.start()
  await at(1)
  const first = ring.sealing(RANDOM)!
  const sealed = parseSealed(seal(first, placeOf(), Buffer.from('a'), (count) => Buffer.alloc(count)))!
  kms.errors = [new KmsError('not now', false)]
  await at(LIFETIME_MS + 1)
  assert.equal(ring.sealing(RANDOM), first)
  await at(LIFETIME_MS + 100)
  assert.equal(ring.sealing(RANDOM), first)
  await at(LIFETIME_MS + 1000)
  assert.notEqual(ring.sealing(RANDOM), first)
  assert.equal(ring.find(sealed), first)
  assert.deepEqual(kms.asked, ['generate', 'generate', 'generate'])
})

test('a key seals no more values than drawn nonces allow', async () => {
  const { ring, at } = ringOf(new PlayedKms())
  ring.start()
  await at(1)
  const first = ring.sealing(RANDOM)!
  first.uses = 2 ** 32
  assert.equal(ring.sealing(RANDOM), null)
  await at(2)
  assert.notEqual(ring.sealing(RANDOM), first)
})

test('the key of a value is fetched once; what is refused for good is not asked for again at once', async () => {
  const kms = new PlayedKms()
  const { ring, at } = ringOf(kms)
  const good = sealedBy(Buffer.alloc(32, 1))
  const bad = sealedBy(Buffer.alloc(32, 2))
  assert.equal(ring.find(good), null)
  const both = [told(ring.fetch(good)), told(ring.fetch(good))]
  await at(1)
  assert.deepEqual(both, [{ text: 'there' }, { text: 'there' }])
  assert.notEqual(ring.find(good), null)
  kms.errors = [new KmsError('none of mine', true), new KmsError('not now', false)]
  const refused = [told(ring.fetch(bad))]
  await at(2)
  refused.push(told(ring.fetch(bad)))
  await at(3)
  assert.deepEqual(refused, [{ text: 'none of mine' }, { text: 'none of mine' }])
  await at(20_000)
  const passing = told(ring.fetch(bad))
  await at(20_001)
  const again = told(ring.fetch(bad))
  await at(20_002)
  assert.deepEqual([passing.text, again.text], ['not now', 'there'])
  assert.deepEqual(kms.asked, Array(4).fill('unwrap'))
})

test('a reply full of keys asks for a few at a time', async () => {
  const kms = new PlayedKms()
  kms.errors = Array.from({ length: 16 }, () => 'never' as const)
  const { ring, at } = ringOf(kms)
  const fetches = Array.from({ length: 100 }, (_, i) => told(ring.fetch(sealedBy(Buffer.alloc(32, i)))))
  await at(1)
  assert.equal(kms.asked.length, 16)
  await at(WAIT_MS + 1)
  assert.ok(fetches.every(({ text }) => text.startsWith('the KMS gave no key')))
})

test('the key of searchable columns is that of its option; a value of a later version has no key', async () => {
  const kms = new PlayedKms()
  const { ring, at } = ringOf(kms, 'the key')
  ring.start()
  await at(1)
  assert.deepEqual(kms.asked, ['search the key', 'generate'])
  assert.equal(ring.sealing(DETERMINISTIC)!.mode, DETERMINISTIC)
  await assert.rejects(ring.fetch({ ...sealedBy(Buffer.alloc(32)), mode: 7 }), /later version/)
})

test('nothing is asked for any more once the topology ends', async () => {
  const kms = new PlayedKms()
  kms.errors = Array.from({ length: 9 }, () => new KmsError('not now', false))
  const { ring, at } = ringOf(kms)
  ring.start()
  await at(1000)
  ring.close()
  const { length } = kms.asked
  await at(1_000_000)
  assert.equal(kms.asked.length, length)
})
