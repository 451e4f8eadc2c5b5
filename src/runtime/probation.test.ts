import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { play, type Play } from '../../test/kit.ts'
import { around } from '../core/around.ts'
import type { Batch } from '../core/exchange.ts'
import { LIMITS, transform, type SessionFactory, type TransformKind } from '../core/kind.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'
import { onProbation, Probation } from './probation.ts'

const own = (factory: SessionFactory): TransformKind =>
  transform({ type: 'Own', doc: '', options: z.strictObject({}), create: () => factory }) as TransformKind

/** The version before: a word in every key, and in every reply. */
const before: SessionFactory = ({ protocol }) => ({
  onRequests(batch, link) {
    for (const { request } of batch) protocol.queries!.renameKeys!(request, (key) => `old:${key}`)
    link.forward(batch)
  },
  onResponses(batch, link) {
    for (const exchange of batch) exchange.response = protocol.encode({ type: 'simple', text: 'old' }, -1)
    link.reply(batch)
  },
})

const boom = () => {
  throw new Error('boom')
}

interface Tried {
  readonly p: Play
  readonly errors: unknown[]
  readonly probation: Probation
}

/** A client of `before`, for whom `next` is saved. */
async function tried(next: SessionFactory): Promise<Tried> {
  const errors: unknown[] = []
  const p = play(own(before), {})
  let now = 0
  const probation = new Probation({ now: () => now++ } as never, (error) => errors.push(error))
  await p.reload(own(onProbation(next, before, probation)), {})
  return { p, errors, probation }
}

/** One request that the version before has, from the client and back. */
async function askOld(p: Play): Promise<void> {
  await p.send(['GET', 'a'])
  p.expectForwarded(['GET', 'old:a'])
  await p.answer('+1\r\n')
  p.expectReplied('+old\r\n')
}

const forward = (batch: Batch, link: Link) => link.forward(batch)

const THROWING: readonly (readonly [string, (session: SessionInfo) => Transform])[] = [
  ['a hook that throws', () => ({ onRequests: boom })],
  ['an asynchronous hook that rejects', () => ({ onRequests: () => Promise.reject(new Error('boom')) })],
  ['a hook that forgets to hand on', () => ({ onRequests() {} })],
  ['one that can make no instance', boom],
  ['an onion that throws before it hands on', () => around(boom as never)],
  ['a hook for replies that throws', () => ({ onRequests: forward, onResponses: boom })],
]
for (const [what, next] of THROWING) {
  test(`${what}: the version before does its work, and after five times for good`, async () => {
    const { p, errors, probation } = await tried(next)
    const onTheWayUp = what.includes('replies')
    for (let i = 0; i < 4; i++) {
      await p.send(['GET', 'a'])
      p.expectForwarded(['GET', onTheWayUp ? 'a' : 'old:a'])
      await p.answer('+1\r\n')
      p.expectReplied('+old\r\n')
      if (what.includes('instance')) p.connect()
    }
    assert.equal(probation.isGivenUp, what.includes('instance'))
    await p.send(['GET', 'a'])
    p.takeForwarded()
    await p.answer('+1\r\n')
    p.expectReplied('+old\r\n')
    assert.equal(probation.isGivenUp, true)
    assert.equal(errors.length, 1)
    await askOld(p)
    await askOld(p.connect())
    assert.equal(p.faults, 0)
  })
}

test('a hook that never settles: the version before has what it kept, once its time is up, and after five times all', async () => {
  const never = () => new Promise<void>(() => {})
  const { p, errors, probation } = await tried(() => ({ onRequests: never }))
  const clients = [p, ...Array.from({ length: 4 }, () => p.connect())]
  for (const client of clients) {
    await client.send(['GET', 'a'])
    client.expectForwarded()
  }
  assert.equal(probation.isGivenUp, false)
  await p.advance(LIMITS.callTimeoutMs)
  for (const client of clients) {
    client.expectForwarded(['GET', 'old:a'])
    await client.answer('+1\r\n')
    client.expectReplied('+old\r\n')
  }
  assert.deepEqual(
    errors.map((error) => (error as Error).message),
    ['a hook did not come to its end'],
  )
  await askOld(p)
  assert.equal(p.faults, clients.length)
})

