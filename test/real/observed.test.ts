import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { Authority, CertificateFolder } from './certificates.ts'
import { startMetered } from './metrics.ts'
import { Collector, type ReceivedSpan } from './otlp.ts'
import { RawClient } from './raw-client.ts'
import { startProxy } from './proxy.ts'
import { startRedis } from './servers.ts'
import { tlsTopology } from './tls-topology.ts'

// What operators can see of single requests: the access log, and traces.

const BOUND = { timeout: 60_000 }

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'shotover-observed-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

for (const coreThreads of [1, 2]) {
  test(`each request has its line in the access log, on ${coreThreads} core threads`, BOUND, async (t) => {
    const path = join(folder(t), 'access.log')
    await using redis = await startRedis()
    const config = `access_log: { path: ${JSON.stringify(path)} }`
    await using proxy = await startProxy({ upstream: redis.address, config, coreThreads })
    const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.open(proxy.port)))
    for (const client of clients) {
      assert.equal(await client.ask('SET', 'secret-key', 'secret-value'), '+"OK"')
      assert.match(await client.ask('INCR', 'secret-key'), /^-/)
    }
    for (const client of clients) client.destroy()
    assert.equal(await proxy.stop(), 0)
    const text = readFileSync(path, 'utf8')
    assert.ok(!text.includes('secret'))
    const lines = linesOf(text)
    const seen = lines.map(
      ({ connection, query, outcome }) => `${String(connection)} ${String(query)} ${String(outcome)}`,
    )
    const expected = [1, 2, 3, 4].flatMap((id) => [`${id} INCR error`, `${id} SET answered`])
    assert.deepEqual(seen.sort(), expected)
    for (const line of lines) {
      assert.equal(line.source, 'valkey')
      assert.equal(line.client, '127.0.0.1')
      assert.ok((line.latency_us as number) >= 0 && (line.latency_us as number) < 10_000_000)
    }
  })
}

test('without a path the access log is on standard output, and of a sample there are fewer lines', BOUND, async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address, config: 'access_log: { sample: 0.1 }' })
  const client = await RawClient.open(proxy.port)
  for (let i = 0; i < 1000; i++) client.send('PING')
  await client.until(1000)
  client.destroy()
  assert.equal(await proxy.stop(), 0)
  const lines = proxy.output.split('\n').filter((line) => line.includes('"query":"PING"'))
  assert.ok(lines.length > 50 && lines.length < 170, String(lines.length))
})

