import assert from 'node:assert/strict'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'cassandra-driver'
import { readInet } from '../../../src/protocols/cassandra/body/addresses.ts'
import { bodyOf } from '../../../src/protocols/cassandra/body/body.ts'
import { NO_PARAMETERS } from '../../../src/protocols/cassandra/body/requests.ts'
import type { Result } from '../../../src/protocols/cassandra/body/results.ts'
import { decodeValue, type Value } from '../../../src/protocols/cassandra/body/values.ts'
import { Reader } from '../../../src/protocols/cassandra/reader.ts'
import { startProxy } from '../../real/proxy.ts'
import { drawPort } from '../../real/servers.ts'
import type { CassandraCluster } from './cluster-server.ts'
import { RawClient } from './raw.ts'

// What clients see of a cluster in whose place stand proxies, one for each node of it: just these, and what becomes of them.

/** A busy machine's nodes take long to see what became of the others. */
const PATIENCE_MS = 120_000

interface FleetProxy {
  readonly host: string
  readonly rack: string
  readonly hostId: string
}

class FleetRun {
  readonly cluster: CassandraCluster
  readonly port = drawPort()
  readonly proxies: readonly FleetProxy[]

  constructor(cluster: CassandraCluster) {
    this.cluster = cluster
    this.proxies = cluster.nodes.map(({ host, rack }, index) => {
      const hostId = `2dd022d6-2937-4754-89d6-02d2933a8f7${index}`
      return { host: host.replace(/\d+$/, (last) => String(100 + Number(last))), rack, hostId }
    })
  }

  topology(proxy: FleetProxy): string {
    const nodes = this.proxies.map(
      ({ host, rack, hostId }) =>
        `{ address: "${host}:${this.port}", data_center: dc1, rack: ${rack}, host_id: "${hostId}" }`,
    )
    const contacts = this.cluster.nodes.map(({ address }) => `"${address}"`)
    return `sources:
  - Cassandra:
      name: cassandra
      listen_addr: "${proxy.host}:${this.port}"
      chain:
        - CassandraSinkCluster:
            { name: sink, connect_timeout_ms: 3000, local_shotover_host_id: "${proxy.hostId}",
              first_contact_points: [${contacts.join()}], shotover_nodes: [${nodes.join()}] }
`
  }

  connect(index: number, version: number): Promise<RawClient> {
    return RawClient.connect(this.port, version, this.proxies[index]!.host)
  }

  driver(index: number): Client {
    const { host } = this.proxies[index]!
    return new Client({ contactPoints: [host], localDataCenter: 'dc1', protocolOptions: { port: this.port } })
  }
}

async function rowsOf(client: RawClient, text: string): Promise<Value[][]> {
  const { message } = bodyOf(await client.ask({ type: 'query', text, parameters: NO_PARAMETERS }))
  if (message.type !== 'rows') throw new Error(`${text}: ${JSON.stringify(message)}`)
  const { columns } = message.metadata satisfies Extract<Result, { type: 'rows' }>['metadata']
  return message.rows.map((row) => row.map((value, index) => decodeValue(columns![index]!.type, value)))
}

/** What a node says of itself, and of its peers, in the order of the proxies. */
async function seesFleet(run: FleetRun, index: number, version: number): Promise<void> {
  const client = await run.connect(index, version)
  const columns = 'host_id, rack, data_center, tokens'
  const local = await rowsOf(client, `SELECT rpc_address, rpc_port, ${columns} FROM system.local`)
  const peers = await rowsOf(client, `SELECT native_address, native_port, ${columns} FROM system.peers_v2`)
  client.close()
  const told = [...local, ...peers].sort((a, b) => (a[0] as string).localeCompare(b[0] as string))
  assert.equal(local[0]![0], run.proxies[index]!.host)
  assert.deepEqual(
    told.map((row) => row.slice(0, 5)),
    run.proxies.map(({ host, rack, hostId }) => [host, run.port, hostId, rack, 'dc1']),
  )
  for (const [at, { rack }] of run.proxies.entries()) {
    const nodes = run.cluster.nodes.filter((node) => node.rack === rack).length
    assert.equal((told[at]![5] as Value[]).length, nodes * 8)
  }
}

async function driverSeesFleet(run: FleetRun): Promise<void> {
  const client = run.driver(0)
  await client.connect()
  const told = client.hosts.values().map((host) => [host.address, host.rack, host.hostId.toString(), host.isUp()])
  assert.deepEqual(
    told.sort((a, b) => String(a[0]).localeCompare(String(b[0]))),
    run.proxies.map(({ host, rack, hostId }) => [`${host}:${run.port}`, rack, hostId, true]),
  )
  await client.shutdown()
}

