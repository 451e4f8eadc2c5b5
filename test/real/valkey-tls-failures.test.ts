import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain, createServer, type AddressInfo, type Socket } from 'node:net'
import { connect, type ConnectionOptions } from 'node:tls'
import { after, test } from 'node:test'
import { Authority, CertificateFolder } from './certificates.ts'
import { startMetered } from './metrics.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { fetchRedis } from './fetch.ts'
import { runCli, startRedis } from './servers.ts'
import { tlsTopology } from './tls-topology.ts'
import { RawClient } from './raw-client.ts'

// What fails: who failed, and why, is in the log; nobody waits for ever; nothing secret is said.

const authority = Authority.make()
const stranger = Authority.make('A stranger')
const folder = new CertificateFolder()
const ca = folder.file('ca.crt', authority.certificate)
const strangersCa = folder.file('stranger.crt', stranger.certificate)
const own = folder.write('own', authority.issue())
const expired = folder.write('expired', authority.issue({ notAfter: new Date(Date.now() - 1000) }))
const elsewhere = folder.write('elsewhere', authority.issue({ hosts: ['elsewhere.example'] }))
const ofStranger = folder.write('of-stranger', stranger.issue())
after(() => folder.remove())

/** Resolves when the socket is closed, in whatever way. */
async function gone(socket: Socket): Promise<void> {
  socket.on('error', () => {})
  socket.resume()
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

/** What the proxy logs of the failed handshake of the client with this port. */
async function failureOf(proxy: Proxy, port: number): Promise<string> {
  const line = await proxy.logged(({ fields }) => fields.peer === `127.0.0.1:${port}`)
  assert.deepEqual([line.level, line.target], ['ERROR', 'shotover::server'])
  return line.message
}

const text = (reason: string) =>
  `connection was unexpectedly terminated\n\nCaused by:\n    0: Failed to accept TLS connection\n    1: ${reason}`

test('clients that can not be let in, each in the one place that the one before left', async () => {
  await using redis = await startRedis()
  const topology = (listen: string) =>
    tlsTopology(listen, redis.address, { ...own, authority: ca }, null, [
      'connection_limit: 1',
      'limits: { tls_handshake_timeout_ms: 300 }',
    ])
  await using metered = await startMetered({ topology, coreThreads: 2 })
  const { proxy, metrics } = metered
  const identity = stranger.issue()
  const late = authority.issue({ notAfter: new Date(Date.now() - 1000) })
  const cases: [string, ConnectionOptions | string, string][] = [
    ['no certificate', {}, 'the peer sent no certificate'],
    [
      'the certificate of a stranger',
      { cert: identity.certificate, key: identity.key },
      "the peer's certificate is not accepted: unable to get local issuer certificate",
    ],
    [
      'a certificate that has expired',
      { cert: late.certificate, key: late.key },
      "the peer's certificate is not accepted: certificate has expired",
    ],
    ['no TLS', 'PING\r\n', 'the peer does not speak TLS (wrong version number)'],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n', 'the peer does not speak TLS (http request)'],
    ['nothing to say', '', 'the handshake was not done within 300ms'],
    ['half a hello to say', '\x16\x03\x01\x01\x00\x01\x00', 'the handshake was not done within 300ms'],
  ]
  for (const [what, given, reason] of cases) {
    const raw = connectPlain(proxy.port, '127.0.0.1')
    await once(raw, 'connect')
    const port = raw.localPort!
    if (typeof given === 'string') raw.write(given, 'latin1')
    else connect({ socket: raw, ca: authority.certificate, host: '127.0.0.1', ...given }).on('error', () => {})
    assert.equal(await failureOf(proxy, port), text(reason), what)
    await gone(raw)
  }
  // Clients of Node refuse without a word.
  const flags = ['--tls', '--cacert', strangersCa, '--cert', own.certificate, '--key', own.key, 'PING']
  await assert.rejects(runCli(await fetchRedis(), proxy, flags))
  await proxy.logged(({ message }) => message === text('the peer refused: unknown ca'))
  const count = (reason: string) => metrics.read('shotover_tls_handshake_failures_count', { source: 'valkey', reason })
  assert.deepEqual([await count('certificate'), await count('protocol'), await count('timeout')], [3, 2, 2])
  assert.ok((await count('refused'))! > 0)
  await metrics.until('shotover_tls_handshakes_pending', {}, 0)
})

test('a client that only looks, or leaves in the middle, is nothing to complain about', async () => {
  await using redis = await startRedis()
  const topology = (listen: string) => tlsTopology(listen, redis.address, own, null)
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  for (const bytes of ['', '\x16\x03\x01\x02\x00']) {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const socket = connectPlain(proxy.port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(bytes, 'latin1')
      socket[leave]()
      await gone(socket)
    }
  }
  await metrics.until('shotover_tls_handshake_failures_count', { reason: 'closed' }, 4)
  assert.deepEqual(proxy.complaints, [])
})

test('a stop does not wait for handshakes', async () => {
  await using redis = await startRedis()
  const topology = (listen: string) => tlsTopology(listen, redis.address, own, null)
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  const socket = connectPlain(proxy.port, '127.0.0.1')
  await metrics.until('shotover_tls_handshakes_pending', {}, 1)
  assert.equal(await proxy.stop(), 0)
  await gone(socket)
  assert.deepEqual(proxy.complaints, [])
})

const SERVERS: Record<
  string,
  { server: typeof own; verifyHostname: boolean; authority: string; reason: string | null }
> = {
  'that nobody known vouches for': {
    server: ofStranger,
    verifyHostname: true,
    authority: ca,
    reason: "the peer's certificate is not accepted: unable to get local issuer certificate",
  },
  'that nobody known vouches for, its name being of no matter': {
    server: ofStranger,
    verifyHostname: false,
    authority: ca,
    reason: "the peer's certificate is not accepted: unable to get local issuer certificate",
  },
  'that is for another host': {
    server: elsewhere,
    verifyHostname: true,
    authority: ca,
    reason: "the peer's certificate is not accepted: it is for DNS:elsewhere.example, not for 127.0.0.1",
  },
  'that is for another host, where the name is of no matter': {
    server: elsewhere,
    verifyHostname: false,
    authority: ca,
    reason: null,
  },
  'that has expired': {
    server: expired,
    verifyHostname: false,
    authority: ca,
    reason: "the peer's certificate is not accepted: certificate has expired",
  },
  'that would do, with another authority': {
    server: own,
    verifyHostname: true,
    authority: strangersCa,
    reason: "the peer's certificate is not accepted: self-signed certificate in certificate chain",
  },
}

for (const [which, { server, verifyHostname, authority: file, reason }] of Object.entries(SERVERS)) {
  test(`a server with a certificate ${which}`, async () => {
    await using redis = await startRedis({ tls: { ...server, authority: ca, authClients: false } })
    const topology = (listen: string) =>
      tlsTopology(listen, `127.0.0.1:${redis.tlsPort}`, null, { authority: file, verifyHostname })
    await using proxy = await startProxy({ topology })
    const client = await RawClient.open(proxy.port)
    await client.ask('PING')
    const reply = client.replies[0]!.bytes.toString().trim()
    client.destroy()
    if (reason === null) {
      assert.equal(reply, '+PONG')
      assert.deepEqual(proxy.complaints, [])
      return
    }
    const failed = `Failed to establish TLS connection to destination 127.0.0.1:${redis.tlsPort}`
    assert.ok(reply.includes(failed), reply)
    const line = await proxy.logged(({ message }) => message.includes(failed))
    assert.ok(line.message.includes(reason), line.message)
  })
}

test('a server that wants a certificate, and gets none or another one', async () => {
  await using redis = await startRedis({ tls: { ...own, authority: ca, authClients: true, protocols: 'TLSv1.2' } })
  const sink = { authority: ca, verifyHostname: true }
  for (const [paths, reason] of [
    [sink, 'the peer refused: handshake failure'],
    [{ ...sink, ...ofStranger }, 'the peer refused: unknown ca'],
  ] as const) {
    const topology = (listen: string) => tlsTopology(listen, `127.0.0.1:${redis.tlsPort}`, null, paths)
    await using proxy = await startProxy({ topology })
    const client = await RawClient.open(proxy.port)
    await client.ask('PING')
    client.destroy()
    const reply = client.replies[0]!.bytes.toString().trim()
    assert.ok(reply.includes(reason), reply)
    await proxy.logged(({ message }) => message.includes(reason))
  }
})

test('a server that is silent, or speaks no TLS, is not waited for without end', async () => {
  const sockets: Socket[] = []
  const silent = createServer((socket) => void sockets.push(socket.resume()))
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  await using redis = await startRedis()
  const sink = { authority: ca, verifyHostname: true }
  const cases: [number, string][] = [
    [(silent.address() as AddressInfo).port, 'the handshake was not done within 300ms'],
    // A server in the clear takes the hello for the beginning of a line.
    [redis.port, 'the handshake was not done within 300ms'],
  ]
  try {
    for (const [port, reason] of cases) {
      const topology = (listen: string) =>
        tlsTopology(listen, `127.0.0.1:${port}`, null, sink, ['limits: { tls_handshake_timeout_ms: 300 }'])
      await using proxy = await startProxy({ topology })
      const client = await RawClient.open(proxy.port)
      await client.ask('PING')
      const reply = client.replies[0]!.bytes.toString().trim()
      client.destroy()
      assert.ok(reply.includes(`Failed to establish TLS connection to destination 127.0.0.1:${port}`), reply)
      assert.ok(reply.includes(reason), reply)
    }
  } finally {
    for (const socket of sockets) socket.destroy()
    silent.close()
  }
})
