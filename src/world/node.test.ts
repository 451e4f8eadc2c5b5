import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { nodeWorld } from './node.ts'

/** A moment that the clock can tell from the one before. */
async function later(): Promise<void> {
  const before = performance.now()
  while (performance.now() - before < 2) await wait(1)
}

test('the clock stands still for a turn and goes on in the next, also when the turn had nothing to do', async () => {
  const { clock } = nodeWorld()
  await immediate()
  const before = clock.now()
  for (const since = performance.now(); performance.now() - since < 2;);
  assert.equal(clock.now(), before)
  await later()
  assert.ok(clock.now() >= before + 2)
})

test('threads have one clock', async () => {
  const { clock } = nodeWorld()
  const before = clock.now()
  await later()
  const module = JSON.stringify(new URL('./node.ts', import.meta.url).href)
  const worker = new Worker(
    `import(${module}).then(({ nodeWorld }) => require('node:worker_threads').parentPort.postMessage(nodeWorld().clock.now()))`,
    { eval: true },
  )
  const [told] = (await once(worker, 'message')) as [number]
  await later()
  assert.ok(before < told && told < clock.now(), `${before} < ${told} < ${clock.now()}`)
})

test('what is flushed is told the time at which it leaves', async () => {
  const { clock, turn } = nodeWorld()
  await immediate()
  const read = clock.now()
  const times: Record<string, number> = {}
  const flushed = new Promise<void>((resolve) => {
    turn.flush({
      run() {
        times.flush = clock.now()
        resolve()
      },
    })
  })
  turn.work({
    run() {
      times.work = clock.now()
      for (const since = performance.now(); performance.now() - since < 2;);
    },
  })
  await flushed
  assert.equal(times.work, read)
  assert.ok(times.flush! >= read + 2)
})

test('a turn that took long makes the turns behind it slow ones; reading the clock is not needed for that', async () => {
  const { clock, turn } = nodeWorld()
  const take = (ms: number) =>
    new Promise<boolean>((resolve) => {
      clock.now()
      for (const since = performance.now(); performance.now() - since < ms;);
      turn.flush({
        run() {
          clock.now()
          setImmediate(() => resolve(turn.isSlow))
        },
      })
    })
  await immediate()
  assert.equal(turn.isSlow, false)
  assert.equal(await take(15), true)
  assert.equal(await take(0), true)
})
