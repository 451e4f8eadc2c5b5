import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { drawPort } from '../../test/real/servers.ts'
import { passthrough, startProxy, type Proxy, type ProxyOptions } from '../../test/real/proxy.ts'
import { parseExposition, type ParsedSeries } from '../observability/exposition-parser.test.ts'

/** Longest that a test may take: what waits for the proxy waits no longer. */
const BOUND = { timeout: 60_000 }

/** A server that answers every request with +OK, or keeps them waiting. */
class Backend {
  readonly #server = createServer((socket) => this.#serve(socket))
  readonly #held: (() => void)[] = []
  #watchers: (() => void)[] = []
  holding = false

  async start(t: TestContext): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    t.after(() => this.#server.close())
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when a request is being kept waiting. */
  async asked(): Promise<void> {
    while (this.#held.length === 0) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  answer(): void {
    for (const reply of this.#held.splice(0)) reply()
  }

  #serve(socket: Socket): void {
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      const requests = bytes.toString().match(/^\*/gm)?.length ?? 0
      for (let i = 0; i < requests; i++) {
        if (this.holding) this.#held.push(() => socket.write('+OK\r\n'))
        else socket.write('+OK\r\n')
      }
      for (const watcher of this.#watchers.splice(0)) watcher()
    })
  }
}

class Client {
  readonly socket: Socket
  received = ''
  /** It was connected, and is no more. */
  readonly closed: Promise<void>
  #watchers: (() => void)[] = []

  constructor(t: TestContext, proxy: Proxy) {
    this.socket = connect(proxy.port, proxy.host)
    this.socket.on('error', () => {})
    this.socket.on('data', (bytes) => {
      this.received += bytes.toString()
      for (const watcher of this.#watchers.splice(0)) watcher()
    })
    this.closed = new Promise((resolve) =>
      this.socket.once('close', () => {
        resolve()
        for (const watcher of this.#watchers.splice(0)) watcher()
      }),
    )
    t.after(() => this.socket.destroy())
  }

  send(...words: string[]): void {
    this.socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`)
  }

  async reply(): Promise<string> {
    while (!this.received.includes('\r\n') && !this.socket.destroyed) {
      await new Promise<void>((resolve) => this.#watchers.push(resolve))
    }
    const end = this.received.indexOf('\r\n')
    const line = this.received.slice(0, end)
    this.received = this.received.slice(end + 2)
    return line
  }
}

interface Running {
  readonly proxy: Proxy
  readonly backend: Backend
  readonly url: string
}

async function start(t: TestContext, options: ProxyOptions = {}): Promise<Running> {
  const backend = new Backend()
  const upstream = await backend.start(t)
  for (let draws = 0; ; draws++) {
    const port = drawPort()
    const proxy = await startProxy({ upstream, config: `observability_interface: "127.0.0.1:${port}"`, ...options })
    t.after(() => proxy.kill())
    const taken = proxy.logs.some(({ message }) => message.startsWith('Metrics HTTP server failed'))
    if (!taken) return { proxy, backend, url: `http://127.0.0.1:${port}` }
    assert.ok(draws < 10, 'no port for the metrics')
    await proxy.kill()
  }
}

async function scrape(url: string): Promise<ParsedSeries[]> {
  const response = await fetch(`${url}/metrics`)
  assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  return parseExposition(await response.text()).series
}

function value(series: ParsedSeries[], name: string, labels: Record<string, string> = {}): number | undefined {
  const meant = series.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, text]) => one.labels[label] === text),
  )
  assert.ok(meant.length <= 1, `${name} is meant ${meant.length} times`)
  return meant[0]?.value
}

const messages = (proxy: Proxy) => proxy.logs.map(({ message }) => message)

