import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { z } from 'zod'
import { Authority, CertificateFolder } from '../../test/real/certificates.ts'
import { transform } from '../core/kind.ts'
import { sinkTls } from '../core/tls.ts'
import { KINDS, type KindList } from './kinds.ts'
import { describeTopology } from './describe.ts'
import { ConfigError } from './diagnostics.ts'
import { checkTopology } from './topology.ts'

const folder = new CertificateFolder()
after(() => folder.remove())
const authority = Authority.make()
const ca = folder.file('ca.crt', authority.certificate)
const own = folder.write('own', authority.issue())
const other = folder.write('other', authority.issue())

const nested = transform({
  type: 'Nested',
  doc: 'TLS in several places.',
  terminating: true,
  options: z.strictObject({
    nodes: z.array(z.strictObject({ tls: sinkTls(z).optional() })),
    over: z.strictObject({ tls: sinkTls(z) }).nullable(),
  }),
  create: () => () => ({}),
})
const kinds: KindList = { ...KINDS, transforms: { ...KINDS.transforms, Nested: async () => nested } }

const SINK = `{ certificate_authority_path: ${ca}, verify_hostname: true }`
const topology = (sourceTls: string, chain: string) => `sources:
  - Valkey:
      name: valkey
      listen_addr: "127.0.0.1:6379"
      tls: ${sourceTls}
      chain:
        - ${chain}
`

test('files of TLS are told once, with all who use them, wherever they stand', async () => {
  const source = `{ certificate_path: ${own.certificate}, private_key_path: ${own.key} }`
  const chain = `Nested: { nodes: [{ tls: ${SINK} }, {}, { tls: null }], over: { tls: ${SINK} } }`
  const { sources, tls } = await checkTopology('t.yaml', topology(source, chain), { kinds })
  const files = { certificate: own.certificate, privateKey: own.key, authority: null }
  assert.deepEqual(sources[0]!.tls, files)
  assert.deepEqual(tls, [
    { files, users: ['source "valkey"'] },
    {
      files: { certificate: null, privateKey: null, authority: ca },
      users: ['Nested "Nested-1"', 'Nested "Nested-1"'],
    },
  ])
})

test('without TLS there are none', async () => {
  const { sources, tls } = await checkTopology('t.yaml', topology('', 'NullSink: {}'))
  assert.deepEqual([sources[0]!.tls, tls], [undefined, undefined])
})

test('what is wrong with a file is told at its place, at any depth', async () => {
  const source = `{ certificate_path: ${own.certificate}, private_key_path: ${other.key} }`
  const wrong = `{ certificate_authority_path: ${own.key}, verify_hostname: true }`
  const chain = `Nested: { nodes: [{ tls: ${SINK} }, { tls: ${wrong} }], over: null }`
  await assert.rejects(checkTopology('t.yaml', topology(source, chain), { kinds }), (error: ConfigError) => {
    assert.ok(error instanceof ConfigError)
    assert.deepEqual(
      error.problems.map(({ line, path, text }) => [line, path, text]),
      [
        [
          5,
          'sources[0].Valkey.tls.private_key_path',
          `The private key is not that of the certificate in ${own.certificate}`,
        ],
        [
          7,
          'sources[0].Valkey.chain[0].Nested.nodes[1].tls.certificate_authority_path',
          'No certificates found in PEM',
        ],
      ],
    )
    return true
  })
})

test('the log shows where the files are', async () => {
  const source = `{ certificate_path: ${own.certificate}, private_key_path: ${own.key} }`
  const text = describeTopology(await checkTopology('t.yaml', topology(source, 'NullSink: {}')))
  const [described] = (JSON.parse(text) as { sources: { Valkey: { tls: unknown } }[] }).sources
  assert.deepEqual(described!.Valkey.tls, { certificate_path: own.certificate, private_key_path: own.key })
})
