import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Redis, type RedisOptions } from 'ioredis'
import { Authority, CertificateFolder } from './certificates.ts'
import { fetchRedis, type RedisPrograms } from './fetch.ts'
import { startProxy } from './proxy.ts'
import { runCli, startRedis } from './servers.ts'
import { tlsTopology, type TlsPaths } from './tls-topology.ts'

// Shotover's own topologies in TLS, before servers that speak it: valkey/tls, valkey/tls-no-client-auth, valkey/tls-no-verify-hostname.

const authority = Authority.make()
const folder = new CertificateFolder()
const ca = folder.file('localhost_CA.crt', authority.certificate)
const localhost = folder.write('localhost', authority.issue({ key: 'rsa-pkcs8' }))
const badName = folder.write('bad-san', authority.issue({ hosts: ['elsewhere.example'] }))
let programs: RedisPrograms
before(async () => void (programs = await fetchRedis()))
after(() => folder.remove())

interface Case {
  readonly server: { certificate: string; key: string }
  readonly authClients: boolean
  readonly source: TlsPaths
  readonly sink: TlsPaths & { verifyHostname: boolean }
}

const CASES: Record<string, Case> = {
  tls: {
    server: localhost,
    authClients: true,
    source: { ...localhost, authority: ca },
    sink: { ...localhost, authority: ca, verifyHostname: true },
  },
  'tls-no-client-auth': {
    server: localhost,
    authClients: false,
    source: localhost,
    sink: { authority: ca, verifyHostname: true },
  },
  'tls-no-verify-hostname': {
    server: badName,
    authClients: true,
    source: { ...localhost, authority: ca },
    sink: { ...localhost, authority: ca, verifyHostname: false },
  },
}

for (const [name, { server, authClients, source, sink }] of Object.entries(CASES)) {
  for (const coreThreads of [1, 2]) {
    test(`valkey/${name}: commands, transactions, messages and large values, ${coreThreads} core threads`, async () => {
      await using redis = await startRedis({ tls: { ...server, authority: ca, authClients } })
      const topology = (listen: string) => tlsTopology(listen, `127.0.0.1:${redis.tlsPort}`, source, sink)
      await using proxy = await startProxy({ topology, coreThreads })
      const own = authority.issue({ hosts: [] })
      const options: RedisOptions = {
        port: proxy.port,
        retryStrategy: null,
        tls: {
          ca: authority.certificate,
          ...(source.authority === undefined ? {} : { cert: own.certificate, key: own.key }),
        },
      }
      const client = new Redis(options)
      const subscriber = new Redis(options)
      try {
        assert.equal(await client.set('k', 'v'), 'OK')
        assert.equal(await client.get('k'), 'v')
        assert.deepEqual(await client.multi().incr('n').incr('n').exec(), [
          [null, 1],
          [null, 2],
        ])
        const message = new Promise((resolve) => subscriber.once('message', (...of) => resolve(of)))
        await subscriber.subscribe('channel')
        await client.publish('channel', 'hello')
        assert.deepEqual(await message, ['channel', 'hello'])
        const large = Buffer.alloc(12 * 1024 * 1024, 'abcdefg')
        assert.equal(await client.set('large', large), 'OK')
        assert.ok(large.equals((await client.getBuffer('large'))!))
        const many = client.pipeline()
        for (let i = 0; i < 20_000; i++) many.set(`key:${i}`, `value ${i}`).get(`key:${i}`)
        const replies = (await many.exec())!
        assert.deepEqual(replies.at(-1), [null, 'value 19999'])
        assert.ok(replies.every(([error], index) => error === null && (index % 2 === 1 || replies[index]![1] === 'OK')))
      } finally {
        client.disconnect()
        subscriber.disconnect()
      }
      const files = folder.write('client', own)
      const flags = ['--tls', '--cacert', ca, '--cert', files.certificate, '--key', files.key]
      assert.equal(await runCli(programs, proxy, [...flags, 'GET', 'k']), 'v')
      assert.equal(await proxy.stop(), 0)
      assert.deepEqual(proxy.complaints, [])
    })
  }
}
