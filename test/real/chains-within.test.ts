import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMetered } from './metrics.ts'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis, type RedisServer } from './servers.ts'

/** A chain of one sink with a chain of its own, `more` being its options. */
function within(kind: string, more: string, redis: RedisServer, above = '') {
  return (listen: string) => `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        ${above}
        - ${kind}:
            name: "outer"
            ${more}
            chain:
              - QueryCounter: { name: "counter", counter_name: "inner" }
              - ValkeySinkSingle: { name: "sink", remote_address: "${redis.address}", connect_timeout_ms: 3000 }
`
}

/** Connections of the server, but for the one that asks. */
async function connections(redis: RedisServer): Promise<number> {
  return (await redis.cli('CLIENT', 'LIST')).split('\n').length - 1
}

test('ParallelMap has a connection for each copy, and keeps the order of replies', async () => {
  await using redis = await startRedis()
  const topology = within('ParallelMap', 'parallelism: 3\n            ordered_results: false', redis)
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  const client = await RawClient.open(proxy.port)
  const words = Array.from({ length: 300 }, (_, i) => ['ECHO', String(i)])
  for (const echo of words) client.send(...echo)
  await client.until(300)
  for (const [i, [, text]] of words.entries()) assert.equal(await client.shown(i), `$"${text}"`)
  assert.equal(await connections(redis), 3)
  assert.equal(await metrics.read('shotover_query_count', { query: 'ECHO' }), 300)
  const total = async (chain: string) => await metrics.read('shotover_chain_total_count', { chain })
  for (const chain of ['valkey', 'outer[0]', 'outer[1]', 'outer[2]']) assert.ok((await total(chain))! > 0, chain)
  assert.deepEqual(proxy.complaints, [])
  assert.equal(await proxy.stop(), 0)
})

test('ParallelMap: a server that is gone is an error, and no replies are lost', async () => {
  await using redis = await startRedis()
  const topology = within('ParallelMap', 'parallelism: 2\n            ordered_results: true', redis)
  await using proxy = await startProxy({ topology })
  const client = await RawClient.open(proxy.port)
  assert.equal(await client.ask('PING'), '+"PONG"')
  await redis.kill()
  for (let i = 0; i < 4; i++) client.send('SET', 'a', String(i))
  await client.until(5)
  for (let i = 1; i < client.replies.length; i++) assert.match(await client.shown(i), /^-"ERR/)
  assert.equal(client.replies.length, 5)
})

test('ConnectionBalanceAndPool shares so many connections, and clients do not meet on them', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ topology: within('ConnectionBalanceAndPool', 'max_connections: 3', redis) })
  const clients: RawClient[] = []
  for (let i = 0; i < 9; i++) {
    const client = await RawClient.open(proxy.port)
    assert.equal(await client.ask('SET', `key${i}`, String(i)), '+"OK"')
    clients.push(client)
  }
  assert.equal(await connections(redis), 3)
  // Two that share: the first is in a transaction, the other in another database.
  const [one, , , other] = clients
  assert.equal(await one!.ask('MULTI'), '+"OK"')
  assert.equal(await other!.ask('SELECT', '5'), '+"OK"')
  assert.equal(await other!.ask('GET', 'key0'), '$nil')
  assert.equal(await one!.ask('GET', 'key0'), '+"QUEUED"')
  assert.equal(await one!.ask('EXEC'), '*[$"0"]')
  assert.deepEqual(proxy.complaints, [])
  assert.equal(await proxy.stop(), 0)
})

test('Coalesce sends together what came apart, and answers all of it', async () => {
  await using redis = await startRedis()
  const topology = (listen: string) => `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - Coalesce: { name: "coalesce", flush_when_buffered_message_count: 3, flush_when_millis_since_last_flush: 60000 }
        - ValkeySinkSingle: { name: "sink", remote_address: "${redis.address}", connect_timeout_ms: 3000 }
`
  await using proxy = await startProxy({ topology })
  const client = await RawClient.open(proxy.port)
  client.send('SET', 'a', '1')
  client.send('INCR', 'a')
  const other = await RawClient.open(proxy.port)
  for (let i = 0; i < 3; i++) other.send('PING')
  await other.until(3)
  assert.equal(await redis.cli('EXISTS', 'a'), '0')
  client.send('INCR', 'a')
  await client.until(3)
  assert.equal(await client.shown(2), ':"3"')
  client.send('INCR', 'a')
  await other.ask('PING').catch(() => {})
  assert.equal(await redis.cli('GET', 'a'), '3')
  // What is held goes on when the process ends, and is answered.
  assert.equal(await proxy.stop(), 0)
  assert.equal(await client.shown(3), ':"4"')
  assert.equal(await redis.cli('GET', 'a'), '4')
})
