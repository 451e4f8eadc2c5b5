import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { startup } from '../cassandra.ts'
import { CHAIN } from './proxy.ts'
import { startMetered } from './metrics.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

// What operators see of the proxy, while real clients and a real server do what makes the numbers move.

const SINK = { chain: CHAIN, transform: 'ValkeySinkSingle' }
const SOURCE = { source: CHAIN }

for (const coreThreads of [1, 2]) {
  test(`what goes through is counted, on ${coreThreads} core threads`, async () => {
    await using redis = await startRedis()
    await using metered = await startMetered({ upstream: redis.address, coreThreads })
    const { proxy, metrics } = metered
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.open(proxy.port)))
    for (const client of clients) assert.equal(await client.ask('SET', 'k', 'x'.repeat(1000)), '+"OK"')
    for (const client of clients) {
      for (let i = 0; i < 5; i++) client.send('GET', 'k')
      await client.until(6)
    }
    assert.match(await clients[0]!.ask('NONSENSE'), /^-"ERR unknown command/)
    assert.equal(await metrics.read('connections_opened', SOURCE), 4)
    assert.equal(await metrics.read('shotover_sessions', SOURCE), 4)
    assert.equal(await metrics.read('shotover_requests_count', SOURCE), 25)
    assert.equal(await metrics.read('shotover_chain_requests_batch_size_sum', { chain: CHAIN }), 25)
    assert.equal(await metrics.read('shotover_chain_responses_batch_size_sum', { chain: CHAIN }), 25)
    assert.equal(await metrics.read('shotover_failed_requests_count', SINK), 1)
    const bytes = async (name: string) => (await metrics.read(`shotover_${name}_bytes`))!
    const error = clients[0]!.replies.at(-1)!.bytes.length
    const down = 20 * '$1000\r\n\r\n'.length + 20_000 + 4 * '+OK\r\n'.length + error
    assert.equal(await bytes('downstream_written'), down)
    // The proxy asks the server a few things of its own.
    const own = (more: number) => more >= 0 && more < 1000
    assert.ok(own((await bytes('upstream_read')) - down))
    const read = await bytes('downstream_read')
    assert.ok(read > 4000)
    assert.ok(own((await bytes('upstream_written')) - read))
    for (const name of ['source_to_sink_latency_seconds', 'sink_to_source_latency_seconds', 'chain_latency_seconds']) {
      const [count, sum] = [
        await metrics.read(`shotover_${name}_count`),
        await metrics.read(`shotover_${name}_sum`),
      ] as number[]
      assert.ok(count! > 4 && count! <= 25, `${name}: ${count}`)
      assert.ok(sum! > 0 && sum! < 5, `${name}: ${sum}`)
    }
    const batches = await metrics.read('shotover_chain_responses_batch_size_count')
    assert.equal(await metrics.read('shotover_transform_latency_seconds_count', { transform: SINK.transform }), batches)
    clients[0]!.send('QUIT')
    clients[1]!.destroy()
    clients[2]!.write('*1\r\n$-5\r\n')
    await metrics.until('shotover_sessions', SOURCE, 1)
    for (const reason of ['quit', 'client', 'protocol-error'])
      assert.equal(await metrics.read('shotover_sessions_closed_count', { ...SOURCE, reason }), 1, reason)
  })
}

test('connections to the server are told apart, and pins by their reason', async () => {
  await using redis = await startRedis()
  await using metered = await startMetered({ upstream: redis.address })
  const { proxy, metrics } = metered
  const clients = await Promise.all(Array.from({ length: 5 }, () => RawClient.open(proxy.port)))
  const [blocked, inTransaction, elsewhere, large, plain] = clients as [
    RawClient,
    RawClient,
    RawClient,
    RawClient,
    RawClient,
  ]
  await plain.ask('PING')
  blocked.send('BLPOP', 'nothing', '0')
  assert.equal(await inTransaction.ask('MULTI'), '+"OK"')
  assert.equal(await elsewhere.ask('SELECT', '1'), '+"OK"')
  assert.equal(await large.ask('SET', 'k', 'x'.repeat(1_000_000)), '+"OK"')
  for (const reason of ['blocking', 'transaction', 'attributes', 'large-request'])
    assert.equal(await metrics.read('shotover_pins_count', { ...SINK, reason }), 1, reason)
  assert.equal(await metrics.read('shotover_cut_throughs_count', SOURCE), 1)
  assert.equal(await metrics.read('shotover_in_flight', SINK), 1)
  const kinds = async () =>
    await Promise.all(['shared', 'pinned'].map((kind) => metrics.read('shotover_upstreams', { ...SINK, kind })))
  assert.deepEqual(await kinds(), [2, 2])
  assert.equal(await inTransaction.ask('DISCARD'), '+"OK"')
  await metrics.until('shotover_upstreams', { ...SINK, kind: 'spare' }, (count) => count > 0)
  assert.deepEqual(await kinds(), [2, 1])
})

