import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { RawClient } from '../real/raw-client.ts'
import { ask, askOnce, openSocket, until, words } from './talk.ts'

// A server that does what no server should.

/** What it does with what it is asked, which has come whole; returns what it answers. */
type Conduct = (asked: string, socket: Socket) => string

const obliging: Conduct = () => '+OK\r\n'

/** Answers one thing to each request, which are told apart by their first lines. */
const server = createServer((socket) => {
  connections++
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => {}) // it is one of those it brought about itself
  socket.write(greeting)
  if (accept(socket))
    socket.on('data', (bytes: Buffer) => {
      for (const asked of bytes.toString('latin1').split(/(?=\*\d+\r\n)/))
        socket.write(conduct(asked, socket), 'latin1')
    })
})
const sockets = new Set<Socket>()
let connections = 0
let greeting = ''
let accept = (_socket: Socket) => true
let conduct = obliging
let proxy: Proxy

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
beforeEach(async () => {
  greeting = ''
  accept = () => true
  conduct = obliging
  connections = 0
  proxy = await startProxy({ upstream: `127.0.0.1:${(server.address() as AddressInfo).port}` })
})
after(() => server.close())

async function withProxy(body: () => Promise<void>): Promise<void> {
  try {
    await body()
    assert.ok(proxy.running)
    // Once the server is itself again, so is everything.
    greeting = ''
    accept = () => true
    conduct = obliging
    assert.equal(await askOnce(proxy.port, 'GET later'), '+OK\r\n')
  } finally {
    await proxy.kill()
    for (const socket of sockets) socket.destroy()
  }
}

/** A client of an identity: new connections for it begin with a talk. */
async function identified(): Promise<RawClient> {
  const client = await RawClient.open(proxy.port)
  assert.equal(await ask(client, 'AUTH somebody secret'), '+OK\r\n')
  assert.equal(await ask(client, 'GET key'), '+OK\r\n')
  return client
}

const GREETERS: Record<string, (socket: Socket) => boolean> = {
  'closes as soon as it is connected': (socket) => (socket.end(), false),
  'resets as soon as it is connected': (socket) => (socket.resetAndDestroy(), false),
  'closes when it is spoken to': (socket) => (socket.once('data', () => socket.destroy()), false),
  'speaks something else': (socket) => (socket.write('220 mail.example ESMTP\r\n'), true),
}

for (const [name, does] of Object.entries(GREETERS)) {
  test(`a server that ${name} is not asked without end`, () =>
    withProxy(async () => {
      const client = await identified()
      accept = does
      for (const socket of sockets) socket.destroy()
      connections = 0
      for (const asked of ['GET key', 'INCR key', 'BLPOP key 1']) {
        assert.match(await ask(client, asked), /^-ERR Internal shotover/)
      }
      await wait(300)
      assert.ok(connections <= 6, `${connections} connections for three requests`)
    }))
}

test("a reply that nobody asked for is nobody's, and none after it is wrong", () =>
  withProxy(async () => {
    const clients = [await RawClient.open(proxy.port), await RawClient.open(proxy.port)]
    const echo: Conduct = (asked) => `+${asked.split('\r\n').at(-2)}\r\n`
    conduct = echo
    for (const [index, client] of clients.entries()) assert.equal(await ask(client, `GET ${index}`), `+${index}\r\n`)
    const [shared] = sockets
    shared!.write('+unasked\r\n')
    await until(() => shared!.destroyed, 'its connection is given up')
    for (const [index, client] of clients.entries()) assert.equal(await ask(client, `GET ${index}`), `+${index}\r\n`)
    // One right behind what was asked for.
    conduct = (asked, socket) => `${echo(asked, socket)}+unasked\r\n`
    assert.equal(await ask(clients[0]!, 'GET a'), '+a\r\n')
    conduct = echo
    for (const [index, client] of clients.entries()) assert.equal(await ask(client, `GET ${index}`), `+${index}\r\n`)
  }))

const BROKEN: Record<string, string> = {
  'of no type': '\0\x01\x02hello\r\n',
  'of 2^63 bytes': '$9223372036854775808\r\n',
  'of 2^64 elements': '*18446744073709551616\r\n',
  'of less than no bytes': '$-2\r\n',
  'of a length that is none': '$12x\r\n',
  'longer than it says': '$2\r\nabcd\r\n',
  'of lists without end within each other': '*?\r\n'.repeat(10_000),
}

for (const [name, reply] of Object.entries(BROKEN)) {
  test(`a broken reply, ${name}, is an error for those who wait and for nobody else`, () =>
    withProxy(async () => {
      conduct = () => reply
      const client = await RawClient.open(proxy.port)
      assert.match(await ask(client, 'INCR key'), /^-ERR Internal shotover/)
      conduct = obliging
      assert.equal(await ask(client, 'INCR key'), '+OK\r\n')
    }))
}

test('lists 10,000 deep and pushes that nobody wanted pass, or are dropped', () =>
  withProxy(async () => {
    const deep = `${'*1\r\n'.repeat(10_000)}:1\r\n`
    conduct = (asked) => (asked.includes('deep') ? `>2\r\n$10\r\ninvalidate\r\n_\r\n${deep}` : '+OK\r\n')
    const socket = await openSocket(proxy.port)
    let came = ''
    socket.on('data', (bytes: Buffer) => (came += bytes.toString())).resume()
    socket.write(Buffer.concat([words('GET deep'), words('GET key')]))
    await until(() => came.endsWith('+OK\r\n'), 'both replies are there')
    assert.equal(came, `${deep}+OK\r\n`)
    socket.destroy()
  }))

test('a client that leaves while the server is silent leaves nothing behind', () =>
  withProxy(async () => {
    conduct = () => ''
    const client = await RawClient.open(proxy.port)
    client.write(Buffer.concat(['GET key', 'INCR key', 'MULTI', 'BLPOP key 0'].map(words)))
    await until(() => sockets.size === 1, 'it was asked')
    client.socket.resetAndDestroy()
    for (const socket of sockets) socket.destroy()
  }))
