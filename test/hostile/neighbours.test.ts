import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { request } from '../real/lines.ts'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { RawClient } from '../real/raw-client.ts'
import { drawPort, startRedis, type RedisServer } from '../real/servers.ts'
import { ask, metric, openSocket, peakMb, residentMb, until, words } from './talk.ts'

// What one client does, the others do not notice.

let redis: RedisServer
let proxy: Proxy

before(async () => {
  redis = await startRedis()
  proxy = await startProxy({ upstream: redis.address })
})
after(async () => {
  await proxy.kill()
  await redis.stop()
})

test('who waits for replicas and leaves takes nobody along', async () => {
  const other = await RawClient.open(proxy.port)
  let sent = 0
  for (let round = 0; round < 40; round++) {
    // Both on the connection that they share, one right behind the other.
    other.write(Buffer.concat(Array.from({ length: 200 }, () => words('INCR counter'))))
    const leaver = await openSocket(proxy.port)
    leaver.write(Buffer.concat([words('INCR own'), words('WAIT 1 1000')]))
    for (let turns = 0; turns < round % 8; turns++) await turn()
    leaver.resetAndDestroy()
    await other.until((sent += 200))
  }
  const replies = other.replies.map(({ bytes }) => bytes.toString())
  assert.deepEqual(
    replies,
    Array.from({ length: sent }, (_, index) => `:${index + 1}\r\n`),
  )
  assert.equal(await ask(other, 'PING'), '+PONG\r\n')
  other.destroy()
})

test(
  'clients that ask for much and never read are given up before they fill the memory',
  { timeout: 60_000 },
  async () => {
    const metricsPort = drawPort()
    await using bounded = await startProxy({
      upstream: redis.address,
      config: `observability_interface: "127.0.0.1:${metricsPort}"\nlimits:\n  process_bytes_max: 64000000`,
    })
    const other = await RawClient.open(bounded.port)
    await ask(other, request(['SET', 'large', 'x'.repeat(60_000)]))
    const before = residentMb(bounded.pid)
    const sockets = await Promise.all(Array.from({ length: 80 }, () => openSocket(bounded.port)))
    // 1.2 GB of replies.
    for (const socket of sockets) socket.write(Buffer.concat(Array.from({ length: 250 }, () => words('GET large'))))
    await until(
      async () => {
        assert.equal(await ask(other, 'ECHO here'), '$4\r\nhere\r\n')
        const inFlight = await metric(metricsPort, 'shotover_in_flight')
        return [...inFlight.values()].every((count) => count === 0)
      },
      'all that was asked for has come',
      40_000,
    )
    const grown = peakMb(bounded.pid) - before
  assert.ok(grown < 250, `${grown} MB more`)
    const closed = await metric(metricsPort, 'shotover_sessions_closed_count')
    assert.ok((closed.get('{source="valkey",reason="slow-reader"}') ?? 0) > 0)
    for (const socket of sockets) socket.destroy()
  },
)
