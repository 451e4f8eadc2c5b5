import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { mock, test } from 'node:test'
import { setImmediate as immediate, setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { systemErrorText } from '../base/errors.ts'
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
  assert.equal(await take(50), true)
  assert.equal(await take(0), true)
})

/** Makes every name resolve to these addresses. */
function resolveAs(...addresses: string[]): { restore(): void } {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  const lookup = mock.method(dns, 'lookup', ((_name: string, _options: unknown, done: (...got: unknown[]) => void) =>
    done(null, found)) as unknown as typeof dns.lookup)
  return { restore: () => lookup.mock.restore() }
}

for (const [what, dead] of [
  ['refuses', '::1'],
  ['can’t be reached', '2001:db8::1'],
  ['is of the same family and refuses', '127.0.0.2'],
] as const) {
  test(`a name with two addresses, the first of which ${what}: the second serves`, async () => {
    const server = createServer((socket) => socket.end('hello')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const lookup = resolveAs(dead, '127.0.0.1')
    try {
      const heard = await new Promise<string>((resolve, reject) => {
        nodeWorld().net.connect({ host: 'two.example', port }, 5000, (error, connection) => {
          if (connection === null) {
            reject(error!)
            return
          }
          connection.handler = {
            onData: (bytes, start, end) => resolve(bytes.toString('latin1', start, end)),
            onDrain() {},
            onEnd: () => connection.destroy(),
            onClose() {},
          }
          connection.resume()
        })
      })
      assert.equal(heard, 'hello')
    } finally {
      lookup.restore()
      server.close()
    }
  })
}

test('a name none of whose addresses serves is an error that says why', async () => {
  const lookup = resolveAs('::1', '127.0.0.1')
  try {
    const error = await new Promise<Error | null>((resolve) =>
      nodeWorld().net.connect({ host: 'two.example', port: 1 }, 5000, (failed) => resolve(failed)),
    )
    assert.equal(systemErrorText(error!), 'Connection refused (os error 111)')
    const mixed = new AggregateError([new Error('one way'), new Error('another')])
    assert.equal(systemErrorText(mixed), 'one way; another')
  } finally {
    lookup.restore()
  }
})