/** A table can be used through any proxy once the driver says that all nodes know it. */
async function schemaIsAgreedOn(run: FleetRun): Promise<void> {
  const client = run.driver(0)
  const other = run.driver(2)
  await client.execute(`CREATE KEYSPACE fleet WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 2}`)
  for (let i = 0; i < 3; i++) {
    const made = await client.execute(`CREATE TABLE fleet.t${i} (k int PRIMARY KEY)`)
    assert.equal((made.info as { isSchemaInAgreement?: boolean }).isSchemaInAgreement, true)
    for (const each of [client, other])
      for (let k = 0; k < 10; k++) await each.execute(`INSERT INTO fleet.t${i} (k) VALUES (?)`, [k], { prepare: true })
  }
  await client.execute('DROP KEYSPACE fleet')
  await Promise.all([client.shutdown(), other.shutdown()])
}

async function preparedOnes(run: FleetRun): Promise<void> {
  const client = run.driver(1)
  const text = 'SELECT rack AS host_id, native_port FROM system.peers_v2 WHERE peer = ?'
  await client.connect()
  // Each proxy has others for its peers.
  const asked = client.hosts.get(`${run.proxies[1]!.host}:${run.port}`)!
  for (const { host, rack } of run.proxies) {
    const { rows } = await client.execute(text, [host], { prepare: true, host: asked })
    const told = rows.map((row) => row.values())
    assert.deepEqual(told, host === run.proxies[1]!.host ? [] : [[rack, run.port]])
  }
  await client.shutdown()
}

/** Events as text: `STATUS_CHANGE DOWN host`. */
function eventsOf(client: RawClient): string[] {
  return client.events.map((frame) => {
    const { message } = bodyOf(frame)
    if (message.type !== 'event') return message.type
    const reader = new Reader(message.rest)
    const change = reader.string()
    if (message.event === 'SCHEMA_CHANGE') return `SCHEMA_CHANGE ${change} ${reader.string()} ${reader.string()}`
    return `${message.event} ${change} ${readInet(reader.range(reader.byte()))}:${reader.int()}`
  })
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; !isSo(); await wait(100))
    if (Date.now() > deadline) throw new Error(`never came to be: ${what}`)
}

/** The last node of a rack goes, and comes back; a node of a rack that has others does, too. */
async function eventsArrive(run: FleetRun): Promise<void> {
  const clients = await Promise.all([3, 4, 5].map((version) => run.connect(0, version)))
  for (const client of clients) {
    const events = ['STATUS_CHANGE', 'TOPOLOGY_CHANGE', 'SCHEMA_CHANGE']
    assert.equal(bodyOf(await client.ask({ type: 'register', events })).message.type, 'ready')
  }
  const expected: string[] = []
  const come = async (...events: string[]): Promise<void> => {
    expected.push(...events)
    await until(events.join(), () => clients.every((client) => client.events.length >= expected.length))
    for (const client of clients) assert.deepEqual(eventsOf(client), expected)
  }
  const driver = run.driver(1)
  await driver.execute(`CREATE KEYSPACE fleet WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`)
  await come('SCHEMA_CHANGE CREATED KEYSPACE fleet')
  const [, second, third] = run.cluster.nodes
  const { host } = run.proxies[2]!
  await third!.stop('SIGKILL')
  await come(`STATUS_CHANGE DOWN ${host}:${run.port}`)
  await third!.start()
  await come(`STATUS_CHANGE UP ${host}:${run.port}`)
  // Nothing is told of a rack that has another node.
  await second!.stop('SIGKILL')
  await second!.start()
  await driver.execute('DROP KEYSPACE fleet')
  await come('SCHEMA_CHANGE DROPPED KEYSPACE fleet')
  await driver.shutdown()
  for (const client of clients) client.close()
}

/** In front of nodes in the racks r1, r1 and r2. */
export async function compareFleet(cluster: CassandraCluster): Promise<{ problems: string[]; cases: number }> {
  const run = new FleetRun(cluster)
  await using stack = new AsyncDisposableStack()
  for (const proxy of run.proxies) stack.use(await startProxy({ port: run.port, topology: () => run.topology(proxy) }))
  const cases: Record<string, () => Promise<void>> = {}
  for (const version of [3, 4, 5])
    for (const index of run.proxies.keys())
      cases[`proxy ${index}, version ${version}`] = () => seesFleet(run, index, version)
  cases['a driver sees the fleet'] = () => driverSeesFleet(run)
  cases['nodes agree on the schema'] = () => schemaIsAgreedOn(run)
  cases['prepared statements'] = () => preparedOnes(run)
  cases['events'] = () => eventsArrive(run)
  const problems: string[] = []
  for (const [name, test] of Object.entries(cases))
    await test().catch((error: Error) => problems.push(`${name}: ${error.message}`))
  return { problems, cases: Object.keys(cases).length - problems.length }
}
