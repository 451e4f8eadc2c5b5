import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

// How the proxy ends: a signal lets what is under way come to its end, a second one does not.

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} lets requests in flight be answered, then ends cleanly`, async () => {
    await using redis = await startRedis()
    await using proxy = await startProxy({ upstream: redis.address })
    const [busy, idle] = [await RawClient.open(proxy.port), await RawClient.open(proxy.port)]
    await busy.ask('PING')
    await idle.ask('PING')
    redis.pause()
    for (let i = 0; i < 10; i++) busy.send('ECHO', `${i}`)
    await wait(50)
    proxy.signal(signal)
    await idle.untilClosed()
    await proxy.logged(({ message, target }) => message === `received ${signal}` && target === 'shotover::runner')
    const late = connect(proxy.port, '127.0.0.1')
    const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException]
    assert.match(error.code ?? '', /ECONNREFUSED|ECONNRESET/)
    assert.equal(busy.replies.length, 1)
    redis.resume()
    await busy.untilClosed()
    for (let i = 0; i < 10; i++) assert.equal(await busy.shown(i + 1), `$"${i}"`)
    assert.equal(await proxy.ended, 0)
    const last = proxy.logs.at(-1)
    assert.equal(last?.message, 'Shotover was shutdown cleanly.')
    assert.deepEqual(proxy.complaints, [])
  })
}

test('SIGTERM does not wait for what may never come', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const waiting: string[][] = [['BLPOP', 'nothing', '0'], ['SUBSCRIBE', 'c'], ['MONITOR'], ['MULTI'], ['WATCH', 'k']]
  const clients = await Promise.all(
    waiting.map(async (words) => {
      const client = await RawClient.open(proxy.port)
      client.send(...words)
      if (words[0] !== 'BLPOP') await client.until(1)
      return client
    }),
  )
  const since = Date.now()
  assert.equal(await proxy.stop(), 0)
  assert.ok(Date.now() - since < 3000, `it took ${Date.now() - since} ms`)
  for (const client of clients) await client.untilClosed()
  assert.deepEqual(proxy.complaints, [])
})

test('a second SIGTERM ends at once', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const client = await RawClient.open(proxy.port)
  await client.ask('PING')
  redis.pause()
  client.send('GET', 'k')
  await wait(50)
  proxy.signal('SIGTERM')
  await proxy.logged(({ message }) => message === 'received SIGTERM')
  await wait(100)
  assert.ok(proxy.running)
  const since = Date.now()
  proxy.signal('SIGTERM')
  await proxy.ended
  assert.ok(Date.now() - since < 1000, `it took ${Date.now() - since} ms`)
  redis.resume()
})

test('SIGTERM right after the start ends cleanly', async () => {
  await using redis = await startRedis()
  for (let times = 0; times < 3; times++) {
    await using proxy = await startProxy({ upstream: redis.address })
    assert.equal(await proxy.stop(), 0)
    assert.deepEqual(proxy.complaints, [])
  }
})
