import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, textOf, Waits } from '../../test/core/chain-play.ts'
import { around, type Next } from './around.ts'
import type { Batch } from './exchange.ts'

test('an onion that throws before next answers its batch with a failure; the next batch goes its way', async () => {
  let bad = true
  const { send, sink, top, settle } = play([
    around(async (batch, next) => {
      if (bad) throw new Error('bad')
      return next(batch)
    }),
  ])
  send('1', '2')
  bad = false
  send('3')
  await settle()
  assert.equal(top.told.length, 2)
  for (const told of top.told) assert.match(told, /^[12]=-internal [12]: .*bad/s)
  assert.deepEqual(sink.texts, ['3'])
})

test('an onion that is no async function may throw too', async () => {
  const { send, top, settle } = play([
    around(() => {
      throw 'a string' as unknown as Error
    }),
  ])
  send('1')
  await settle()
  assert.match(top.told.join(), /^1=-internal 1: .*a string/s)
})

test('when an onion throws, replies that come later are replaced: they may be what it was to hide', async () => {
  const waits = new Waits()
  const { send, sink, top, settle, chain } = play([
    around(async (batch, next) => {
      void next(batch)
      await waits.wait()
      throw new Error('bad')
    }),
  ])
  send('1', '2')
  sink.answer([sink.came[0]!])
  await settle()
  waits.over()
  await settle()
  assert.match(top.told.join(), /^1=-internal 1: .*bad/s)
  sink.answer([sink.came[1]!])
  assert.equal(top.told.length, 2)
  assert.match(top.told[1]!, /^2=-internal 2: .*bad/s)
  assert.equal(chain.spec.stats.swallowed, 0)
})

const misuses: [string, (batch: Batch, next: Next) => Promise<unknown>][] = [
  ['hands an exchange on twice', async (batch, next) => void (await Promise.all([next(batch), next(batch)]))],
  ['hands on what has its reply', async (batch, next) => next(await next(batch))],
  ['hands on a batch in which one stands twice', async (batch, next) => next([...batch, batch[0]!])],
]

for (const [what, onion] of misuses) {
  test(`an onion that ${what} gets an error, its exchanges a failure, and the server nothing twice`, async () => {
    const { send, sink, top, settle } = play([around(onion)])
    send('1')
    const came = sink.came.length
    assert.ok(came <= 1)
    if (came === 1) sink.answer(sink.came)
    await settle()
    assert.equal(sink.came.length, came)
    assert.equal(top.told.length, 1)
    assert.match(top.told[0]!, /^1=-internal 1: /)
  })
}

test('an onion that never ends is ended, a server that takes its time is waited for', async () => {
  const { send, sink, top, sim, settle } = play(
    [
      around(async (batch, next) => {
        await next(batch)
        if (textOf(batch[0]!.request) === 'hang') await new Promise(() => {})
      }),
    ],
    { callTimeoutMs: 100 },
  )
  send('slow')
  await sim.run(1000)
  assert.deepEqual(top.told, [])
  sink.answer(sink.came)
  await settle()
  assert.deepEqual(top.told, ['slow=re:slow'])
  send('hang', 'hang')
  sink.answer(sink.came.slice(1))
  await sim.run(1100)
  assert.equal(top.told.length, 1)
  await sim.run(1300)
  assert.equal(top.told.length, 3)
  for (const told of top.told.slice(1)) assert.match(told, /^hang=-timeout hang: .*it took too long/s)
})

test('an onion that hangs before next lets later batches through after the deadline, and its own is not sent any more', async () => {
  const waits = new Waits()
  const { send, sink, top, sim, settle } = play(
    [
      around(async (batch, next) => {
        if (textOf(batch[0]!.request) === 'hang') await waits.wait()
        return next(batch)
      }),
    ],
    { callTimeoutMs: 100 },
  )
  send('hang')
  send('2')
  await sim.run(150)
  assert.match(top.told.join(), /^hang=-timeout hang: .*it took too long/s)
  assert.deepEqual(sink.texts, ['2'])
  waits.over()
  await settle()
  assert.deepEqual(sink.texts, ['2'])
  sink.answer(sink.came)
  await settle()
  assert.equal(top.told.at(-1), '2=re:2')
})

test('when the session ends, onions are told, so that they can tidy up; nothing more is sent or replied', async () => {
  const ends: string[] = []
  const { send, sink, top, settle, chain } = play([
    around(async (batch, next) => {
      try {
        await next(batch)
      } catch (error) {
        ends.push((error as Error).message)
        assert.throws(() => next(batch), /session ended/)
      } finally {
        ends.push('tidied')
      }
    }),
    around(async (batch, next) => void next(batch)),
  ])
  send('1', '2')
  sink.answer([sink.came[0]!])
  chain.close()
  await settle()
  assert.deepEqual(ends, ['the session ended', 'tidied'])
  assert.deepEqual(top.told, [])
  assert.equal(sink.came.length, 2)
})
