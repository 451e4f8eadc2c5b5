import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from './lines.ts'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

const REFUSED = '-"ERR Server overloaded"'

/** How many of the replies to so many requests, sent at once, were the server's. */
async function passed(client: RawClient, count: number): Promise<number> {
  const before = client.replies.length
  client.write(Buffer.concat(Array.from({ length: count }, () => request(['SET', 'key', 'value']))))
  let served = 0
  for (let index = before; index < before + count; index++) {
    const shown = await client.shown(index)
    if (shown !== REFUSED) assert.equal(shown, '+"OK"')
    if (shown !== REFUSED) served++
  }
  return served
}

for (const threads of [1, 3]) {
  test(`${threads} threads let through together what a second allows, and refuse the rest`, async () => {
    await using redis = await startRedis()
    const topology = (listen: string) =>
      `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - RequestThrottling: { name: "throttle", max_requests_per_second: 50 }
        - ValkeySinkSingle: { name: "sink", remote_address: "${redis.address}", connect_timeout_ms: 3000 }
`
    await using proxy = await startProxy({ topology, coreThreads: threads })
    const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.open(proxy.port)))
    const since = performance.now()
    const served = await Promise.all(clients.map((client) => passed(client, 50)))
    const all = served.reduce((sum, count) => sum + count)
    const brought = Math.ceil(((performance.now() - since) / 1000) * 50)
    assert.ok(all >= 50 && all <= 50 + brought, `${all} of 300, after a time that brings ${brought} more`)
    assert.deepEqual(proxy.complaints, [])
  })
}
