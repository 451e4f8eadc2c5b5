import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { renameSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { Authority, CertificateFolder, type Identity } from './certificates.ts'
import { startMetered } from './metrics.ts'
import { startRedis } from './servers.ts'
import { tlsTopology } from './tls-topology.ts'

const authority = Authority.make()

/** Replaces files as certbot and mounted secrets do: each at once, one after the other. */
function replace(folder: CertificateFolder, name: string, { certificate, key }: Identity): void {
  for (const [suffix, content] of [
    ['crt', certificate],
    ['key', key],
  ]) {
    renameSync(folder.file(`${name}.${suffix}.new`, content!), `${folder.path}/${name}.${suffix}`)
  }
}

async function open(port: number, session?: Buffer): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ca: authority.certificate, ...(session && { session }) })
  await once(socket, 'secureConnect')
  return socket
}

/** Serial number of the certificate that a new client sees. */
async function serialAt(port: number): Promise<string> {
  const socket = await open(port)
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

const serialOf = ({ certificate }: Identity) => new X509Certificate(certificate).serialNumber

for (const coreThreads of [1, 2]) {
  test(`certificates are exchanged under load, without a failed request, ${coreThreads} core threads`, async () => {
    using folder = new CertificateFolder()
    const ca = folder.file('ca.crt', authority.certificate)
    const [first, second, third] = [authority.issue(), authority.issue({ key: 'rsa-pkcs1' }), authority.issue()]
    const source = folder.write('source', first)
    const own = folder.write('sink', authority.issue({ hosts: [] }))
    const server = folder.write('server', authority.issue())
    await using redis = await startRedis({ tls: { ...server, authority: ca, authClients: true } })
    const topology = (listen: string) =>
      tlsTopology(listen, `127.0.0.1:${redis.tlsPort}`, source, { ...own, authority: ca, verifyHostname: true })
    await using metered = await startMetered({ topology, coreThreads })
    const { proxy, metrics } = metered

    // Clients that stay, and clients that come and go.
    const options = { port: proxy.port, retryStrategy: null, tls: { ca: authority.certificate } }
    const stays = new Redis(options)
    let done = false
    let requests = 0
    const stay = async () => {
      for (; !done; requests++) assert.equal(await stays.set('k', requests), 'OK')
    }
    const comeAndGo = async () => {
      for (; !done; requests++) {
        const client = new Redis(options)
        // A transaction wants a connection to the server for itself.
        assert.equal((await client.multi().set('m', 'x').exec())![0]![1], 'OK')
        client.disconnect()
      }
    }
    const load = Promise.all([stay(), comeAndGo(), comeAndGo()])
    try {
      assert.equal(await serialAt(proxy.port), serialOf(first))

      replace(folder, 'source', second)
      replace(folder, 'sink', authority.issue({ hosts: [] }))
      await metrics.until('shotover_tls_reloads_count', {}, 2)
      assert.equal(await serialAt(proxy.port), serialOf(second))

      // The certificate of one, the key of the other.
      folder.file('source.crt', third.certificate)
      const refused = await proxy.logged(({ target, level }) => target === 'shotover::tls' && level === 'ERROR')
      assert.equal(
        refused.message,
        'The TLS files of source "valkey" have changed and can\'t be used: those read before stay in use\n\n' +
          `Caused by:\n    The private key is not that of the certificate in ${source.certificate}`,
      )
      assert.equal(await serialAt(proxy.port), serialOf(second))
      folder.file('source.key', third.key)
      await metrics.until('shotover_tls_reloads_count', {}, 3)
      assert.equal(await serialAt(proxy.port), serialOf(third))
      assert.equal(await metrics.read('shotover_tls_reload_failures_count'), 1)
    } finally {
      done = true
      await load
      stays.disconnect()
    }
    assert.ok(requests > 100)
    assert.deepEqual(
      proxy.complaints.filter((line) => !line.includes("can't be used")),
      [],
    )
    // Nothing of a key is said.
    for (const { key } of [first, second, third]) {
      for (const line of key.split('\n').slice(1, -2)) assert.ok(!proxy.output.includes(line))
    }
  })
}

test('a certificate that has ended is said, and the metrics tell when each one ends', async () => {
  using folder = new CertificateFolder()
  await using redis = await startRedis()
  const ended = new Date('2026-01-02T03:04:05Z')
  const paths = folder.write('source', authority.issue({ notAfter: ended }))
  const topology = (listen: string) => tlsTopology(listen, redis.address, paths, null)
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  assert.deepEqual(proxy.complaints, [
    `WARN The certificate of source "valkey" in ${paths.certificate} ended on 2026-01-02T03:04:05.000Z`,
  ])
  const labels = { file: paths.certificate }
  assert.equal(await metrics.read('shotover_tls_certificate_not_after_seconds', labels), ended.getTime() / 1000)
  const later = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3600_000)
  replace(folder, 'source', authority.issue({ notAfter: later }))
  await metrics.until('shotover_tls_certificate_not_after_seconds', labels, later.getTime() / 1000)
})

test('a session is taken up by whatever core thread its client comes to', async () => {
  using folder = new CertificateFolder()
  await using redis = await startRedis()
  const topology = (listen: string) =>
    tlsTopology(listen, redis.address, folder.write('source', authority.issue()), null)
  await using metered = await startMetered({ topology, coreThreads: 2 })
  const { proxy, metrics } = metered
  const first = await open(proxy.port)
  const [session] = (await once(first, 'session')) as [Buffer]
  // Clients go to the thread that has the fewest.
  const others = [await open(proxy.port, session), await open(proxy.port, session), await open(proxy.port, session)]
  for (const socket of others) assert.equal(socket.isSessionReused(), true)
  await metrics.until('shotover_tls_handshakes_count', { source: 'valkey', resumed: 'true' }, 3)
  await metrics.until('shotover_tls_handshakes_count', { source: 'valkey', resumed: 'false' }, 1)
  for (const socket of [first, ...others]) socket.destroy()
})
