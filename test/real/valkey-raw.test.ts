import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playBoth, scriptOf } from './differential.ts'
import { SCENARIOS as MODEL_SCENARIOS } from './model-scenarios.ts'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { SCENARIOS as RAW_SCENARIOS } from './raw-scenarios.table.ts'
import { startRedis } from './servers.ts'

// "As if it were not there": the same bytes are sent to a server directly and through the proxy, and the same bytes come back.

test('the same bytes come back as without the proxy', async (t) => {
  await using redis = await startRedis({ extraArgs: ['--enable-debug-command', 'yes', '--hz', '500'] })
  await using proxy = await startProxy({ upstream: redis.address })
  const ports = { redis: redis.port, proxy: proxy.port }
  const control = await RawClient.open(redis.port)
  let compared = 0
  for (const [name, text] of Object.entries({ ...MODEL_SCENARIOS, ...RAW_SCENARIOS }))
    await t.test(name, async (t) => {
      compared += await playBoth(ports, scriptOf(text), control, (delivery, play) => t.test(delivery, play))
    })
  control.destroy()
  assert.ok(compared > 4000, `${compared} replies were compared`)
  assert.deepEqual(
    proxy.complaints.filter((line) => !line.startsWith('WARN failed to decode message: ')),
    [],
  )
  assert.ok(proxy.running)
})