test('a hook that hangs after it handed on counts too', async () => {
  const { p, probation } = await tried(() => ({
    onRequests(batch, link) {
      link.forward(batch)
      return new Promise<void>(() => {})
    },
  }))
  const clients = [p, ...Array.from({ length: 4 }, () => p.connect())]
  for (const client of clients) await client.send(['GET', 'a'])
  await p.advance(LIMITS.callTimeoutMs)
  assert.equal(probation.isGivenUp, true)
})

test('what it has touched is not given to the version before: it fails, and the rest is rescued', async () => {
  const { p } = await tried(({ protocol }) => ({
    onRequests([first, second, third], link) {
      link.forward([first!])
      protocol.queries!.renameKeys!(second!.request, () => 'half')
      assert.ok(third)
      boom()
    },
  }))
  await p.send(['GET', 'a'], ['GET', 'b'], ['GET', 'c'])
  p.expectForwarded(['GET', 'a'], ['GET', 'old:c'])
  await p.answer('+1\r\n', '+2\r\n')
  assert.match(p.takeReplied().toString(), /^\+1\r\n-ERR Internal shotover .*boom.*\r\n\+old\r\n$/)
})

test('what the version before throws on too is no reason to give the new one up', async () => {
  const errors: unknown[] = []
  const p = play(
    own(() => ({ onRequests: boom })),
    {},
  )
  const probation = new Probation({ now: () => 0 } as never, (error) => errors.push(error))
  await p.reload(
    own(
      onProbation(
        () => ({ onRequests: boom }),
        () => ({ onRequests: boom }),
        probation,
      ),
    ),
    {},
  )
  for (let i = 0; i < 10; i++) await p.send(['GET', 'a'])
  assert.match(p.takeReplied().toString(), /^(-ERR Internal shotover [^\n]*\n){10}$/)
  assert.equal(probation.isGivenUp, false)
})

test('now and then is not too often', () => {
  let now = 0
  const probation = new Probation({ now: () => now } as never, () => assert.fail())
  for (; now < 1_000_000; now += 2600) probation.failed(new Error('boom'))
})

test('one that does its work does it alone, and hands over what it has', async () => {
  const { p, probation } = await tried(() => Object.assign({ onRequests: forward }, { state: 7 }))
  await p.send(['GET', 'a'])
  p.expectForwarded(['GET', 'a'])
  await p.answer('+1\r\n')
  p.expectReplied('+1\r\n')
  let state: unknown
  probation.end()
  await p.reload(
    own((_session, previous) => {
      state = (previous as unknown as { state: number }).state
      return { onRequests: forward }
    }),
    {},
  )
  assert.equal(state, 7)
})

test('what the new version forwarded before it was given up is the new version’s until its reply is there', async () => {
  const { p, probation } = await tried(({ protocol }) => ({
    onRequests: forward,
    onResponses(batch, link) {
      for (const exchange of batch) exchange.response = protocol.encode({ type: 'simple', text: 'new' }, -1)
      link.reply(batch)
    },
  }))
  await p.send(['GET', 'a'])
  for (let i = 0; i < 5; i++) probation.failed(new Error('boom'))
  await p.send(['GET', 'b'])
  p.expectForwarded(['GET', 'a'], ['GET', 'old:b'])
  await p.answer('+1\r\n', '+2\r\n')
  p.expectReplied('+new\r\n', '+old\r\n')
})

test('a class with fields of its own, that holds what it is given for a while', async () => {
  class Holder implements Transform {
    readonly #batches: Batch[] = []
    get holds() {
      return this.#batches.length >= 0
    }
    get held() {
      return this.#batches.flat().length
    }
    onRequests(batch: Batch, link: Link): void {
      this.#batches.push(batch)
      if (this.held >= 2) for (const held of this.#batches.splice(0)) link.forward(held)
    }
  }
  const { p } = await tried(() => new Holder())
  await p.send(['GET', 'a'])
  p.expectForwarded()
  await p.send(['GET', 'b'])
  p.expectForwarded(['GET', 'a'], ['GET', 'b'])
})
