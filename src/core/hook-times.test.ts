import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { play } from '../../test/kit.ts'
import type { Clock } from '../world/world.ts'
import { transform } from './kind.ts'
import type { Batch } from './exchange.ts'
import type { Link, Transform } from './transform.ts'

/** A transform whose instance is made of its world's clock. */
const own = (create: (clock: Clock) => Transform) =>
  transform({
    type: 'Own',
    doc: '',
    options: z.strictObject({}),
    create: (_options, env) => () => create(env.world.clock),
  })

/** Makes the clock go on by `ms` while the hook runs, as one that computes does. */
function computes(clock: Clock, ms: number): void {
  const exact = clock.exact.bind(clock)
  const since = exact()
  clock.exact = () => since + ms + (exact() - since)
}

/** The simulated world has slow turns for odd seeds. */
const SLOW = { seed: 1 }

const forward = (batch: Batch, link: Link) => link.forward(batch)

test('a hook that blocks its thread is named, once in ten seconds, and how often it did', async () => {
  const p = play(
    own((clock) => ({
      onRequests(batch, link) {
        computes(clock, 70)
        link.forward(batch)
      },
    })),
    {},
    SLOW,
  )
  await p.send(['PING'])
  await p.send(['PING'])
  assert.deepEqual(p.logged, ['warn: Transform Own named Own-1 in chain main blocked its thread for 70 ms in one call'])
  await p.advance(10_000)
  await p.send(['PING'])
  await p.send(['PING'])
  assert.equal(p.logged.length, 2)
  assert.match(p.logged[1]!, /blocked its thread for 70 ms in one call; 1 more calls since this was said last$/)
})

test('who only hands on to one that blocks is not named', async () => {
  const blocks = own((clock) => ({
    onRequests(batch, link) {
      computes(clock, 70)
      link.forward(batch)
    },
  }))
  const p = play(
    { ...own(() => ({ onRequests: forward })), type: 'Above' },
    {},
    { ...SLOW, below: [{ kind: blocks, options: {} }] },
  )
  await p.send(['PING'])
  await p.send(['PING'])
  assert.deepEqual(p.logged, ['warn: Transform Own named Own-2 in chain main blocked its thread for 70 ms in one call'])
})

test('an asynchronous hook is named that keeps requests waiting, one within its budget is not', async () => {
  for (const [ms, logged] of [
    [20, []],
    [21, ['warn: Transform Own named Own-1 in chain main kept requests waiting for 21 ms in one call']],
  ] as const) {
    const waits = own((clock) => ({
      async onRequests(batch, link) {
        await new Promise<void>((go) => clock.after(ms, go))
        link.forward(batch)
      },
    }))
    const p = play(waits, {}, { limits: { hookWaitMs: 20 } })
    await p.send(['PING'])
    await p.advance(1000)
    assert.deepEqual(p.logged, logged)
  }
})

test('nothing is measured as long as no turn is slow', async () => {
  let read = 0
  const counts = own((clock) => {
    const { exact } = clock
    clock.exact = () => {
      read++
      return exact()
    }
    return { onRequests: forward }
  })
  for (const [seed, reads] of [
    [1, 4],
    [2, 0],
  ] as const) {
    read = 0
    await play(counts, {}, { seed }).send(['PING'])
    assert.equal(read, reads)
  }
})
