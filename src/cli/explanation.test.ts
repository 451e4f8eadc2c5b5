import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkTopology } from '../config/topology.ts'
import { textOf } from './explain.ts'
import { explainRequest, type Explanation } from './explanation.ts'

const directory = mkdtempSync(join(tmpdir(), 'explain-'))
after(() => rmSync(directory, { recursive: true }))

let files = 0
/** A transform whose instance is this expression, which may use `session` and `env`. */
function own(instance: string, fields = ''): string {
  const file = join(directory, `own-${++files}.ts`)
  writeFileSync(
    file,
    `import { around, transform } from 'shotover'
import { writeFileSync } from 'node:fs'
import { z } from 'zod'
export default transform({ type: 'Own', doc: '', options: z.strictObject({}), ${fields}
  create: (_options, env) => (session) => (${instance}) })`,
  )
  return file
}

const SINK = 'ValkeySinkSingle: { remote_address: "127.0.0.1:1111", connect_timeout_ms: 1000 }'

const explained = async (line: string, ...chain: string[]) => await explainedBy('Valkey', line, ...chain)

async function explainedBy(source: string, line: string, ...chain: string[]): Promise<Explanation> {
  const text = `sources: [{ ${source}: { name: s, listen_addr: "127.0.0.1:6379", chain: [${chain.map((one) => `{ ${one} }`).join(', ')}] } }]`
  const { sources } = await checkTopology('topology.yaml', text)
  return await explainRequest(sources[0], line)
}

const words = (...args: string[]) => `Valkey Array([${args.map((arg) => `BulkString(b"${arg}")`).join(', ')}])`

/** What each stage does, and what else is told of it. */
function told({ stages }: Explanation): string[] {
  return stages.map(({ type, does, request, reply, route, asks }) =>
    [type, does, request, reply, route?.way, ...asks].filter((part) => typeof part === 'string').join(' | '),
  )
}

const RENAMES = `{ onRequests(batch, link) {
  for (const { request } of batch) session.protocol.queries.renameKeys(request, (key) => 't:' + key)
  link.forward(batch) } }`

test('what is passed on, and where the sink sends it', async () => {
  assert.deepEqual(told(await explained('SET a 1', 'DebugPrinter: ', SINK)), [
    'DebugPrinter | forwards',
    'ValkeySinkSingle | sends | shared',
  ])
  assert.deepEqual(told(await explained('SUBSCRIBE a', SINK)), ['ValkeySinkSingle | sends | pinned'])
})