test('a server that is lost is seen in deaths, retries, failed connections and failed requests', async () => {
  await using redis = await startRedis()
  await using metered = await startMetered({ upstream: redis.address })
  const { proxy, metrics } = metered
  const client = await RawClient.open(proxy.port)
  await client.ask('PING')
  redis.pause()
  client.send('GET', 'k')
  await metrics.until('shotover_in_flight', SINK, 1)
  await redis.kill()
  assert.match(await client.shown(1), /^-"ERR Internal shotover/)
  for (const name of ['upstream_deaths', 'retries', 'upstream_connect_failures', 'failed_requests'])
    assert.equal(await metrics.read(`shotover_${name}_count`, SINK), 1, name)
  assert.equal(await metrics.read('shotover_chain_failures_count', { chain: CHAIN }), 1)
  assert.equal(await metrics.read('shotover_transform_failures_count', { transform: SINK.transform }), 1)
})

test('a client that asks for too much at once is paused; what comes for one that is gone is late', async () => {
  await using redis = await startRedis()
  await using metered = await startMetered({ upstream: redis.address })
  const { proxy, metrics } = metered
  const greedy = await RawClient.open(proxy.port)
  const hasty = await RawClient.open(proxy.port)
  await greedy.ask('PING')
  redis.pause()
  hasty.send('GET', 'k')
  hasty.send('GET', 'k')
  await metrics.until('shotover_in_flight', SINK, 2)
  hasty.socket.resetAndDestroy()
  await metrics.until('shotover_sessions', SOURCE, 1)
  greedy.write('GET k\r\n'.repeat(100_000))
  await metrics.until('shotover_pauses_count', SOURCE, 1)
  redis.resume()
  await metrics.until('shotover_late_replies_count', SINK, 2)
  await greedy.until(100_001)
  assert.equal(await metrics.read('shotover_in_flight', SINK), 0)
})

test('a client that reads too slowly costs it the shared connection, and then its own', async () => {
  await using redis = await startRedis()
  const config = 'limits: { session_unsent_bytes: 65536, session_bytes_max: 1048576, stall_ms: 100 }'
  await using metered = await startMetered({ upstream: redis.address, config })
  const { proxy, metrics } = metered
  await redis.cli('SETRANGE', 'large', String(64 * 1024 * 1024), 'x')
  const slow = await RawClient.open(proxy.port)
  const behind = await RawClient.open(proxy.port)
  await slow.ask('PING')
  redis.pause()
  slow.socket.pause()
  slow.send('GET', 'large')
  await metrics.until('shotover_in_flight', SINK, 1)
  behind.send('INCR', 'n')
  await metrics.until('shotover_in_flight', SINK, 2)
  redis.resume()
  await metrics.until('shotover_isolations_count', SINK, 1)
  await metrics.until('shotover_sessions_closed_count', { ...SOURCE, reason: 'slow-reader' }, 1)
})

for (const coreThreads of [1, 2]) {
  test(`lines about a client carry its span where the filter wants that, on ${coreThreads} core threads`, async () => {
    await using redis = await startRedis()
    await using metered = await startMetered({ upstream: redis.address, coreThreads })
    const { proxy, metrics } = metered
    const filter = new URL('/filter', metrics.url)
    const refused = async () => {
      const client = await RawClient.open(proxy.port)
      client.write('*1\r\n$-5\r\n')
      await client.untilClosed()
      const lines = () => proxy.output.split('\n').filter((line) => line.includes('failed to decode message'))
      const before = spans.length
      await proxy.logged(() => lines().length > before)
      spans.push((JSON.parse(lines().at(-1)!) as { span?: unknown }).span)
    }
    const spans: unknown[] = []
    await refused()
    await fetch(filter, { method: 'PUT', body: 'info, shotover::connection_span=debug' })
    await refused()
    assert.deepEqual(spans, [undefined, { id: 2, source: CHAIN, name: 'connection' }])
  })
}

test('clients of Cassandra are counted by version, also when they have left', async () => {
  const topology = (listen: string) => `sources:
  - Cassandra: { name: cassandra, listen_addr: "${listen}", chain: [{ NullSink: { name: sink } }] }
`
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  const version = async (name: string) =>
    await metrics.read('shotover_client_protocol_version_count', { version: name })
  assert.deepEqual(await Promise.all(['v3', 'v4', 'v5'].map(version)), [0, 0, 0])
  const clients: Socket[] = []
  for (const number of [3, 4, 4]) {
    const client = connect(proxy.port, proxy.host)
    clients.push(client)
    client.write(startup(number).toBuffer())
    await once(client, 'data')
  }
  assert.deepEqual(await Promise.all(['v3', 'v4', 'v5'].map(version)), [1, 2, 0])
  for (const client of clients) client.destroy()
  await metrics.until('shotover_sessions', {}, 0)
  assert.deepEqual(await Promise.all(['v3', 'v4', 'v5'].map(version)), [1, 2, 0])
})
