import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { test, type TestContext } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { CertificateFolder, type Identity } from '../../test/real/certificates.ts'
import { authority, listen, portOf, stranger } from '../../test/world/tls-bench.ts'
import { HandshakeError } from '../base/errors.ts'
import { readTls, tlsKey } from './tls-files.ts'
import { Tls } from './tls.ts'
import type { Connection, TlsFiles } from './world.ts'

async function upstream(t: TestContext, own: Identity, options: object = {}) {
  const server = createTlsServer({ cert: own.certificate, key: own.key, ...options }, (socket) => socket.pipe(socket))
  server.on('tlsClientError', () => {})
  server.listen(0)
  await once(server, 'listening')
  t.after(() => server.close())
  return { server, port: (server.address() as AddressInfo).port }
}

interface Dialled {
  readonly error: Error | null
  readonly connection: Connection | null
}

async function dialler(t: TestContext, verifyHostname: boolean, own?: Identity, handshakeTimeoutMs = 5000) {
  const folder = new CertificateFolder()
  t.after(() => folder.remove())
  const paths = own === undefined ? null : folder.write('own', own)
  const files: TlsFiles = {
    certificate: paths?.certificate ?? null,
    privateKey: paths?.key ?? null,
    authority: folder.file('authority.crt', authority.certificate),
  }
  const tls = new Tls({ secret: randomBytes(32), materials: new Map([[tlsKey(files), await readTls(files)]]) })
  const connector = tls.connector({ files, verifyHostname, handshakeTimeoutMs })
  const dial = (host: string, port: number) =>
    new Promise<Dialled>((resolve) =>
      connector.connect({ host, port }, 2000, (error, connection) => {
        if (connection !== null) t.after(() => connection.destroy())
        resolve({ error, connection })
      }),
    )
  return { dial, tls, files }
}

const NAMES: { hosts: string[]; host: string; refused: string | null }[] = [
  { hosts: ['localhost'], host: 'localhost', refused: null },
  { hosts: ['LOCALHOST'], host: 'localhost', refused: null },
  { hosts: ['127.0.0.1'], host: '127.0.0.1', refused: null },
  { hosts: ['::1'], host: '::1', refused: null },
  { hosts: ['example.com'], host: 'localhost', refused: 'it is for DNS:example.com, not for localhost' },
  { hosts: ['localhost'], host: '127.0.0.1', refused: 'it is for DNS:localhost, not for 127.0.0.1' },
  { hosts: ['127.0.0.1'], host: 'localhost', refused: 'it is for IP Address:127.0.0.1, not for localhost' },
  { hosts: [], host: 'localhost', refused: 'it names no host' },
]

for (const { hosts, host, refused } of NAMES) {
  test(`a certificate for ${hosts.join() || 'nobody'} is ${refused === null ? 'one' : 'none'} for ${host}; only where the name counts`, async (t) => {
    const { port } = await upstream(t, authority.issue({ hosts, commonName: 'localhost' }))
    const strict = await (await dialler(t, true)).dial(host, port)
    if (refused === null) assert.equal(strict.error, null)
    else {
      assert.ok(strict.error instanceof HandshakeError)
      assert.equal(strict.error.message, `the peer's certificate is not accepted: ${refused}`)
    }
    assert.equal((await (await dialler(t, false)).dial(host, port)).error, null)
  })
}

const SERVERS: Record<string, { own: Identity; message: RegExp }> = {
  'of a stranger': { own: stranger.issue(), message: /not accepted: unable to (verify|get)/ },
  'that has expired': {
    own: authority.issue({ notAfter: new Date(Date.now() - 1000) }),
    message: /not accepted: certificate has expired/,
  },
}
for (const [which, { own, message }] of Object.entries(SERVERS)) {
  test(`a server with the certificate ${which} is refused, whether the name counts or not`, async (t) => {
    const { port } = await upstream(t, own)
    for (const verifyHostname of [true, false]) {
      const { error } = await (await dialler(t, verifyHostname)).dial('localhost', port)
      assert.ok(error instanceof HandshakeError)
      assert.match(error.message, message)
      assert.equal(error.reason, 'certificate')
    }
  })
}