test('what is changed, what is refused, and who is not reached then', async () => {
  const filter = 'QueryTypeFilter: { DenyList: [Write] }'
  const key = await explained('GET a', `${own(RENAMES)}: `, filter, SINK)
  assert.deepEqual(told(key), [
    `Own | forwards | ${words('GET', 't:a')}`,
    'QueryTypeFilter | forwards',
    'ValkeySinkSingle | sends | shared',
  ])
  assert.equal(key.reply, null)
  const refused = await explained('SET a 1', `${own(RENAMES)}: `, filter, SINK)
  const error = refused.reply!
  assert.match(error, /^Valkey Error\(/)
  assert.deepEqual(told(refused), [
    `Own | forwards | ${words('SET', 't:a', '1')}`,
    `QueryTypeFilter | answers | ${error}`,
    'ValkeySinkSingle | unreached',
  ])
})

test('a reply that is changed on its way up', async () => {
  const masks = `{ onResponses(batch, link) {
    for (const exchange of batch) exchange.response = session.protocol.encode({ type: 'simple', text: 'masked' }, -1)
    link.reply(batch) } }`
  const { stages, reply } = await explained('GET a', `${own(masks)}: `, 'Loopback: ')
  assert.equal(reply, 'Valkey SimpleString(b"masked")')
  assert.equal(stages[0]!.reply, reply)
  assert.match(stages[1]!.reply!, /Array\(\[BulkString\(b"GET"\)/)
})

test('hooks that throw, keep, wait and ask', async () => {
  const throws = await explained('GET a', `${own('{ onRequests() { throw new Error("oh") } }')}: `, SINK)
  assert.deepEqual(
    throws.stages.map(({ does }) => does),
    ['fails', 'unreached'],
  )
  assert.match(throws.logged.join(), /Transform Own named Own-1 failed in chain s/)
  const keeps = await explained('GET a', `${own('{ holds: true, onRequests() {} }')}: `, SINK)
  assert.deepEqual(
    keeps.stages.map(({ does }) => does),
    ['keeps', 'unreached'],
  )
  const waits = `{ async onRequests(batch, link) { await new Promise((go) => setTimeout(go, 5)); link.forward(batch) } }`
  assert.deepEqual(told(await explained('GET a', `${own(waits)}: `, SINK)), [
    'Own | forwards',
    'ValkeySinkSingle | sends | shared',
  ])
  const asks = `{ async onRequests(batch, link) {
    await link.call(session.protocol.encode({ type: 'request', args: [Buffer.from('PING')], complete: true }, -1)); link.forward(batch) } }`
  const asked = await explained('GET a', `${own(asks)}: `, SINK)
  assert.deepEqual(asked.stages[0]!.asks, [words('PING')])
  assert.equal(asked.stages[0]!.does, 'asks')
})

test('nothing is connected to, and what acts on the outside does not', async (context) => {
  const server = createServer(() => assert.fail('somebody connected'))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  context.after(() => server.close())
  const { port } = server.address() as { port: number }
  const written = join(directory, 'written')
  const writes = own(
    `(writeFileSync(${JSON.stringify(written)}, ''), { onRequests: (batch, link) => link.forward(batch) })`,
    `outside: 'writes requests to a file',`,
  )
  const sink = `ValkeySinkSingle: { remote_address: "127.0.0.1:${port}", connect_timeout_ms: 1000 }`
  const explanation = await explained('SET a 1', `${writes}: `, sink)
  assert.ok(!existsSync(written))
  assert.deepEqual(told(explanation), ['Own | forwards', 'ValkeySinkSingle | sends | shared'])
  const logs = await explained('SET a 1', 'DebugLogToFile: ', sink)
  assert.equal(logs.stages[0].outside, 'writes it to a file')
  assert.ok(!existsSync('message-log'))
  assert.match(textOf(explanation), /^ +and writes requests to a file; here it has not$/m)
})

test('people read sentences', async () => {
  assert.equal(
    textOf(await explained('SELECT 2', SINK)),
    `s: Valkey at 127.0.0.1:6379
    ${words('SELECT', '2')}
1. ValkeySinkSingle-1 sends it to 127.0.0.1:1111, alone: it changes the login or settings by which connections are shared`,
  )
})

test('chains within are told too, however they end, and their end is not', async () => {
  const tee = 'Tee: { name: t, chain: [{ QueryTypeFilter: { DenyList: [Write] } }, { NullSink: { name: n } }] }'
  const ways = (explanation: Explanation) =>
    explanation.within.map(({ chain, stages }) => [chain, ...stages.map(({ does }) => does)].join(' '))
  const read = await explained('GET a', tee, SINK)
  assert.deepEqual(ways(read), ['t forwards answers'])
  assert.deepEqual(read.logged, [])
  assert.deepEqual(ways(await explained('SET a 1', tee, SINK)), ['t answers unreached'])
  const map = `ParallelMap: { name: p, parallelism: 3, ordered_results: true, chain: [{ ${SINK} }] }`
  assert.deepEqual(ways(await explained('GET a', map)), ['p[0] sends'])
  assert.match(textOf(read), /^chain t gets\n    .*GET.*\n1\. QueryTypeFilter-1 passes it on\n2\. n answers it/m)
})

const CQL_SINK = 'CassandraSinkSingle: { remote_address: "127.0.0.1:1111", connect_timeout_ms: 1000 }'
const STATEMENTS: readonly (readonly [statement: string, way: string])[] = [
  ['SELECT * FROM ks.t WHERE id = 1', 'shared'],
  ['USE ks', 'attributes'],
]
for (const [statement, way] of STATEMENTS) {
  test(`a statement of CQL is that of a client that was let in: ${statement}`, async () => {
    const explanation = await explainedBy('Cassandra', statement, CQL_SINK)
    assert.equal(explanation.request, `Cassandra V4 stream:0 Query consistency:ONE with_names:false ${statement}`)
    assert.deepEqual(told(explanation), [`CassandraSinkSingle | sends | ${way}`])
  })
}

test('what is no CQL is refused with the reason', async () => {
  await assert.rejects(explainedBy('Cassandra', 'FETCH x', CQL_SINK), /no CQL that is known here: a statement expected/)
})

test('what can not be typed is refused with the reason', async () => {
  await assert.rejects(explained('', SINK), /^Error: it is empty$/)
  await assert.rejects(explained('GET "a', SINK), /^Error: its quotes are not closed$/)
})

const FLEET = `CassandraSinkCluster: { first_contact_points: ["127.0.0.1:1111"], connect_timeout_ms: 1, local_shotover_host_id: "2dd022d6-2937-4754-89d6-02d2933a8f7a",
  shotover_nodes: [{ address: "127.0.0.1:1", data_center: dc, rack: r1, host_id: "2dd022d6-2937-4754-89d6-02d2933a8f7a" }] }`

for (const [sink, statement, way, server] of [
  [
    'CassandraSinkSingle: { remote_address: "127.0.0.1:1111", connect_timeout_ms: 1 }',
    'SELECT * FROM a.b',
    'shared',
    /^127\.0\.0\.1:1111$/,
  ],
  [FLEET, 'SELECT * FROM a.b', 'shared', /^a node of the rack r1, one that has its partition/],
  [FLEET, 'DROP TABLE a.b', 'shared', /^the node of the rack r1 that all such requests/],
  [FLEET, 'SELECT * FROM system.peers', 'shared', /tells of the proxies/],
  [FLEET, 'USE ks', 'attributes', /^the node of the rack r1/],
] as const)
  test(`where ${sink.slice(0, 20)} sends ${statement}`, async () => {
    const text = `sources: [{ Cassandra: { name: s, listen_addr: "127.0.0.1:9042", chain: [{ ${sink} }] } }]`
    const { sources } = await checkTopology('topology.yaml', text)
    const { stages } = await explainRequest(sources[0], statement)
    assert.equal(stages[0].route?.way, way)
    assert.match(stages[0].route!.server, server)
  })
