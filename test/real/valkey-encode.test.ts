import assert from 'node:assert/strict'
import { test } from 'node:test'
import { playBoth, scriptOf } from './differential.ts'
import { SCENARIOS as MODEL_SCENARIOS } from './model-scenarios.ts'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { SCENARIOS as RAW_SCENARIOS } from './raw-scenarios.table.ts'
import { startRedis } from './servers.ts'

// What a transform changes is decoded and encoded again: every message of a server's whole repertoire, with nothing changed.

/** Servers write more digits of a double than it holds: the value comes back, not the text. */
const DOUBLES = 'versions: all types of RESP3'

test('what is decoded and encoded again is what it was, byte for byte', async (t) => {
  await using redis = await startRedis({ extraArgs: ['--enable-debug-command', 'yes', '--hz', '500'] })
  const topology = (listen: string) =>
    `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - DebugForceEncode: { name: "encode", encode_requests: true, encode_responses: true }
        - DebugForceParse: { name: "parse", parse_requests: true, parse_responses: true }
        - ValkeySinkSingle: { name: "sink", remote_address: "${redis.address}", connect_timeout_ms: 3000 }
`
  await using proxy = await startProxy({ topology })
  const ports = { redis: redis.port, proxy: proxy.port }
  const control = await RawClient.open(redis.port)
  let compared = 0
  for (const [name, text] of Object.entries({ ...MODEL_SCENARIOS, ...RAW_SCENARIOS })) {
    if (name === DOUBLES) continue
    await t.test(name, async (t) => {
      compared += await playBoth(ports, scriptOf(text), control, (delivery, play) => t.test(delivery, play))
    })
  }
  control.destroy()
  assert.ok(compared > 4000, `${compared} replies were compared`)
  assert.deepEqual(
    proxy.complaints.filter((line) => !line.startsWith('WARN failed to decode message: ')),
    [],
  )
})