test('a certificate between the authority and the server is sent with that of the server', async (t) => {
  const between = authority.below('Between')
  const own = between.issue()
  const { dial } = await dialler(t, true)
  const whole = await upstream(t, { ...own, certificate: own.certificate + between.certificate })
  assert.equal((await dial('localhost', whole.port)).error, null)
  const torn = await upstream(t, own)
  assert.match((await dial('localhost', torn.port)).error!.message, /not accepted/)
})

test('a server is told the name that is wanted of it, but no address', async (t) => {
  const { server, port } = await upstream(t, authority.issue())
  const names: (string | false | null)[] = []
  server.on('secureConnection', (socket) =>
    names.push((socket as TLSSocket & { servername: string | false }).servername),
  )
  const { dial } = await dialler(t, true)
  for (const host of ['localhost', '127.0.0.1']) {
    const { connection } = await dial(host, port)
    const answered = new Promise<void>(
      (resolve) => (connection!.handler = { ...connection!.handler, onData: () => resolve() }),
    )
    connection!.resume()
    connection!.write(Buffer.from('x'))
    await answered
  }
  assert.deepEqual(names, ['localhost', false])
})

test('a server that asks for a certificate gets ours', async (t) => {
  const { port } = await upstream(t, authority.issue(), {
    requestCert: true,
    ca: authority.certificate,
    maxVersion: 'TLSv1.2',
  })
  const { error } = await (await dialler(t, true)).dial('localhost', port)
  assert.equal((error as HandshakeError).reason, 'refused')
  assert.equal((await (await dialler(t, true, authority.issue())).dial('localhost', port)).error, null)
})

test('what a server says of our certificate when the handshake is done already is told', async (t) => {
  const { port } = await upstream(t, authority.issue(), { requestCert: true, ca: authority.certificate })
  const { connection } = await (await dialler(t, true)).dial('localhost', port)
  const closed = new Promise<Error | null>((resolve) => {
    connection!.handler = { ...connection!.handler, onClose: resolve }
  })
  connection!.resume()
  assert.equal((await closed)!.message, 'the peer refused: certificate required')
})

test('a server that is silent, leaves or speaks something else is no TLS server', async (t) => {
  const cases: [(socket: Socket) => void, string, string][] = [
    [() => {}, 'the handshake was not done within 100ms', 'timeout'],
    [(socket) => socket.end(), 'the peer closed the connection during the handshake', 'closed'],
    [
      (socket) => socket.end('-ERR unknown command\r\n'),
      'the peer does not speak TLS (wrong version number)',
      'protocol',
    ],
  ]
  for (const [act, message, reason] of cases) {
    const sockets: Socket[] = []
    const listener = await listen(t, (socket) => {
      sockets.push(socket)
      socket.resume()
      act(socket)
    })
    const { error } = await (await dialler(t, true, undefined, 100)).dial('127.0.0.1', portOf(listener))
    assert.ok(error instanceof HandshakeError)
    assert.deepEqual([error.message, error.reason], [message, reason])
    for (const socket of sockets) socket.destroy()
  }
})

test('where nobody listens, it is no handshake that fails', async (t) => {
  const listener = await listen(t, () => {})
  const port = portOf(listener)
  listener.close()
  const { error } = await (await dialler(t, true)).dial('127.0.0.1', port)
  assert.ok(!(error instanceof HandshakeError))
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED')
})

test('the second connection takes up the session of the first, until the files change', async (t) => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { server, port } = await upstream(t, authority.issue(), { maxVersion })
    const reused: boolean[] = []
    server.on('secureConnection', (socket: TLSSocket) => reused.push(socket.isSessionReused()))
    const { dial, tls, files } = await dialler(t, true)
    const talk = async () => {
      const { connection } = await dial('localhost', port)
      const answered = new Promise<void>(
        (resolve) => (connection!.handler = { ...connection!.handler, onData: () => resolve() }),
      )
      connection!.resume()
      connection!.write(Buffer.from('x'))
      await answered
    }
    await talk()
    await talk()
    tls.update(tlsKey(files), { ...tls.material(files) })
    await talk()
    assert.deepEqual(reused, [false, true, false], maxVersion)
  }
})
