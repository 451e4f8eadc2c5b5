import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { query } from '../cassandra.ts'
import { CHAIN, type Proxy } from './proxy.ts'
import { startMetered, type Labels, type Metrics } from './metrics.ts'
import { RawClient } from './raw-client.ts'

// Names and labels of the series, which dashboards and alarms are made of: a scrape has these and no others.

const SOURCE = { source: CHAIN }
const QUANTILES = ['0', '0.1', '0.5', '0.9', '0.95', '0.99', '0.999', '1']

type Row = readonly [name: string, type: 'counter' | 'gauge' | 'summary', labels: Labels]

/** `name{label="value",...}` of each series, as Shotover's own test of its metrics has them. */
function keysOf(name: string, type: string, labels: Labels): string[] {
  const own = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
  const key = (what: string, all: string[]) => `${what}{${all.join(',')}}`
  if (type !== 'summary') return [key(name, own)]
  const quantiles = QUANTILES.map((quantile) => key(name, [...own, `quantile="${quantile}"`]))
  return [...quantiles, key(`${name}_sum`, own), key(`${name}_count`, own)]
}

const OF_SOURCE: readonly Row[] = [
  ['connections_opened', 'counter', SOURCE],
  ['shotover_available_connections_count', 'gauge', SOURCE],
  ['shotover_connections_accept_failures_count', 'counter', SOURCE],
  ['shotover_listener_create_failures_count', 'counter', SOURCE],
  ['shotover_sink_to_source_latency_seconds', 'summary', SOURCE],
]
const ofChain = (chain: string): readonly Row[] => [
  ['shotover_chain_failures_count', 'counter', { chain }],
  ['shotover_chain_total_count', 'counter', { chain }],
  ['shotover_chain_requests_batch_size', 'summary', { chain }],
  ['shotover_chain_responses_batch_size', 'summary', { chain }],
]
const ofTransform = (transform: string): readonly Row[] => [
  ['shotover_transform_failures_count', 'counter', { transform }],
  ['shotover_transform_total_count', 'counter', { transform }],
  ['shotover_transform_latency_seconds', 'summary', { transform }],
]
const ofSink = (transform: string, chain: string): readonly Row[] => [
  ...ofTransform(transform),
  ['shotover_source_to_sink_latency_seconds', 'summary', { sink: transform }],
  ['shotover_failed_requests_count', 'counter', { chain, transform }],
]
const latencyOf = (chain: string): Row => [
  'shotover_chain_latency_seconds',
  'summary',
  { chain, client_details: '127.0.0.1' },
]
const counted = (type: string, ...queries: string[]): readonly Row[] =>
  queries.map((name) => ['shotover_query_count', 'counter', { name: 'counted', query: name, type }])
const VERSIONS: readonly Row[] = ['v3', 'v4', 'v5'].map((version) => [
  'shotover_client_protocol_version_count',
  'counter',
  { version },
])

/** Metrics of the proxy's own. */
const OURS =
  /^shotover_(requests_count|sessions|downstream|upstream|cut_throughs|pauses|swallowed|thread|process|heap|external|in_flight|isolations|pins|late_replies|retries)/

async function keys(metrics: Metrics): Promise<string[]> {
  const { series } = await metrics.scrape()
  const theirs = series.filter(({ name }) => !OURS.test(name))
  return theirs.flatMap(({ name, labels }) => keysOf(name, '', labels)).sort()
}

const expected = (rows: readonly Row[]) => rows.flatMap((row) => keysOf(...row)).sort()

const COUNTER = 'QueryCounter: { name: counter, counter_name: counted }'
const NOBODY = '"127.0.0.1:1", connect_timeout_ms: 3000'

interface Case {
  readonly name: string
  readonly source: 'Valkey' | 'Cassandra'
  readonly chain: readonly string[]
  readonly atStart: readonly Row[]
  send(proxy: Proxy): Promise<void>
  readonly afterTraffic: readonly Row[]
}

