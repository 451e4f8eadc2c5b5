import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { parseDirectives } from '../config/log-directives.ts'
import { startAdmin, type Admin } from './admin.ts'

interface Running {
  readonly admin: Admin
  readonly url: string
  readonly logged: string[]
  readonly filters: string[]
}

const LOOPBACK = { host: '127.0.0.1', port: 0 }

async function start(
  t: TestContext,
  address = LOOPBACK,
  metrics = async () => 'hits 1\n',
  obstacles: readonly string[] = [],
): Promise<Running> {
  const logged: string[] = []
  const filters: string[] = []
  const at = (level: string) => (message: string) => void logged.push(`${level} ${message}`)
  const admin = await startAdmin({
    address,
    log: { debug: at('DEBUG'), info: at('INFO'), warn: at('WARN'), error: at('ERROR') },
    metrics,
    obstacles: () => obstacles,
    setFilter(text) {
      parseDirectives(text)
      filters.push(text)
    },
  })
  t.after(() => admin.close())
  return { admin, url: `http://127.0.0.1:${admin.address?.port}`, logged, filters }
}

interface Case {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly body?: string
  readonly obstacles?: readonly string[]
  readonly status: number
  readonly type?: string
  readonly answer: string
}

const BAD_FILTER =
  'HTTP 500 error: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: loud'

const cases: Case[] = [
  { name: 'the root names the two others', method: 'GET', path: '/', status: 200, answer: 'try /filter or /metrics' },
  {
    name: 'metrics have the content type of their format',
    method: 'GET',
    path: '/metrics',
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    answer: 'hits 1\n',
  },
  {
    name: 'a query is no matter',
    method: 'GET',
    path: '/metrics?x=1',
    status: 200,
    type: 'text/plain; version=0.0.4; charset=utf-8',
    answer: 'hits 1\n',
  },
  {
    name: 'a filter is set',
    method: 'PUT',
    path: '/filter',
    body: 'info, shotover=debug',
    status: 200,
    answer: 'Filter set',
  },
  { name: 'a wrong filter is refused', method: 'PUT', path: '/filter', body: 'loud', status: 500, answer: BAD_FILTER },
  { name: 'a filter is not posted', method: 'POST', path: '/filter', body: 'info', status: 405, answer: '' },
  { name: 'metrics are not put', method: 'PUT', path: '/metrics', status: 405, answer: '' },
  {
    name: 'nothing else is there',
    method: 'GET',
    path: '/toString',
    status: 404,
    answer: 'HTTP 404 error: there is nothing at /toString: try /filter or /metrics',
  },
  { name: 'who can answer is healthy', method: 'GET', path: '/health', status: 200, answer: 'healthy' },
  { name: 'it is ready', method: 'GET', path: '/ready', status: 200, answer: 'ready' },
  {
    name: 'it is not ready, and says why',
    method: 'GET',
    path: '/ready',
    obstacles: ['[a] has as many clients as it may: 7', '[b] can’t listen'],
    status: 503,
    answer: 'not ready: [a] has as many clients as it may: 7; [b] can’t listen',
  },
  {
    name: 'a filter without end is refused',
    method: 'PUT',
    path: '/filter',
    body: 'x'.repeat(70_000),
    status: 413,
    answer: 'HTTP 413 error: a filter has at most 65536 bytes',
  },
]

for (const { name, method, path, body, obstacles, status, type, answer } of cases) {
  test(name, async (t) => {
    const { url, filters, logged } = await start(t, LOOPBACK, undefined, obstacles)
    const response = await fetch(url + path, { method, body })
    assert.equal(response.status, status)
    assert.equal(await response.text(), answer)
    assert.equal(response.headers.get('content-type'), type ?? 'text/plain; charset=utf-8')
    if (status === 405) assert.equal(response.headers.get('allow'), path === '/filter' ? 'PUT' : 'GET')
    const taken = answer === 'Filter set'
    assert.deepEqual(filters, taken ? [body] : [])
    assert.deepEqual(logged, taken ? [`INFO filter set to: ${body}`] : [])
  })
}

test('a failure of the metrics is answered and logged', async (t) => {
  const { url, logged } = await start(t, LOOPBACK, () => Promise.reject(new Error('broken')))
  const response = await fetch(`${url}/metrics`)
  assert.equal(response.status, 500)
  assert.equal(await response.text(), 'HTTP 500 error: broken')
  assert.deepEqual(logged, ['ERROR an answer of the admin interface failed'])
})

test('an address in use is an error in the log and nothing else', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  const { admin, logged } = await start(t, { host: '127.0.0.1', port })
  assert.equal(admin.address, null)
  assert.deepEqual(logged, [`ERROR Metrics HTTP server failed: Failed to bind to 127.0.0.1:${port}`])
})

test('an address that others can reach is warned of', async (t) => {
  const { logged } = await start(t, { host: '0.0.0.0', port: 0 })
  assert.deepEqual(logged, [
    'WARN the metrics and the log filter are open to whoever can reach 0.0.0.0:0: nobody is asked who they are',
  ])
})

test('clients that say nothing, and half a request, do not keep others out', async (t) => {
  const { admin, url } = await start(t)
  for (let i = 0; i < 20; i++) {
    const socket = connect(admin.address!.port, '127.0.0.1')
    t.after(() => socket.destroy())
    await once(socket, 'connect')
    socket.write(
      i % 2 === 0
        ? 'GET /metrics HTTP/1.1\r\nhost: x\r\n'
        : 'PUT /filter HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nin',
    )
  }
  assert.equal(await (await fetch(`${url}/metrics`)).text(), 'hits 1\n')
})

test('closing ends connections that are open', async (t) => {
  const { admin } = await start(t)
  const socket = connect(admin.address!.port, '127.0.0.1')
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket, 'data')
  admin.close()
  await closed
})

test('who leaves before its question was whole is no error', async (t) => {
  const { url, logged } = await start(t)
  const { port, hostname } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write('PUT /filter HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n')
  await once(socket, 'data')
  socket.destroy()
  // Two later questions were answered: what there is to say of the first has been said.
  for (let i = 0; i < 2; i++) assert.equal((await fetch(`${url}/`)).status, 200)
  assert.deepEqual(logged, [])
})
