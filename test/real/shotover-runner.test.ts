import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { KINDS } from '../../src/config/kinds.ts'
import { Folder, freePort } from '../golden/shotover.ts'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startMetered } from './metrics.ts'
import { drawPort } from './servers.ts'

// What Shotover's own tests ask of its process and of the transforms that need no server; test/golden/shotover-tests.test.ts says which is
// tested where.

const BOUND = { timeout: 120_000 }
const NULL_SINK = '[{ NullSink: { name: "sink" } }]'

function source(type: string, name: string, listen: string, chain: string, more = ''): string {
  return `  - ${type}: { name: "${name}", listen_addr: "${listen}", ${more}chain: ${chain} }\n`
}

test('connections are numbered from 1, each by one more', BOUND, async () => {
  const topology = (listen: string) => `sources:\n${source('Valkey', 'valkey', listen, NULL_SINK)}`
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  await metrics.putFilter('info, shotover::connection_span=debug')
  for (let count = 0; count < 1000; count++) (await RawClient.open(proxy.port)).destroy()
  const connected = ({ message }: { message: string }) => message === 'New connection from 127.0.0.1'
  await proxy.logged((line) => connected(line) && idOf(line) === 1000, 20_000)
  const ids = proxy.logs.filter(connected).map(idOf)
  assert.deepEqual(
    ids,
    Array.from({ length: 1000 }, (_, index) => index + 1),
  )
})

const idOf = ({ span }: { span: Readonly<Record<string, unknown>> | null }) => span?.id

for (const type of Object.keys(KINDS.sources)) {
  test(`${type}: started and stopped without a client it leaves nothing but its farewell`, BOUND, async () => {
    const topology = (listen: string) => `sources:\n${source(type, 'source', listen, NULL_SINK)}`
    await using proxy = await startProxy({ topology })
    assert.equal(await proxy.stop(), 0)
    assert.equal(proxy.logs.at(-1)!.message, 'Shotover was shutdown cleanly.')
    assert.deepEqual(proxy.complaints, [])
  })
}

test('a thousand SIGTERMs at once are one', BOUND, async () => {
  const topology = (listen: string) => `sources:\n${source('Valkey', 'valkey', listen, NULL_SINK)}`
  await using proxy = await startProxy({ topology })
  for (let count = 0; count < 1000; count++) proxy.signal('SIGTERM')
  assert.equal(await proxy.ended, 0)
  assert.deepEqual(proxy.logs.filter(({ message }) => message === 'received SIGTERM').length, 1)
  assert.equal(proxy.logs.at(-1)!.message, 'Shotover was shutdown cleanly.')
})

test('where its port is taken it does not start, and once its port is free it starts', BOUND, async () => {
  const topology = (listen: string) => `sources:\n${source('Valkey', 'valkey', listen, NULL_SINK)}`
  const port = drawPort()
  const other = await untilTaken(port)
  await assert.rejects(startProxy({ topology, port }), new RegExp(`exit code 1\\)[^]*address=127\\.0\\.0\\.1:${port}`))
  other.close()
  await once(other, 'close')
  await using proxy = await startProxy({ topology, port })
  assert.match(await (await RawClient.open(proxy.port)).ask('PING'), /Handled by shotover null transform/)
})

test('at a hard limit a port that was taken meanwhile is counted, and had again', BOUND, async () => {
  const topology = (listen: string) =>
    `sources:\n${source('Valkey', 'valkey', listen, NULL_SINK, 'connection_limit: 1, hard_connection_limit: true, ')}`
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  const client = await RawClient.open(proxy.port)
  // Its listening socket is closed once the client is in.
  const thief = await untilTaken(proxy.port)
  client.destroy()
  const { message } = await proxy.logged(({ level }) => level === 'WARN', 10_000)
  const failed = `[valkey] Failed to create listener on [${proxy.address}] with error: Address already in use (os error 98) address=${proxy.address}, `
  assert.equal(message, `${failed}retrying with backoff of 1s`)
  assert.ok((await metrics.read('shotover_listener_create_failures_count', { source: 'valkey' }))! >= 1)
  thief.close()
  const recovered = `[valkey] Listener on [${proxy.address}] recovered and is now accepting connections`
  await proxy.logged((line) => line.message === recovered, 20_000)
  const next = await RawClient.open(proxy.port)
  assert.match(await next.ask('PING'), /Handled by shotover null transform/)
})

