import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { request } from '../real/lines.ts'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { RawClient } from '../real/raw-client.ts'
import { drawPort, startRedis, type RedisServer } from '../real/servers.ts'
import { ask, askOnce, metric, openSocket, peakMb, residentMb, until, words } from './talk.ts'

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

const ENDLESS = request(['EVAL', 'while true do end', '0'])

test('a script without end is ended through the proxy at once', async () => {
  await using server = await startRedis({ extraArgs: ['--busy-reply-threshold', '100'] })
  await using own = await startProxy({ upstream: server.address })
  const [runner, killer] = [await RawClient.open(own.port), await RawClient.open(own.port)]
  await ask(killer, 'PING')
  runner.write(ENDLESS)
  await until(async () => (await askOnce(server.port, 'PING')).startsWith('-BUSY'), 'the script runs')
  const since = performance.now()
  // What the server itself says to it now.
  assert.match(await ask(killer, 'FUNCTION STATS'), /^-BUSY/)
  assert.equal(await ask(killer, 'SCRIPT KILL'), '+OK\r\n')
  assert.ok(performance.now() - since < 1000)
  await runner.until(1)
  assert.match(runner.replies[0]!.bytes.toString(), /^-ERR Error running script|^-ERR Script killed/)
})

test('writes that are paused go on as soon as a client says so', async () => {
  await using server = await startRedis()
  await using own = await startProxy({ upstream: server.address })
  const [writer, boss] = [await RawClient.open(own.port), await RawClient.open(own.port)]
  assert.equal(await ask(boss, 'CLIENT PAUSE 60000 WRITE'), '+OK\r\n')
  writer.write(words('SET key value'))
  await until(async () => (await server.cli('INFO', 'clients')).includes('blocked_clients:1'), 'the write waits')
  assert.equal(await ask(boss, 'CLIENT UNPAUSE'), '+OK\r\n')
  await writer.until(1)
  assert.equal(writer.replies[0]!.bytes.toString(), '+OK\r\n')
})

test('behind a script without end the others do not wait for ever: the server says to them that it is busy', async () => {
  await using server = await startRedis({ extraArgs: ['--busy-reply-threshold', '100'] })
  await using own = await startProxy({ upstream: server.address })
  const [runner, other] = [await RawClient.open(own.port), await RawClient.open(own.port)]
  await ask(other, 'PING')
  runner.write(ENDLESS)
  await until(async () => (await askOnce(server.port, 'PING')).startsWith('-BUSY'), 'the script runs')
  const unlucky = await RawClient.open(own.port)
  unlucky.write(words('GET key'))
  // Clients that come later, as they do once they have given up waiting.
  await until(async () => {
    const late = await RawClient.open(own.port)
    late.write(words('GET key'))
    await late.until(1, 500).catch(() => {})
    late.destroy()
    return late.replies[0]?.bytes.toString().startsWith('-BUSY') === true
  }, 'somebody is told')
  assert.match(await ask(other, 'GET key'), /^-BUSY/)
  await server.cli('SCRIPT', 'KILL')
  await Promise.all([unlucky.until(1), runner.until(1)])
  assert.equal(unlucky.replies[0]!.bytes.toString(), '$-1\r\n')
})
