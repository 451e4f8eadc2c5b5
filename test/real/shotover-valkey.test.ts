import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHAIN } from './proxy.ts'
import { startMetered } from './metrics.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

// What Shotover's own tests ask of a Valkey source before a ValkeySinkSingle, and what is not asked elsewhere already;
// test/golden/shotover-tests.test.ts says which is tested where.

test('an error reply is a failed request, whoever sent it', async () => {
  await using redis = await startRedis()
  await using metered = await startMetered({ upstream: redis.address })
  const { proxy, metrics } = metered
  const client = await RawClient.open(proxy.port)
  // What drivers send by themselves is an error too where the server is too old for it, as Redis 7.0 is.
  await client.ask('CLIENT', 'SETINFO', 'LIB-NAME', 'x')
  await client.ask('CLIENT', 'SETINFO', 'LIB-VER', '1')
  assert.match(await client.ask('INVALID_COMMAND', 'foo'), /^-"ERR unknown command/)
  const refused = client.replies.filter(({ bytes }) => bytes.toString().startsWith('-')).length
  assert.equal(
    await metrics.read('shotover_failed_requests_count', { chain: CHAIN, transform: 'ValkeySinkSingle' }),
    refused,
  )
  assert.equal(refused, 3)
})

test('what is no request is warned of, with the reason, and ends its connection', async () => {
  await using redis = await startRedis()
  await using metered = await startMetered({ upstream: redis.address })
  const { proxy } = metered
  const client = await RawClient.open(proxy.port)
  client.write('*1\r\n:1\r\n')
  await client.untilClosed()
  const { message, target } = await proxy.logged(({ level }) => level === 'WARN')
  assert.equal(target, 'shotover::server')
  assert.match(message, /^failed to decode message: Error decoding valkey frame\n\nCaused by:\n {4}\S/)
})
