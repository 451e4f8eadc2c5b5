import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { CASSANDRA_TARGETS, TARGETS, TLS_TARGETS, select } from './list.ts'
import { TWO, cassandraClusterTopology, cassandraTopology, settings, topology } from './topology.ts'

const names = (asked: string[] | null): string[] => select(asked).map(({ name }) => name)

test('without a choice every target is measured', () => assert.deepEqual(select(null), TARGETS))

for (const [asked, expected] of [
  [['direct'], []],
  [
    ['envoy', 'ours0'],
    ['ours0', 'envoy'],
  ],
  [['ours'], ['ours0', 'ours2', 'ours5', 'ours10', 'ours-hooks', 'ours-onion']],
  [
    ['peers', 'envoy'],
    ['haproxy', 'twemproxy', 'envoy', 'shotover0', 'shotover2'],
  ],
] as const)
  test(`targets in the order of the table: ${asked.join(',')}`, () => assert.deepEqual(names([...asked]), expected))

test('a target that does not exist is refused, with those that do', () => {
  assert.throws(() => select(['envoy', 'nginx']), /no target named nginx; there are direct, ours0.*, envoy/)
})

test("topologies are in Shotover's form, every transform named once", () => {
  const { sources } = parse(topology(20_001, 20_002, TWO)) as { sources: { Valkey: Record<string, unknown> }[] }
  const { chain, ...source } = sources[0].Valkey
  assert.deepEqual(source, { name: 'bench', listen_addr: '127.0.0.1:20001', connection_limit: 10_000 })
  const stages = (chain as Record<string, { name: string }>[]).map((stage) => Object.entries(stage)[0])
  assert.deepEqual(
    stages.map(([type]) => type),
    ['QueryCounter', 'QueryTypeFilter', 'ValkeySinkSingle'],
  )
  assert.equal(new Set(stages.map(([, { name }]) => name)).size, 3)
  assert.deepEqual(stages[2][1], { name: 'sink', remote_address: '127.0.0.1:20002', connect_timeout_ms: 3000 })
  assert.deepEqual(parse(settings(20_003)), { main_log_level: 'warn', observability_interface: '127.0.0.1:20003' })
})

test('a topology before two nodes has a source for each, and names nothing twice', () => {
  const paths = [
    { port: 20_001, backendPort: 20_002 },
    { port: 20_003, backendPort: 20_004 },
  ]
  for (const text of [cassandraTopology(paths, TWO), cassandraClusterTopology(paths)]) {
    const { sources } = parse(text) as { sources: { Cassandra: { listen_addr: string; chain: object[] } }[] }
    assert.deepEqual(
      sources.map(({ Cassandra }) => Cassandra.listen_addr),
      ['127.0.0.1:20001', '127.0.0.1:20003'],
    )
    const names = sources.flatMap(({ Cassandra }) =>
      Cassandra.chain.map((stage) => (Object.values(stage)[0] as { name: string }).name),
    )
    assert.equal(new Set(names).size, names.length)
  }
})

test('groups are those of the table that is asked for', () => {
  const of = (asked: string[]) => select(asked, CASSANDRA_TARGETS).map(({ name }) => name)
  assert.deepEqual(of(['ours']), ['ours-single', 'ours-single2', 'ours-cluster'])
  assert.deepEqual(of(['peers']), ['haproxy', 'envoy', 'shotover-single', 'shotover-cluster'])
})

test('in TLS there are targets of their own', () => {
  const of = (asked: string[] | null) => select(asked, TLS_TARGETS).map(({ name }) => name)
  assert.deepEqual(of(['envoy-tls', 'ours-tls']), ['ours-tls', 'envoy-tls'])
  assert.equal(of(null).length, 8)
  assert.throws(() => of(['envoy']), /no target named envoy; there are direct, ours-tls/)
})