test('an access log that can’t be opened keeps the proxy from starting', BOUND, async () => {
  const config = 'access_log: { path: /no/such/folder/access.log }'
  await assert.rejects(startProxy({ upstream: '127.0.0.1:1', config }), (error: Error) => {
    assert.match(error.message, /Couldn't open the access log \/no\/such\/folder\/access\.log/)
    assert.match(error.message, /No such file or directory/)
    return true
  })
})

/** Names of the spans of each trace, from the first one inwards. */
function traces(spans: readonly ReceivedSpan[]): string[] {
  const pathOf = (span: ReceivedSpan): string => {
    const inner = spans.find((one) => one.parentId === span.spanId)
    return inner === undefined ? span.name : `${span.name} > ${pathOf(inner)}`
  }
  return spans.filter(({ parentId }) => parentId === '').map(pathOf)
}

for (const coreThreads of [1, 2]) {
  test(`traces have a span for each transform and the server, on ${coreThreads} core threads`, BOUND, async () => {
    await using redis = await startRedis()
    await using collector = await Collector.start()
    const topology = (listen: string) => `sources:
  - Valkey:
      name: valkey
      listen_addr: "${listen}"
      chain:
        - QueryTypeFilter: { name: filter, DenyList: [Write] }
        - QueryCounter: { name: counter, counter_name: c }
        - ValkeySinkSingle: { name: sink, remote_address: "${redis.address}", connect_timeout_ms: 3000 }
`
    const config = `tracing: { endpoint: "${collector.url}", sample: 1, service_name: "edge" }`
    await using metered = await startMetered({ topology, config, coreThreads })
    const { proxy, metrics } = metered
    const client = await RawClient.open(proxy.port)
    assert.equal(await client.ask('GET', 'secret'), '$nil')
    assert.match(await client.ask('SET', 'secret', '1'), /^-/)
    await collector.until((spans) => spans.length === 6)
    const { spans } = collector
    assert.deepEqual(traces(spans), [
      'GET > QueryTypeFilter > QueryCounter > ValkeySinkSingle',
      'SET > QueryTypeFilter',
    ])
    const [get, set] = spans.filter(({ parentId }) => parentId === '')
    assert.equal(get!.service, 'edge')
    assert.equal(get!.kind, 2)
    assert.equal(get!.attributes['client.address'], '127.0.0.1')
    assert.equal(get!.attributes['shotover.outcome'], 'answered')
    assert.deepEqual([get!.status, set!.status], [0, 2])
    const sink = spans.find(({ name }) => name === 'ValkeySinkSingle')!
    assert.equal(sink.kind, 3)
    assert.equal(sink.attributes['server.address'], redis.address)
    assert.equal(sink.attributes['shotover.transform.name'], 'sink')
    for (const span of spans) {
      const outer = spans.find(({ spanId }) => spanId === span.parentId) ?? span
      assert.equal(span.traceId, outer.traceId)
      assert.ok(outer.startNs <= span.startNs && span.startNs <= span.endNs && span.endNs <= outer.endNs, span.name)
    }
    const age = Date.now() - Number(get!.startNs / 1_000_000n)
    assert.ok(age >= -1000 && age < 60_000, String(age))
    assert.ok(!JSON.stringify(spans, (_, value: unknown) => String(value)).includes('secret'))
    assert.equal(await metrics.read('shotover_traces_count'), 2)
    client.destroy()
    assert.equal(await proxy.stop(), 0)
    assert.deepEqual(proxy.complaints, [])
  })
}

test('traces cover chains within, and what nobody waits for has traces of its own', BOUND, async () => {
  await using redis = await startRedis()
  await using collector = await Collector.start()
  const sink = (name: string) =>
    `ValkeySinkSingle: { name: ${name}, remote_address: "${redis.address}", connect_timeout_ms: 3000 }`
  const counter = (name: string) => `QueryCounter: { name: ${name}, counter_name: c }`
  const topology = (listen: string) => `sources:
  - Valkey:
      name: valkey
      listen_addr: "${listen}"
      chain:
        - Tee: { name: compared, behavior: LogWarningOnMismatch, chain: [{ ${counter('inner')} }, { ${sink('other')} }] }
        - Tee: { name: ignored, chain: [{ ${counter('away')} }, { ${sink('shadow')} }] }
        - ParallelMap: { name: dealt, parallelism: 2, ordered_results: true, chain: [{ ${sink('each')} }] }
`
  const config = `tracing: { endpoint: "${collector.url}", sample: 1 }`
  await using proxy = await startProxy({ topology, config })
  const client = await RawClient.open(proxy.port)
  client.write('GET a\r\nGET b\r\n')
  await client.until(2)
  await collector.until((spans) => spans.length === 20)
  const { spans } = collector
  const text = (span: ReceivedSpan): string => {
    const inner = spans.filter(({ parentId }) => parentId === span.spanId).map(text)
    const { 'shotover.transform.name': name = span.name, 'shotover.chain': chain } = span.attributes
    return `${String(chain)}/${String(name)}${inner.length === 0 ? '' : ` (${inner.sort().join(', ')})`}`
  }
  const trees = spans.filter(({ parentId }) => parentId === '').map(text)
  assert.deepEqual(trees.sort(), [
    'ignored/GET (ignored/away (ignored/shadow))',
    'ignored/GET (ignored/away (ignored/shadow))',
    ...[0, 1].map(
      (copy) =>
        `valkey/GET (valkey/compared (compared/inner (compared/other), valkey/ignored (valkey/dealt (dealt[${copy}]/each))))`,
    ),
  ])
  for (const span of spans) {
    const outer = spans.find(({ spanId }) => spanId === span.parentId) ?? span
    assert.ok(outer.startNs <= span.startNs && span.startNs <= span.endNs && span.endNs <= outer.endNs, text(span))
  }
  client.destroy()
  assert.equal(await proxy.stop(), 0)
})

test('a collector that is away is complained of, and clients are served', BOUND, async () => {
  await using redis = await startRedis()
  const config = 'tracing: { endpoint: "http://127.0.0.1:1/v1/traces", sample: 1 }'
  await using proxy = await startProxy({ upstream: redis.address, config })
  const client = await RawClient.open(proxy.port)
  for (let i = 0; i < 10; i++) assert.equal(await client.ask('PING'), '+"PONG"')
  client.destroy()
  await proxy.logged(({ message }) => message === 'traces could not be sent', 30_000)
  assert.equal(await proxy.stop(), 0)
})

for (const coreThreads of [1, 2]) {
  test(`behind a balancer clients are who its header says, on ${coreThreads} core threads`, BOUND, async (t) => {
    const path = join(folder(t), 'access.log')
    const topology = (listen: string) =>
      `sources:\n  - Valkey: { name: valkey, listen_addr: "${listen}", proxy_protocol: true, chain: [{ NullSink: { name: n } }] }\n`
    const config = `access_log: { path: ${JSON.stringify(path)} }`
    await using metered = await startMetered({ topology, config, coreThreads })
    const { proxy, metrics } = metered
    const clients: RawClient[] = []
    for (const header of ['PROXY TCP4 192.0.2.7 198.51.100.1 56324 6379\r\n', 'PROXY UNKNOWN\r\n']) {
      const client = await RawClient.open(proxy.port)
      clients.push(client)
      client.write(Buffer.from(header))
      assert.match(await client.ask('PING'), /null transform/)
    }
    assert.equal(await metrics.read('shotover_chain_latency_seconds_count', { client_details: '192.0.2.7' }), 1)
    assert.equal(await metrics.read('shotover_chain_latency_seconds_count', { client_details: '127.0.0.1' }), 1)
    const stranger = await RawClient.open(proxy.port)
    stranger.send('PING')
    await stranger.untilClosed()
    await metrics.until('shotover_sessions', {}, 2)
    for (const client of clients) client.destroy()
    assert.equal(await proxy.stop(), 0)
    const lines = linesOf(readFileSync(path, 'utf8'))
    assert.deepEqual(lines.map(({ client }) => String(client)).sort(), ['127.0.0.1', '192.0.2.7'])
    assert.equal(lines.find(({ client }) => client === '192.0.2.7')!.client_port, 56324)
    const connections = proxy.logs
      .map(({ message }) => message)
      .filter((message) => message.startsWith('New connection'))
    assert.deepEqual(connections.sort(), ['New connection from 127.0.0.1', 'New connection from 192.0.2.7'])
    assert.deepEqual(proxy.complaints, [
      'WARN [valkey] a connection from 127.0.0.1 was closed: it does not begin with a PROXY header',
    ])
  })
}

for (const coreThreads of [1, 2]) {
  test(
    `clients of a socket of the file system are served beside those of TCP, on ${coreThreads} core threads`,
    BOUND,
    async (t) => {
      const path = join(folder(t), 'shotover.sock')
      const topology = (listen: string) => `sources:
  - Valkey: { name: tcp, listen_addr: "${listen}", chain: [{ NullSink: { name: a } }] }
  - Valkey: { name: unix, listen_addr: "unix:${path}", chain: [{ QueryCounter: { name: b, counter_name: c } }, { NullSink: { name: d } }] }
`
      await using metered = await startMetered({ topology, coreThreads })
      const { proxy, metrics } = metered
      const client = await RawClient.open(proxy.port)
      assert.match(await client.ask('PING'), /null transform/)
      const local = connect(path).setEncoding('utf8')
      local.write('PING\r\nPING\r\n')
      let replies = ''
      while (replies.split('null transform').length < 3) replies += String((await once(local, 'data'))[0])
      assert.equal(await metrics.read('shotover_query_count', { query: 'PING' }), 2)
      assert.equal(await metrics.read('shotover_sessions', { source: 'unix' }), 1)
      assert.equal(await metrics.read('shotover_chain_latency_seconds_count', { client_details: 'unix' }), 1)
      local.destroy()
      client.destroy()
      assert.equal(await proxy.stop(), 0)
      assert.equal(existsSync(path), false)
      assert.deepEqual(proxy.complaints, [])
    },
  )
}

const authority = Authority.make()
const certificates = new CertificateFolder()
const own = certificates.write('localhost', authority.issue({}))
after(() => certificates.remove())

/** A client that has shaken hands, after what it says before that. */
async function secured(t: TestContext, port: number, before: string): Promise<TLSSocket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.after(() => socket.destroy())
  socket.write(before)
  const client = connectTls({ socket, ca: authority.certificate, host: '127.0.0.1' }).on('error', () => {})
  await once(client, 'secureConnect')
  return client
}

test('what follows the header of a balancer may be TLS', BOUND, async (t) => {
  await using redis = await startRedis()
  const topology = (listen: string) => tlsTopology(listen, redis.address, own, null, ['proxy_protocol: true'])
  await using metered = await startMetered({ topology, coreThreads: 2 })
  const { proxy, metrics } = metered
  const client = await secured(t, proxy.port, 'PROXY TCP6 2001:db8::7 2001:db8::1 7777 6379\r\n')
  client.write('PING\r\n')
  assert.equal(String((await once(client, 'data'))[0]), '+PONG\r\n')
  assert.equal(await metrics.read('shotover_chain_latency_seconds_count', { client_details: '2001:db8::7' }), 1)
  const stranger = connect(proxy.port, '127.0.0.1').on('error', () => {})
  stranger.write('PROXY TCP4 192.0.2.9 198.51.100.1 1234 6379\r\nPING\r\n')
  const line = await proxy.logged(({ fields }) => fields.peer === '192.0.2.9:1234')
  assert.match(line.message, /the peer does not speak TLS/)
})
