import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PlayedCluster, Pools, type PlayedNode } from '../../../../test/cassandra-played-cluster.ts'
import { stringMap } from '../../../../test/cassandra.ts'
import type { Log } from '../../../core/kind.ts'
import { Pool } from '../../../core/pool.ts'
import { SimWorld } from '../../../sim/world.ts'
import { bodyOf } from '../body/body.ts'
import { Writer } from '../body/writer.ts'
import type { Login } from '../greeting.ts'
import { cassandra } from '../index.ts'
import type { Fleet } from './fleet.ts'
import { ClusterTopology } from './topology.ts'

const id = (digit: number) => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`

function played(digit: number, rack: string, more: Partial<PlayedNode> = {}): PlayedNode {
  return { address: { host: `127.0.0.${digit}`, port: 9042 }, hostId: id(digit), rack, tokens: [`${digit}00`], ...more }
}

const FLEET: Fleet = {
  local: { address: { host: '127.0.1.1', port: 9042 }, datacenter: 'dc1', rack: 'r2', hostId: id(9) },
  peers: [],
}

const LOGIN: Login = { version: 4, startup: stringMap({ CQL_VERSION: '3.0.0' }), token: null }

function loginOf(password: string): Login {
  return { ...LOGIN, token: new Writer().value(Buffer.from(`\0alice\0${password}`)).bytes }
}

const KEYSPACE = {
  keyspace_name: 'ks',
  replication: [
    ['class', 'org.apache.cassandra.locator.SimpleStrategy'],
    ['replication_factor', '1'],
  ],
}
const COLUMN = { keyspace_name: 'ks', table_name: 't', column_name: 'k', kind: 'partition_key', position: 0, type: 'int' } // prettier-ignore

/** Three nodes in two racks, and what a proxy in the second rack knows of them. */
async function play(prepare: (cluster: PlayedCluster) => void = () => {}, nodes?: PlayedNode[]) {
  const sim = new SimWorld({ tearChance: 0 })
  const cluster = new PlayedCluster(sim.world)
  cluster.keyspaces = [KEYSPACE]
  cluster.columns = [COLUMN, { ...COLUMN, column_name: 'v', kind: 'regular', position: -1 }]
  prepare(cluster)
  for (const node of nodes ?? [played(1, 'r1'), played(2, 'r2'), played(3, 'r1')]) await cluster.start(node)
  const lines: string[] = []
  const take = (level: string) => (message: string) => void (level === 'debug' || lines.push(`${level} ${message}`))
  const log: Log = { debug: take('debug'), info: take('info'), warn: take('warn'), error: take('error') }
  const open = { connectTimeoutMs: 1000, protocol: cassandra, wireOptions: { cutThroughBytes: 100 }, world: sim.world, log } // prettier-ignore
  const pools = new Pools((endpoint) => new Pool({ ...open, endpoint }))
  const topology = new ClusterTopology({
    world: sim.world,
    log,
    fleet: FLEET,
    contactPoints: [{ host: '127.0.0.1', port: 9042 }],
    pool: (endpoint) => pools.to(endpoint),
  })
  const seen: string[] = []
  topology.onChange((view, before) => {
    const names = (nodesOf: typeof view | null) => nodesOf?.nodes.map(({ hostId }) => hostId[0]).sort().join('') // prettier-ignore
    seen.push(`${names(before) ?? 'nothing'} > ${names(view)}`)
  })
  const after = async (ms: number) => void (await sim.run(sim.nowMs + ms))
  const connectedTo = () => [...pools.all].filter(([, pool]) => pool.count().pinned > 0).map(([name]) => name).join() // prettier-ignore
  const end = async () => {
    topology.close()
    for (const pool of pools.all.values()) pool.close()
    for (const model of cluster.models.values()) model.close()
    assert.equal(await sim.run(() => false), 'idle')
  }
  return { sim, cluster, topology, lines, seen, after, connectedTo, end }
}

const NEAR = { host: '127.0.0.1', port: 9042 }

test('nothing is asked before a client has come in; then all is known, where it came in', async () => {
  const { cluster, topology, lines, seen, after, connectedTo, end } = await play()
  await after(100_000)
  assert.deepEqual([cluster.asked, topology.view], [[], null])
  topology.loggedIn(LOGIN, NEAR)
  await after(1000)
  assert.equal(connectedTo(), '127.0.0.1:9042')
  assert.deepEqual(seen, ['nothing > 123'])
  const { nodes } = topology.view!
  assert.deepEqual(
    nodes.find(({ hostId }) => hostId === id(2)),
    {
      hostId: id(2),
      endpoint: { host: '127.0.0.2', port: 9042 },
      datacenter: 'dc1',
      rack: 'r2',
      tokens: ['200'],
    },
  )
  assert.deepEqual(topology.view!.keyColumns('ks', 't'), [{ name: 'k', type: { type: 'int' } }])
  assert.equal(topology.view!.replicas('ks', Buffer.from('00000001', 'hex')).length, 1)
  assert.deepEqual(lines, ['info Topology task control connection finalized against node at: 127.0.0.1:9042'])
  await end()
})

test('where nothing changes there is no other view, and the schema is not asked for again', async () => {
  const { cluster, topology, seen, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(1000)
  cluster.asked = []
  await after(600_000)
  assert.equal(seen.length, 1)
  const nodes = cluster.asked.filter((text) => text.includes('FROM system.local'))
  assert.ok(nodes.length >= 8 && nodes.length <= 14, `${nodes.length} refreshes in ten minutes`)
  assert.deepEqual(cluster.asked.filter((text) => text.includes('system_schema')), []) // prettier-ignore
  await end()
})

test('a node that joins is known soon after word of it, and one that leaves', async () => {
  const { cluster, topology, seen, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(5000)
  const known = topology.view!.nodes[0]
  const node = played(4, 'r2')
  await cluster.start(node)
  cluster.announceNode('TOPOLOGY_CHANGE', 'NEW_NODE', node)
  await after(1000)
  assert.equal(topology.view!.nodes[0], known, 'of which nothing has changed')
  cluster.stop(node)
  cluster.announceNode('TOPOLOGY_CHANGE', 'REMOVED_NODE', node)
  await after(1500)
  assert.deepEqual(seen, ['nothing > 123', '123 > 1234', '1234 > 123'])
  await end()
})

test('a node that joins is taken once its tokens are known, for which it is asked less and less often', async () => {
  const { cluster, topology, seen, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(5000)
  const node = played(4, 'r2', { tokens: null })
  await cluster.start(node)
  cluster.announceNode('TOPOLOGY_CHANGE', 'NEW_NODE', node)
  await after(10_000)
  assert.deepEqual(seen, ['nothing > 123'])
  node.tokens = ['400']
  await after(10_000)
  assert.deepEqual(seen, ['nothing > 123', '123 > 1234'])
  const [gone] = cluster.nodes
  gone!.tokens = null
  await after(80_000)
  cluster.asked = []
  await after(600_000)
  const times = cluster.asked.filter((text) => text.includes('FROM system.local')).length
  assert.ok(times >= 8 && times <= 18, `${times} times in ten minutes`)
  assert.deepEqual(seen, ['nothing > 123', '123 > 1234', '1234 > 234'])
  await end()
})

test('a node that joins is found without word of it', async () => {
  const { cluster, topology, seen, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(5000)
  await cluster.start(played(4, 'r2'))
  await after(80_000)
  assert.deepEqual(seen, ['nothing > 123', '123 > 1234'])
  await end()
})

test('a change of the schema is known soon after word of it, and without', async () => {
  const { cluster, topology, seen, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(5000)
  cluster.columns.push({ ...COLUMN, table_name: 'u' })
  cluster.announceTable('CREATED', 'ks', 'u')
  await after(1000)
  assert.notEqual(topology.view!.keyColumns('ks', 'u'), null)
  cluster.columns.pop()
  cluster.schemaVersion = cluster.schemaVersion.replace('1', '2')
  await after(80_000)
  assert.equal(topology.view!.keyColumns('ks', 'u'), null)
  assert.equal(seen.length, 3)
  await end()
})

test('word of many changes makes few questions', async () => {
  const { cluster, topology, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(5000)
  cluster.asked = []
  for (let i = 0; i < 100; i++) {
    cluster.announceTable('CREATED', 'ks', `t${i}`)
    await after(30)
  }
  await after(2000)
  const asked = cluster.asked.filter((text) => text.includes('system_schema.keyspaces')).length
  assert.ok(asked >= 3 && asked <= 5, `${asked} times in three seconds`)
  await end()
})

test('who wants events gets them as they come, until he does not', async () => {
  const { cluster, topology, after, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(1000)
  const events: string[] = []
  const unlisten = topology.onEvent((event) => {
    const { message } = bodyOf(event)
    events.push(message.type === 'event' ? message.event : message.type)
  })
  cluster.announceNode('STATUS_CHANGE', 'DOWN', cluster.nodes[1]!)
  cluster.announceTable('DROPPED', 'ks', 't')
  await after(100)
  unlisten()
  cluster.announceTable('CREATED', 'ks', 't')
  await after(100)
  assert.deepEqual(events, ['STATUS_CHANGE', 'SCHEMA_CHANGE'])
  await end()
})

test('when its node dies it goes on with another one, one of its rack first', async () => {
  const { cluster, topology, lines, after, connectedTo, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(1000)
  const [first, second] = cluster.nodes as [PlayedNode, PlayedNode]
  cluster.models.get(first)!.close()
  await after(1000)
  assert.equal(connectedTo(), '127.0.0.2:9042')
  cluster.models.get(second)!.close()
  await after(5000)
  assert.equal(connectedTo(), '127.0.0.3:9042')
  assert.equal(topology.view!.nodes.length, 3)
  assert.deepEqual(lines.slice(1), [
    'error topology task failed, retrying, The other side of this connection closed the connection',
    'info Topology task control connection finalized against node at: 127.0.0.2:9042',
    'error topology task failed, retrying, The other side of this connection closed the connection',
    'info Topology task control connection finalized against node at: 127.0.0.3:9042',
  ])
  await end()
})

test('where no node can be had it tries again, less and less often', async () => {
  const { cluster, topology, lines, after, connectedTo, end } = await play()
  topology.loggedIn(LOGIN, NEAR)
  await after(1000)
  for (const model of cluster.models.values()) model.close()
  await after(600_000)
  const failures = lines.filter((line) => line.startsWith('error'))
  assert.ok(failures.length > 15 && failures.length < 60, `${failures.length} attempts in ten minutes`)
  assert.match(failures.at(-1)!, /^error topology task failed, retrying, Failed to connect to destination 127\.0\.0\.\d:9042: Connection refused/) // prettier-ignore
  await cluster.models.get(cluster.nodes[2]!)!.listen(cluster.nodes[2]!.address)
  await after(60_000)
  assert.equal(connectedTo(), '127.0.0.3:9042')
  await end()
})

test('a node that is silent is left for another one', async () => {
  const address = { host: '127.0.0.1', port: 9040 }
  const nodes = [played(1, 'r1', { address }), played(2, 'r2')]
  const { sim, topology, after, connectedTo, end } = await play(undefined, nodes)
  topology.loggedIn(LOGIN, address)
  await after(1000)
  assert.equal(connectedTo(), '127.0.0.1:9040')
  sim.net.clogAll(address.port, 100_000)
  await after(25_000)
  assert.equal(connectedTo(), '127.0.0.2:9042')
  await end()
})

test('with a password that is not good any more it waits for a client with another one', async () => {
  const users = { alice: 'old' }
  const { cluster, topology, after, connectedTo, end } = await play((each) => (each.users = users))
  topology.loggedIn(loginOf('old'), NEAR)
  await after(1000)
  assert.equal(connectedTo(), '127.0.0.1:9042')
  users.alice = 'new'
  cluster.models.get(cluster.nodes[0]!)!.close()
  await after(300_000)
  assert.equal(connectedTo(), '')
  topology.loggedIn(loginOf('new'), NEAR)
  await after(1000)
  assert.equal(connectedTo(), '127.0.0.2:9042')
  // A client with the old one came in before the change.
  topology.loggedIn(loginOf('old'), NEAR)
  cluster.models.get(cluster.nodes[1]!)!.close()
  await after(1000)
  assert.equal(connectedTo(), '127.0.0.3:9042')
  await end()
})

test('servers before 4.0 are asked as they can be', async () => {
  const { topology, after, end } = await play((cluster) => (cluster.isOld = true))
  topology.loggedIn({ ...LOGIN, version: 3 }, NEAR)
  await after(1000)
  assert.deepEqual(topology.view!.nodes.map(({ endpoint }) => `${endpoint.host}:${endpoint.port}`).sort(), ['127.0.0.1:9042', '127.0.0.2:9042', '127.0.0.3:9042']) // prettier-ignore
  assert.notEqual(topology.view!.keyColumns('ks', 't'), null)
  await end()
})

const ADDRESSES: readonly (readonly [title: string, nodes: PlayedNode[], endpoints: string])[] = [
  ['a single node is where it was reached', [played(1, 'r2', { told: '10.0.0.1' })], '127.0.0.1:9042'],
  ['of several each is where it says to be', [played(1, 'r2', { told: '10.0.0.1' }), played(2, 'r2')], '10.0.0.1:9042 127.0.0.2:9042'], // prettier-ignore
  ['one that says to be anywhere is where it was reached', [played(1, 'r2', { told: '0.0.0.0' }), played(2, 'r2')], '127.0.0.1:9042 127.0.0.2:9042'], // prettier-ignore
]

for (const [title, nodes, endpoints] of ADDRESSES)
  test(title, async () => {
    const { topology, after, end } = await play(undefined, nodes)
    topology.loggedIn(LOGIN, NEAR)
    await after(1000)
    assert.equal(topology.view!.nodes.map(({ endpoint }) => `${endpoint.host}:${endpoint.port}`).join(' '), endpoints)
    await end()
  })

test('what is odd about the cluster is told once', async () => {
  const { cluster, topology, lines, seen, after, end } = await play(
    (each) => {
      each.partitioner = 'org.apache.cassandra.dht.ByteOrderedPartitioner'
      each.keyspaces = [KEYSPACE, { keyspace_name: 'strange', replication: [['class', 'com.example.Strange']] }]
    },
    [played(1, 'r1'), played(2, 'r9', { datacenter: 'dc2' })],
  )
  topology.loggedIn(LOGIN, NEAR)
  await after(1000)
  const node = played(3, 'r2', { datacenter: 'dc2' })
  await cluster.start(node)
  cluster.announceNode('TOPOLOGY_CHANGE', 'NEW_NODE', node)
  await after(2000)
  assert.deepEqual(seen, ['nothing > 1', '1 > 1'])
  assert.deepEqual(topology.view!.replicas('ks', Buffer.from('00000001', 'hex')), [])
  assert.deepEqual(
    lines.filter((line) => line.startsWith('warn')),
    [
      // prettier-ignore
      'warn tokens of the partitioner org.apache.cassandra.dht.ByteOrderedPartitioner are not known here: requests go to any node, not to replicas',
      'warn the replication strategy com.example.Strange of the keyspace strange is not known here: requests for it go to any node',
      'warn no node of the cluster is in the rack "r2" of "dc1", in which shotover_nodes says that this proxy is',
    ],
  )
  await end()
})