async function askValkey(proxy: Proxy): Promise<void> {
  const client = await RawClient.open(proxy.port)
  for (const words of ['CLIENT SETINFO LIB-NAME x', 'SET k 42', 'SET k 43', 'GET k'])
    assert.match(await client.ask(...words.split(' ')), /^-"ERR/)
}

async function askCassandra(proxy: Proxy): Promise<void> {
  const client = connect(proxy.port, proxy.host)
  client.write(query(4, 'SELECT v FROM ks.t WHERE k = 1').toBuffer())
  await once(client, 'data')
  client.destroy()
}

const CASES: readonly Case[] = [
  {
    name: 'Valkey',
    source: 'Valkey',
    chain: [COUNTER, 'NullSink: { name: sink }'],
    atStart: [
      ...ofChain(CHAIN),
      ...ofTransform('QueryCounter'),
      ...ofTransform('NullSink'),
      ['shotover_query_count', 'counter', { name: 'counted' }],
    ],
    send: askValkey,
    afterTraffic: [latencyOf(CHAIN), ...counted('valkey', 'GET', 'SET', 'CLIENT')],
  },
  {
    name: 'Valkey with a Tee, and a server in both chains',
    source: 'Valkey',
    chain: [
      `Tee: { name: tee, chain: [{ ValkeySinkSingle: { name: shadow, remote_address: ${NOBODY} } }] }`,
      `ValkeySinkSingle: { name: sink, remote_address: ${NOBODY} }`,
    ],
    atStart: [
      ...ofChain(CHAIN),
      ...ofChain('tee'),
      ...ofTransform('Tee'),
      ...ofSink('ValkeySinkSingle', CHAIN),
      ['shotover_failed_requests_count', 'counter', { chain: 'tee', transform: 'ValkeySinkSingle' }],
      ['shotover_tee_dropped_messages_count', 'counter', { chain: 'Tee', name: 'tee' }],
    ],
    async send(proxy) {
      const client = await RawClient.open(proxy.port)
      assert.match(await client.ask('GET', 'k'), /^-"ERR/)
    },
    afterTraffic: [latencyOf(CHAIN), latencyOf('tee')],
  },
  {
    name: 'Cassandra',
    source: 'Cassandra',
    chain: [COUNTER, 'NullSink: { name: sink }'],
    atStart: [
      ...VERSIONS,
      ...ofChain(CHAIN),
      ...ofTransform('QueryCounter'),
      ...ofTransform('NullSink'),
      ['shotover_query_count', 'counter', { name: 'counted' }],
    ],
    send: askCassandra,
    afterTraffic: [latencyOf(CHAIN), ...counted('cassandra', 'SELECT')],
  },
  {
    name: 'Cassandra with a server',
    source: 'Cassandra',
    chain: [
      'CassandraPeersRewrite: { name: peers, port: 9042 }',
      `CassandraSinkSingle: { name: sink, remote_address: ${NOBODY} }`,
    ],
    atStart: [
      ...VERSIONS,
      ...ofChain(CHAIN),
      ...ofTransform('CassandraPeersRewrite'),
      ['shotover_cql_unparsed_count', 'counter', { chain: CHAIN, transform: 'CassandraPeersRewrite' }],
      ...ofSink('CassandraSinkSingle', CHAIN),
    ],
    send: askCassandra,
    afterTraffic: [latencyOf(CHAIN)],
  },
]

for (const { name, source, chain, atStart, send, afterTraffic } of CASES) {
  test(`the series are those of Shotover, before and after the first clients: ${name}`, async () => {
    const topology = (listen: string) => `sources:
  - ${source}:
      name: "${CHAIN}"
      listen_addr: "${listen}"
      chain:
${chain.map((line) => `        - ${line}\n`).join('')}`
    await using metered = await startMetered({ topology })
    const { proxy, metrics } = metered
    assert.deepEqual(await keys(metrics), expected([...OF_SOURCE, ...atStart]))
    await send(proxy)
    assert.deepEqual(await keys(metrics), expected([...OF_SOURCE, ...atStart, ...afterTraffic]))
  })
}

test('the values are those of Shotover', async () => {
  const topology = (listen: string) => `sources:
  - Valkey: { name: "${CHAIN}", listen_addr: "${listen}", chain: [{ ${COUNTER} }, { NullSink: { name: sink } }] }
`
  await using metered = await startMetered({ topology })
  const { proxy, metrics } = metered
  await askValkey(proxy)
  const count = async (query: string) => await metrics.read('shotover_query_count', { name: 'counted', query })
  assert.deepEqual([await count('GET'), await count('SET')], [1, 2])
  assert.equal(await metrics.read('shotover_transform_total_count', { transform: 'QueryCounter' }), 4)
  assert.equal(await metrics.read('shotover_chain_latency_seconds_count'), 4)
  assert.equal(await metrics.read('shotover_sink_to_source_latency_seconds_count', SOURCE), 4)
})
