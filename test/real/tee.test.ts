import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMetered } from './metrics.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { drawPort, startRedis } from './servers.ts'

// The topologies that Shotover tries its Tee with, and what they do there.

const OTHER =
  'SubchainOnMismatch: { chain: [{ ValkeySinkSingle: { name: "mismatch", remote_address: "%", connect_timeout_ms: 3000 } }] }'

/** A Tee of chains that answer with one text each: the first within, the second around. */
function returning(within: string, around: string, behavior: string, more = '') {
  return (listen: string) => `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - Tee:
            name: "tee"
            behavior: ${behavior.startsWith('Subchain') ? `{ ${behavior} }` : behavior}
            buffer_size: 10000
            ${more}
            chain:
              - DebugReturner: { name: "debug-returner1", Valkey: "${within}" }
        - DebugReturner: { name: "debug-returner2", Valkey: "${around}" }
`
}

async function ask(proxy: Proxy, ...words: string[]): Promise<string> {
  const client = await RawClient.open(proxy.port)
  const reply = await client.ask(...words)
  client.destroy()
  return reply
}

const FAILED =
  '-ERR The responses from the Tee subchain and down-chain did not match and behavior is set to fail on mismatch'
const WARNED =
  'WARN Tee mismatch:\nresult-source response: Valkey BulkString(b"42")\nother response: Valkey BulkString(b"41")'

const CASES: [name: string, within: string, behavior: string, reply: string, complaints: string[]][] = [
  ['ignore', '42', 'Ignore', '$2\r\n42', []],
  ['ignore_with_mismatch', '41', 'Ignore', '$2\r\n42', []],
  ['log', '42', 'LogWarningOnMismatch', '$2\r\n42', []],
  ['log_with_mismatch', '41', 'LogWarningOnMismatch', '$2\r\n42', [WARNED]],
  ['fail', '42', 'FailOnMismatch', '$2\r\n42', []],
  ['fail_with_mismatch', '41', 'FailOnMismatch', FAILED, []],
]

for (const [name, within, behavior, reply, complaints] of CASES) {
  test(`tee/${name}`, async () => {
    await using proxy = await startProxy({ topology: returning(within, '42', behavior) })
    const client = await RawClient.open(proxy.port)
    await client.ask('SET', 'key', 'notreturned')
    assert.equal(String(client.replies[0]!.bytes), `${reply}\r\n`)
    assert.equal(await proxy.stop(), 0)
    assert.deepEqual(proxy.complaints, complaints)
  })
}

for (const [name, within, expected] of [
  ['subchain', '42', '0'],
  ['subchain_with_mismatch', '41', '1'],
] as const) {
  test(`tee/${name}`, async () => {
    await using redis = await startRedis()
    await using proxy = await startProxy({ topology: returning(within, '42', OTHER.replace('%', redis.address)) })
    assert.equal(await ask(proxy, 'SET', 'key', 'myvalue'), '$"42"')
    assert.equal(await redis.cli('EXISTS', 'key'), expected)
    assert.deepEqual(proxy.complaints, [])
    assert.equal(await proxy.stop(), 0)
  })
}

/** A proxy whose Tee is switched on a port that was free. */
async function startSwitched(topology: (port: number) => (listen: string) => string, coreThreads: number) {
  for (let draw = 1; ; draw++) {
    const port = drawPort()
    const proxy = await startProxy({ topology: topology(port), coreThreads })
    if (!proxy.complaints.some((line) => line.includes('ChainSwitchListener')) || draw === 20)
      return { proxy, url: `http://127.0.0.1:${port}/transform/tee/result-source`, port }
    await proxy.kill()
  }
}

for (const [behavior, warnings] of [
  ['Ignore', 0],
  ['LogWarningOnMismatch', 2],
  [OTHER, 0],
] as const) {
  for (const threads of [1, 2]) {
    test(`tee/switch_chain: operators choose whose replies clients get (${behavior.slice(0, 18)}, ${threads} threads)`, async (t) => {
      await using redis = await startRedis()
      const tee = behavior.replace('%', redis.address)
      const { proxy, url } = await startSwitched((at) => returning('b', 'a', tee, `switch_port: ${at}`), threads)
      t.after(() => proxy.kill())
      const source = async () => await (await fetch(url)).text()
      const put = async (body: string) => await fetch(url, { method: 'PUT', body })
      assert.equal(await source(), 'regular-chain')
      assert.equal(await ask(proxy, 'SET', 'key', 'v'), '$"a"')
      const set = await put('tee-chain')
      assert.deepEqual([set.status, await set.text(), await source()], [200, '', 'tee-chain'])
      // With two threads each is asked.
      for (let i = 0; i < threads; i++) assert.equal(await ask(proxy, 'SET', 'key', 'v'), '$"b"')
      const wrong = await put('tee')
      const text = `HTTP 500 error: Invalid value for result source: "tee", should be 'tee-chain' or 'regular-chain'`
      assert.deepEqual([wrong.status, await wrong.text(), await source()], [500, text, 'tee-chain'])
      await put('regular-chain')
      assert.equal(await ask(proxy, 'SET', 'key', 'v'), '$"a"')
      const hint = await fetch(new URL('/', url))
      assert.deepEqual([hint.status, await hint.text()], [200, 'try /transform/tee/result-source'])
      assert.equal((await fetch(new URL('/other', url))).status, 404)
      assert.equal((await fetch(url, { method: 'DELETE' })).status, 405)
      assert.equal((await put('x'.repeat(5000)).catch(() => ({ status: 413 }))).status, 413)
      await proxy.logged(({ message }) => message === 'result source set to regular-chain')
      const messages = proxy.logs.filter(({ message }) => message.startsWith('result source set to'))
      assert.deepEqual(
        messages.map(({ message }) => message),
        ['result source set to tee-chain', 'result source set to regular-chain'],
      )
      assert.equal(proxy.complaints.length, warnings === 0 ? 0 : warnings + threads)
      assert.equal(await proxy.stop(), 0)
    })
  }
}