for (const [where, options] of [
  ['the main thread', { coreThreads: 1 }],
  ['one worker thread', { coreThreads: 1, args: ['--worker-for-one'] }],
  ['three worker threads', { coreThreads: 3 }],
] as const) {
  test(
    `${where}: clients are served and counted, and a request under way is answered after SIGTERM`,
    BOUND,
    async (t) => {
      const { proxy, backend, url } = await start(t, options)
      const clients = Array.from({ length: 6 }, () => new Client(t, proxy))
      for (const [i, client] of clients.entries()) {
        client.send('SET', 'key', String(i))
        assert.equal(await client.reply(), '+OK')
      }
      const series = await scrape(url)
      assert.equal(value(series, 'connections_opened', { source: 'valkey' }), 6)
      assert.equal(value(series, 'shotover_available_connections_count', { source: 'valkey' }), 1994)
      assert.equal(value(series, 'shotover_sessions', { source: 'valkey' }), 6)
      assert.equal(value(series, 'shotover_requests_count', { source: 'valkey' }), 6)
      assert.equal(value(series, 'shotover_chain_total_count', { chain: 'valkey' }), 6)
      const threads = Math.max(1, series.filter(({ name }) => name === 'shotover_heap_used_bytes').length)
      assert.equal(threads, options.coreThreads)
      const shared = { chain: 'valkey', transform: 'ValkeySinkSingle', kind: 'shared' }
      assert.equal(value(series, 'shotover_upstreams', shared), threads, 'each thread got clients')

      backend.holding = true
      clients[0]!.send('GET', 'key')
      await backend.asked()
      proxy.signal('SIGTERM')
      await Promise.all(clients.slice(1).map((client) => client.closed))
      const ready = await (await fetch(`${url}/ready`)).text()
      assert.equal(ready, 'not ready: [valkey] takes no more clients: the process is ending')
      const late = new Client(t, proxy)
      await late.closed
      assert.ok(proxy.running)
      assert.ok(!messages(proxy).includes('Shotover was shutdown cleanly.'))
      backend.answer()
      assert.equal(await clients[0]!.reply(), '+OK')
      clients[0]!.socket.end()
      assert.equal(await proxy.ended, 0)
      assert.deepEqual(messages(proxy).slice(-2), ['received SIGTERM', 'Shotover was shutdown cleanly.'])
      assert.deepEqual(proxy.complaints, [])
    },
  )

  test(`${where}: a filter put over HTTP holds for what threads log`, BOUND, async (t) => {
    const { proxy, url } = await start(t, options)
    const refused = (line: { message: string }) => line.message.startsWith('failed to decode message')
    const put = async (body: string) => {
      const response = await fetch(`${url}/filter`, { method: 'PUT', body })
      assert.equal(await response.text(), 'Filter set')
    }
    const misbehave = async () => {
      const client = new Client(t, proxy)
      client.socket.write('*1\r\n:1\r\n')
      await client.reply()
      await once(client.socket.end(), 'close')
    }
    await put('error')
    await misbehave()
    await put('info')
    await misbehave()
    await proxy.logged(refused)
    assert.equal(await proxy.stop(), 0)
    assert.equal(proxy.logs.filter(refused).length, 1)
    assert.equal(messages(proxy).filter((message) => message.startsWith('New connection')).length, 1)
  })
}

test('a deadline ends what does not end by itself', BOUND, async (t) => {
  const { proxy, backend } = await start(t, { args: ['--drain-deadline-seconds', '1'] })
  backend.holding = true
  const client = new Client(t, proxy)
  client.send('GET', 'key')
  await backend.asked()
  proxy.signal('SIGINT')
  await client.closed
  assert.equal(await proxy.ended, 0)
  assert.deepEqual(proxy.complaints, [
    'WARN Shotover was shutdown: connections were left after 1 seconds, and are cut off',
  ])
  assert.deepEqual(messages(proxy).slice(-2, -1), ['received SIGINT'])
})

for (const [signal, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`a second ${signal} ends the process at once, with ${code}`, BOUND, async (t) => {
    const { proxy, backend } = await start(t)
    backend.holding = true
    const client = new Client(t, proxy)
    client.send('GET', 'key')
    await backend.asked()
    proxy.signal(signal)
    await proxy.logged(({ message }) => message === `received ${signal}`)
    // The same key press may arrive twice within a moment; what comes after that moment is meant.
    while (proxy.running) {
      proxy.signal(signal)
      await Promise.race([proxy.ended, new Promise(setImmediate)])
    }
    assert.equal(await proxy.ended, code)
    assert.equal(messages(proxy).at(-1), `received ${signal} again: exiting at once`)
  })
}