/** Listens on the port as soon as that can be done. */
async function untilTaken(port: number): Promise<Server> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    const server = createServer().listen(port, '127.0.0.1')
    const taken = once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (await taken) return server
  }
  throw new Error(`port ${port} was not given up`)
}

const FILTERED = '-ERR Message was filtered out by shotover\r\n'
const ANSWER = '$2\r\n42\r\n'

test(
  'QueryTypeFilter: what it refuses is refused, alone and in a pipeline, and what it allows passes',
  BOUND,
  async (t) => {
    const folder = new Folder(t)
    const [deny, allow] = [await freePort(), await freePort()]
    const chain = (list: string) =>
      `[{ QueryTypeFilter: { name: "f-${list}", ${list} } }, { DebugReturner: { name: "r-${list}", Valkey: "42" } }]`
    folder.write(
      't.yaml',
      `---\nsources:\n${source('Valkey', 'deny', `127.0.0.1:${deny}`, chain('DenyList: [Write]'))}${source('Valkey', 'allow', `127.0.0.1:${allow}`, chain('AllowList: [Read]'))}`,
    )
    folder.write('c.yaml', 'main_log_level: info\n')
    const shotover = folder.start(['-t', 't.yaml', '-c', 'c.yaml', '--core-threads', '2'])
    await shotover.said('Shotover is now accepting inbound connections')
    for (const port of [deny, allow]) {
      const client = await RawClient.open(port)
      const told = () => client.replies.map(({ bytes }) => bytes.toString('latin1')).join('')
      await client.ask('SET', 'a', '1')
      await client.ask('GET', 'a')
      assert.equal(told(), FILTERED + ANSWER)
      for (const words of ['SET a 1', 'GET a', 'SET b 2', 'GET b', 'GET c']) client.send(...words.split(' '))
      await client.until(7)
      assert.equal(told(), FILTERED + ANSWER + FILTERED + ANSWER + FILTERED + ANSWER + ANSWER)
      client.destroy()
    }
  },
)

test('what QueryTypeFilter refuses before NullSink ends no connection', BOUND, async () => {
  const chain = '[{ QueryTypeFilter: { name: "f", DenyList: [Write] } }, { NullSink: { name: "s" } }]'
  const topology = (listen: string) => `sources:\n${source('Valkey', 'valkey', listen, chain)}`
  await using proxy = await startProxy({ topology })
  const client = await RawClient.open(proxy.port)
  for (const words of ['SET a 1', 'GET a', 'SET b 1']) client.send(...words.split(' '))
  await client.until(3)
  assert.equal(
    client.replies.map(({ bytes }) => bytes.toString()).join(''),
    `${FILTERED}-ERR Handled by shotover null transform\r\n${FILTERED}`,
  )
  assert.ok(!client.closed)
})

test('DebugLogToFile: the bytes of each message are in files by connection and number', BOUND, async (t) => {
  const folder = new Folder(t)
  const port = await freePort()
  const chain = '[{ DebugLogToFile: { name: "log" } }, { DebugReturner: { name: "returner", Valkey: "42" } }]'
  folder.write('t.yaml', `sources:\n${source('Valkey', 'valkey', `127.0.0.1:${port}`, chain)}`)
  folder.write('c.yaml', 'main_log_level: info\n')
  const shotover = folder.start(['-t', 't.yaml', '-c', 'c.yaml', '--core-threads', '2'])
  await shotover.said('Shotover is now accepting inbound connections')
  const client = await RawClient.open(port)
  await client.ask('SET', 'foo', '42')
  await client.ask('GET', 'foo')
  const other = await RawClient.open(port)
  await other.ask('PING')
  const files = readdirSync(join(folder.path, 'message-log'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.bin'),
  )
  const contents = Object.fromEntries(
    files.toSorted().map((name) => [name, readFileSync(join(folder.path, 'message-log', name), 'latin1')]),
  )
  assert.deepEqual(contents, {
    '1/requests/message1.bin': '*3\r\n$3\r\nSET\r\n$3\r\nfoo\r\n$2\r\n42\r\n',
    '1/requests/message2.bin': '*2\r\n$3\r\nGET\r\n$3\r\nfoo\r\n',
    '1/responses/message1.bin': ANSWER,
    '1/responses/message2.bin': ANSWER,
    '2/requests/message1.bin': '*1\r\n$4\r\nPING\r\n',
    '2/responses/message1.bin': ANSWER,
  })
  await shotover.said('Logged message to "message-log/2/responses/message1.bin"')
})
