import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectPlain } from 'node:net'
import { test } from 'node:test'
import { connect } from 'node:tls'
import type { Identity } from '../../test/real/certificates.ts'
import { authority, bench, client, echo, gone, listen, portOf, reply, stranger } from '../../test/world/tls-bench.ts'
import { HandshakeError } from '../base/errors.ts'
import { tlsKey } from './tls-files.ts'
import { Tls } from './tls.ts'
import type { Connection } from './world.ts'

for (const key of ['ec-pkcs8', 'ec-sec1', 'rsa-pkcs8', 'rsa-pkcs1'] as const) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`a client speaks ${version} with a server whose key is ${key}`, async (t) => {
      const { port, next } = await bench(t, authority.issue({ key }))
      const socket = await client(t, port, { minVersion: version, maxVersion: version })
      assert.equal(socket.getProtocol(), version)
      assert.equal(await reply(socket, 'hello'), 'hello')
      const connection = (await next()) as Connection
      assert.equal(connection.remotePort, socket.localPort)
    })
  }
}

test('a client of an old version is refused', async (t) => {
  const { port, next, server } = await bench(t, authority.issue())
  const socket = connect({ port, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })
  await once(socket, 'error')
  const failure = (await next()) as HandshakeError
  assert.deepEqual([failure.message, failure.reason], ['unsupported protocol', 'protocol'])
  assert.deepEqual([...server.failures], [['protocol', 1]])
})

const CERTIFICATES: Record<string, { identity: Identity | null; failure: string | null }> = {
  'one that the authority vouches for': { identity: authority.issue(), failure: null },
  none: { identity: null, failure: 'the peer sent no certificate' },
  'that of a stranger': {
    identity: stranger.issue(),
    failure: "the peer's certificate is not accepted: unable to get local issuer certificate",
  },
  'one that has expired': {
    identity: authority.issue({ notAfter: new Date(Date.now() - 1000) }),
    failure: "the peer's certificate is not accepted: certificate has expired",
  },
}

for (const [which, { identity, failure }] of Object.entries(CERTIFICATES)) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`where certificates are asked for, a client with ${which} is ${failure === null ? 'let in' : 'refused'}, ${version}`, async (t) => {
      const { port, next } = await bench(t, authority.issue(), authority.certificate)
      const own = identity === null ? {} : { cert: identity.certificate, key: identity.key }
      const socket = connect({ port, ca: authority.certificate, minVersion: version, maxVersion: version, ...own })
      socket.on('error', () => {})
      const outcome = await next()
      if (failure === null) assert.ok(!(outcome instanceof HandshakeError))
      else {
        assert.deepEqual(
          [(outcome as HandshakeError).message, (outcome as HandshakeError).reason],
          [failure, 'certificate'],
        )
        await gone(socket)
      }
      socket.destroy()
    })
  }
}

test('a refused client gains nothing by taking up the session of its refusal', async (t) => {
  const { port, next, server } = await bench(t, authority.issue(), authority.certificate)
  const { certificate, key } = stranger.issue()
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined
    for (let attempt = 0; attempt < 3; attempt++) {
      const versions = { minVersion: version, maxVersion: version }
      const options = {
        port,
        ca: authority.certificate,
        cert: certificate,
        key,
        ...versions,
        ...(session && { session }),
      }
      const socket = connect(options)
      socket.on('error', () => {})
      socket.on('session', (ticket) => (session = ticket))
      assert.ok((await next()) instanceof HandshakeError)
      await gone(socket)
    }
  }
  assert.equal(server.handshakes, 0)
})

test('plain text, silence, and a client that leaves end a handshake with a reason', async (t) => {
  const { port, next, server } = await bench(t, authority.issue(), undefined, 100)
  const cases: [string | null, string, string][] = [
    ['*1\r\n$4\r\nPING\r\n', 'the peer does not speak TLS (wrong version number)', 'protocol'],
    ['GET / HTTP/1.1\r\n\r\n', 'the peer does not speak TLS (http request)', 'protocol'],
    [null, 'the handshake was not done within 100ms', 'timeout'],
    ['\x16\x03\x01', 'the handshake was not done within 100ms', 'timeout'],
  ]
  for (const [bytes, message, reason] of cases) {
    const socket = connectPlain(port, '127.0.0.1')
    socket.on('error', () => {})
    if (bytes !== null) socket.write(bytes, 'latin1')
    const failure = (await next()) as HandshakeError
    assert.deepEqual([failure.message, failure.reason], [message, reason])
    await gone(socket.resume())
  }
  for (const torn of ['', '\x16\x03\x01\x02']) {
    for (const leave of ['end', 'resetAndDestroy'] as const) {
      const socket = connectPlain(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(torn, 'latin1')
      socket[leave]()
      assert.equal(((await next()) as HandshakeError).reason, 'closed')
    }
  }
  assert.equal(server.pending, 0)
  assert.deepEqual(Object.fromEntries(server.failures), { protocol: 2, timeout: 2, closed: 4 })
})

test('handshakes under way end with the server', async (t) => {
  const { port, next, server } = await bench(t, authority.issue())
  const socket = connectPlain(port, '127.0.0.1')
  await once(socket, 'connect')
  while (server.pending === 0) await new Promise(setImmediate)
  server.close()
  assert.equal(((await next()) as HandshakeError).reason, 'shutdown')
  await gone(socket.resume())
})

test('a client takes up its session, in another thread too, and not once the files have changed', async (t) => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { port, server, tls, files, next } = await bench(t, authority.issue())
    const versions = { minVersion: version, maxVersion: version } as const
    const first = connect({ port, host: '127.0.0.1', ca: authority.certificate, ...versions })
    const [session] = (await once(first, 'session')) as [Buffer]
    first.destroy()
    await next()
    const again = await client(t, port, { session, ...versions })
    assert.equal(again.isSessionReused(), true, version)
    await next()
    assert.deepEqual([server.handshakes, server.resumed], [2, 1])

    // Another thread is given the same secret, and has a context of its own.
    const other = new Tls({ secret: tls.secret, materials: new Map([[tlsKey(files), tls.material(files)]]) }).server(
      files,
    )
    const listener = await listen(t, (socket) => other.accept(socket, 5000, (_, connection) => echo(connection!)))
    const elsewhere = await client(t, portOf(listener), { session, ...versions })
    assert.equal(elsewhere.isSessionReused(), true, version)

    const renewed = authority.issue()
    tls.update(tlsKey(files), { certificate: renewed.certificate, privateKey: renewed.key, authority: null })
    const anew = await client(t, port, { session, ...versions })
    assert.equal(anew.isSessionReused(), false, version)
    assert.equal(await reply(again, 'still there'), 'still there')
  }
})