test('it is ready while it takes clients, and otherwise says why not', BOUND, async (t) => {
  const topology = (listen: string) => passthrough(listen, '127.0.0.1:1').replace('limit: 2000', 'limit: 2')
  const { proxy, url } = await start(t, { topology })
  const asked = async (path: string) => {
    const response = await fetch(url + path)
    return `${response.status} ${await response.text()}`
  }
  assert.equal(await asked('/ready'), '200 ready')
  const clients = [new Client(t, proxy), new Client(t, proxy)]
  for (const client of clients) await once(client.socket, 'connect')
  const full = '503 not ready: [valkey] has as many clients as it may: 2'
  while ((await asked('/ready')) !== full);
  assert.equal(await asked('/health'), '200 healthy')
  clients[0]!.socket.end()
  while ((await asked('/ready')) !== '200 ready');
  assert.equal(await proxy.stop(), 0)
})

test('a client that is gone is noticed though it is not read from', BOUND, async (t) => {
  const { proxy, backend, url } = await start(t)
  backend.holding = true
  const client = new Client(t, proxy)
  for (let i = 0; i < 40_000; i++) client.send('GET', 'key')
  while (value(await scrape(url), 'shotover_pauses_count') !== 1);
  client.socket.resetAndDestroy()
  while (value(await scrape(url), 'shotover_sessions') !== 0);
  assert.equal(value(await scrape(url), 'shotover_sessions_closed_count', { reason: 'client-reset' }), 1)
  assert.equal(await proxy.stop(), 0)
})

test('an address of the admin interface that is taken is logged, and the proxy serves', BOUND, async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const upstream = await new Backend().start(t)
  const proxy = await startProxy({ upstream, config: `observability_interface: "127.0.0.1:${port}"` })
  t.after(() => proxy.kill())
  assert.deepEqual(proxy.complaints, [`ERROR Metrics HTTP server failed: Failed to bind to 127.0.0.1:${port}`])
  const client = new Client(t, proxy)
  client.send('PING')
  assert.equal(await client.reply(), '+OK')
  assert.equal(await proxy.stop(), 0)
})

test('without an admin interface it serves all the same', BOUND, async (t) => {
  const { proxy } = await start(t, { config: '' })
  const client = new Client(t, proxy)
  client.send('PING')
  assert.equal(await client.reply(), '+OK')
  assert.equal(await proxy.stop(), 0)
})

test('a thread that dies takes its own sessions and nothing else, and another one comes', BOUND, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shotover-deadly-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const module = join(folder, 'deadly.ts')
  writeFileSync(
    module,
    `import { transform } from 'shotover'
import { z } from 'zod'
export default transform({
  type: 'Deadly',
  doc: 'Ends the thread that reads DIE.',
  options: z.strictObject({}),
  create: () => () => ({
    onRequests(batch, link) {
      for (const { request } of batch) if (/DIE/.test(request.bytes.latin1Slice(request.start, request.end))) process.exit(1)
      link.forward(batch)
    },
  }),
})
`,
  )
  const backend = new Backend()
  const upstream = await backend.start(t)
  const topology = (listen: string) =>
    passthrough(listen, upstream).replace('      chain:\n', `      chain:\n        - ${module}: {name: deadly}\n`)
  const { proxy, url } = await start(t, { topology, coreThreads: 2 })
  const clients = [new Client(t, proxy), new Client(t, proxy)]
  for (const client of clients) {
    client.send('SET', 'key', '1')
    assert.equal(await client.reply(), '+OK')
  }
  assert.equal(value(await scrape(url), 'shotover_requests_count'), 2)
  clients[0]!.send('DIE')
  await clients[0]!.closed
  clients[1]!.send('GET', 'key')
  assert.equal(await clients[1]!.reply(), '+OK')
  await proxy.logged(({ message }) => /^core-\d is gone, and its sessions with it/.test(message))
  const restarted = async () =>
    (await scrape(url)).filter(({ name }) => name === 'shotover_heap_used_bytes').length === 2
  while (!(await restarted())) await new Promise(setImmediate)
  const series = await scrape(url)
  assert.equal(value(series, 'shotover_requests_count'), 3, 'what the dead thread had counted stays')
  assert.equal(value(series, 'shotover_sessions'), 1)
  assert.equal(value(series, 'shotover_thread_restarts_count'), 1)
  const more = new Client(t, proxy)
  more.send('GET', 'key')
  assert.equal(await more.reply(), '+OK')
  const balanced = (await scrape(url)).filter(({ name }) => name === 'shotover_sessions')
  assert.deepEqual(
    balanced.map((one) => one.value),
    [2],
  )
  clients[1]!.socket.end()
  more.socket.end()
  assert.equal(await proxy.stop(), 0)
})