test('a port that is taken is an error in the log, and the proxy serves without', async () => {
  await using redis = await startRedis()
  const topology = returning('b', 'a', 'Ignore', `switch_port: ${redis.port}`)
  await using proxy = await startProxy({ topology })
  assert.deepEqual(proxy.complaints, [`ERROR Error in ChainSwitchListener: Failed to bind to 127.0.0.1:${redis.port}`])
  assert.equal(await ask(proxy, 'GET', 'key'), '$"a"')
})

/** Everything goes to the first server, and a copy to the second, by way of `above`. */
function mirroring(main: string, shadow: string, above = '', more = '') {
  const sink = (name: string, address: string) =>
    `ValkeySinkSingle: { name: "${name}", remote_address: "${address}", connect_timeout_ms: 3000 }`
  return (listen: string) => `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - Tee:
            name: "tee"
            behavior: Ignore
            ${more}
            chain:
              ${above}
              - ${sink('shadow', shadow)}
        - ${sink('main', main)}
`
}

test('a shadow server gets what the server gets: state, transactions, large values', async () => {
  await using main = await startRedis()
  await using shadow = await startRedis()
  await using proxy = await startProxy({ topology: mirroring(main.address, shadow.address, '', 'buffer_size: 1000') })
  const client = await RawClient.open(proxy.port)
  const large = 'x'.repeat(300_000)
  const talk = [
    ['SELECT', '3'],
    ['SET', 'large', large],
    ['MULTI'],
    ['INCR', 'n'],
    ['INCR', 'n'],
    ['EXEC'],
    ['CLIENT', 'REPLY', 'SKIP'],
    ['INCR', 'n'],
    ['INCR', 'n'],
  ]
  for (const words of talk) client.send(...words)
  await client.until(7)
  assert.equal(await client.shown(6), ':"4"')
  client.send('QUIT')
  await client.untilClosed()
  assert.equal(await proxy.stop(), 0)
  for (const redis of [main, shadow]) {
    assert.equal(await redis.cli('-n', '3', 'GET', 'n'), '4')
    assert.equal(await redis.cli('-n', '3', 'STRLEN', 'large'), String(large.length))
  }
  assert.deepEqual(proxy.complaints, [])
})

test('a shadow that is dead, stands still or comes back harms nobody, and what it misses is counted', async () => {
  await using main = await startRedis()
  await using shadow = await startRedis()
  await using metered = await startMetered({ topology: mirroring(main.address, shadow.address) })
  const { proxy, metrics } = metered
  const DROPPED = 'shotover_tee_dropped_messages_count'
  const client = await RawClient.open(proxy.port)
  assert.equal(await client.ask('SET', 'a', '1'), '+"OK"')
  shadow.pause()
  const since = performance.now()
  for (let i = 0; i < 400; i++) assert.equal(await client.ask('INCR', 'n'), `:"${i + 1}"`)
  assert.ok(performance.now() - since < 8000)
  const missed = (await metrics.read(DROPPED))!
  assert.ok(missed > 0 && missed < 400, `${missed} of 400`)
  shadow.resume()
  assert.equal(await client.ask('SET', 'b', '1'), '+"OK"')
  await shadow.kill()
  assert.equal(await client.ask('SET', 'c', '1'), '+"OK"')
  const late = await RawClient.open(proxy.port)
  for (let i = 0; i < 50; i++) assert.equal(await late.ask('INCR', 'm'), `:"${i + 1}"`)
  await metrics.until(DROPPED, { chain: 'Tee' }, (value) => value > missed)
  await shadow.restart()
  const fresh = await RawClient.open(proxy.port)
  assert.equal(await fresh.ask('SET', 'd', '1'), '+"OK"')
  fresh.send('QUIT')
  await fresh.untilClosed()
  for (let i = 0; i < 100 && (await shadow.cli('EXISTS', 'd')) === '0'; i++) await client.ask('PING')
  assert.equal(await shadow.cli('EXISTS', 'd'), '1')
})

test('valkey/cluster-dr in small: what a Coalesce before the shadow holds is sent when the process ends, and not before', async () => {
  await using main = await startRedis()
  await using shadow = await startRedis()
  const above = `- QueryTypeFilter: { name: "filter", DenyList: [Read] }
              - Coalesce: { name: "coalesce", flush_when_buffered_message_count: 2000 }`
  await using proxy = await startProxy({
    topology: mirroring(main.address, shadow.address, above, 'buffer_size: 10000'),
  })
  const client = await RawClient.open(proxy.port)
  for (let i = 0; i < 1500; i++) client.send('SET', `key${i}`, String(i))
  await client.until(1500)
  assert.equal(await client.ask('GET', 'key7'), '$"7"')
  assert.equal(await shadow.cli('DBSIZE'), '0')
  for (let i = 1500; i < 2500; i++) client.send('SET', `key${i}`, String(i))
  await client.until(2501)
  for (let i = 0; i < 100 && (await shadow.cli('DBSIZE')) === '0'; i++) await client.ask('PING')
  const before = Number(await shadow.cli('DBSIZE'))
  assert.ok(before >= 2000 && before < 2500, `${before} keys`)
  assert.equal(await proxy.stop(), 0)
  assert.equal(await shadow.cli('DBSIZE'), '2500')
  assert.equal(await main.cli('DBSIZE'), '2500')
  assert.deepEqual(proxy.complaints, [])
  const said = proxy.logs.map(({ message }) => message)
  assert.ok(said.includes('Buffered chain tee was shutdown'))
})
