import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startMetered } from './metrics.ts'
import { Collector } from './otlp.ts'
import { RawClient } from './raw-client.ts'
import { startRedis } from './servers.ts'

// Whatever operators may look at, at whatever level, shows no credential, no key and no value.

const CHAIN = `
        - QueryCounter: { name: counter, counter_name: c }
        - RequestThrottling: { name: throttle, max_requests_per_second: 100000, per_user: 1000 }
        - QueryTypeFilter: { name: filter, DenyList: [SchemaChange] }`

/** Each begins with the same word: what is looked for. */
const PASSWORD = 'hush-password'
const KEY = 'hush-key'
const VALUE = 'hush-value'

/** What clients do with secrets, the wrong ones and broken messages included. */
const TALKS: readonly (readonly string[])[] = [
  ['AUTH hush-wrong', `AUTH ${PASSWORD}`, `SET ${KEY} ${VALUE}`, `GET ${KEY}`, `INCR ${KEY}`],
  [`HELLO 3 AUTH default ${PASSWORD}`, `CLIENT SETNAME hush-name`, 'MULTI', `LPUSH ${KEY} ${VALUE}`, 'EXEC'],
  ['HELLO 3 AUTH hush-user hush-wrong', `AUTH hush-user ${PASSWORD}`, 'HUSH-COMMAND hush-argument'],
  [`AUTH ${PASSWORD}`, 'ACL SETUSER hush-user on >hush-other ~* +@all', 'AUTH hush-user hush-other', `GET ${KEY}`],
  [`AUTH ${PASSWORD}`, `SUBSCRIBE hush-channel`, `PUBLISH hush-channel ${VALUE}`],
  [
    `AUTH ${PASSWORD}`,
    `EVAL return\u00a0redis.call('hush-script') 0`,
    `MIGRATE hush-host 1 ${KEY} 0 1 AUTH ${PASSWORD}`,
  ],
  [`AUTH ${PASSWORD}`, 'CONFIG SET requirepass hush-next', `GET ${KEY}`],
]
const BROKEN: readonly string[] = [
  `hush-inline ${VALUE}\r\n`,
  `*2\r\n$4\r\nAUTH\r\n$x${PASSWORD}\r\n`,
  `*3\r\n$3\r\nSET\r\n$8\r\n${KEY}\r\n:${VALUE}\r\n`,
  `"hush-unbalanced ${PASSWORD}\r\n`,
]

for (const coreThreads of [1, 2])
  test(`no credential, key or value is in logs, metrics or traces, on ${coreThreads} core threads`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'shotover-secrets-'))
    t.after(() => rmSync(folder, { recursive: true }))
    await using redis = await startRedis({ password: PASSWORD })
    await using collector = await Collector.start()
    const accessLog = join(folder, 'access.log')
    const topology = (listen: string) => `sources:
  - Valkey:
      name: valkey
      listen_addr: "${listen}"
      chain:${CHAIN}
        - ValkeySinkSingle: { name: sink, remote_address: "${redis.address}", connect_timeout_ms: 3000 }
`
    const config = `access_log: { path: ${JSON.stringify(accessLog)} }
tracing: { endpoint: "${collector.url}", sample: 1 }`
    await using metered = await startMetered({ topology, config, coreThreads })
    const { proxy, metrics } = metered
    await metrics.putFilter('trace')
    let requests = 0
    for (const lines of TALKS) {
      const client = await RawClient.open(proxy.port)
      for (const line of lines) {
        await client.ask(...line.split(' '))
        requests++
      }
      client.destroy()
    }
    for (const bytes of BROKEN) {
      const client = await RawClient.open(proxy.port)
      client.write(bytes)
      client.socket.end()
      await client.untilClosed()
    }
    const client = await RawClient.open(proxy.port)
    assert.match(await client.ask('AUTH', 'hush-next'), /OK/)
    await redis.kill()
    await client.ask('GET', KEY)
    client.destroy()
    await collector.until((spans) => spans.filter(({ parentId }) => parentId === '').length >= requests)
    const exposition = await (await fetch(metrics.url)).text()
    assert.equal(await proxy.stop(), 0)

    assert.match(proxy.output, /failed to decode message/)
    assert.match(exposition, /shotover_query_count.*"AUTH"/)
    const places = {
      log: proxy.output,
      metrics: exposition,
      'access log': readFileSync(accessLog, 'utf8'),
      traces: JSON.stringify(collector.spans, (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    }
    for (const [place, text] of Object.entries(places)) {
      assert.ok(text.length > 1000, place)
      const at = text.toLowerCase().indexOf('hush')
      assert.equal(at < 0 ? '' : text.slice(Math.max(0, at - 200), at + 100), '', place)
    }
  })
