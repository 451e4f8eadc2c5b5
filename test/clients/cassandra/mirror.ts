import assert from 'node:assert/strict'
import type { Frame } from '../../../src/core/frame.ts'
import { readInet, readUuid } from '../../../src/protocols/cassandra/body/addresses.ts'
import { bodyOf, encodeBody, plain } from '../../../src/protocols/cassandra/body/body.ts'
import { NO_PARAMETERS, type BoundValue } from '../../../src/protocols/cassandra/body/requests.ts'
import type { FleetNode } from '../../../src/protocols/cassandra/cluster/fleet.ts'
import { Statements } from '../../../src/protocols/cassandra/cluster/statements.ts'
import { tableOf, type Row, type Surroundings } from '../../../src/protocols/cassandra/cluster/system-rows.ts'
import { internalQueries, rewritten, systemQuery } from '../../../src/protocols/cassandra/cluster/system-tables.ts'
import { tellCases } from './cases.ts'
import { RawClient } from './raw.ts'

// What is made of the system tables, where the proxies are said to be just the nodes that there are: it must be what the server says itself.
// `mirror.ts SERVER-PORT`: peers are written into the tables of a server that has none, each in a rack of its own.

const port = Number(process.argv[2])

/** What is asked; where it has markers, with their values. */
const STATEMENTS: readonly (readonly [text: string, ...values: BoundValue[]])[] = [
  ['SELECT * FROM system.local'],
  [`SELECT * FROM system.local WHERE key = 'local'`],
  [`SELECT host_id, tokens FROM system.local WHERE key = 'other'`],
  ['SELECT JSON * FROM system.local'],
  ['SELECT * FROM system.peers'],
  ['SELECT * FROM system.peers_v2'],
  ['SELECT rack AS peer, peer AS rack, peer, peer FROM system.peers'],
  ['SELECT JSON * FROM system.peers'],
  ['SELECT JSON * FROM system.peers_v2'],
  ['SELECT JSON peer AS "P eer", rack AS r FROM system.peers'],
  ['SELECT JSON count(*), count(peer), max(native_port) AS m, min(peer) FROM system.peers_v2'],
  ['SELECT JSON toJson(tokens), cast(native_port as text), ttl(rack) FROM system.peers_v2'],
  ['SELECT count(*) FROM system.peers'],
  ['SELECT count(1), COUNT(preferred_ip), max(rack), min(host_id), max(native_port) FROM system.peers_v2'],
  ['SELECT peer, count(*), max(peer_port) FROM system.peers_v2 GROUP BY peer'],
  ["SELECT count(*), max(rack) FROM system.peers WHERE peer = '10.9.9.9'"],
  [`SELECT peer FROM system.peers WHERE peer = '127.0.0.8'`],
  [`SELECT rack FROM system.peers WHERE peer IN ('127.0.0.8', '127.0.0.9', '127.0.0.8', '10.9.9.9')`],
  [`SELECT peer FROM system.peers WHERE rack = 'r8'`],
  [`SELECT peer FROM system.peers WHERE rack = 'r8' ALLOW FILTERING`],
  [`SELECT peer FROM system.peers WHERE rack > 'r8' ALLOW FILTERING`],
  [`SELECT peer FROM system.peers WHERE rack >= 'r8' AND rack < 'r9' ALLOW FILTERING`],
  [`SELECT peer FROM system.peers WHERE peer > '127.0.0.8' ALLOW FILTERING`],
  [`SELECT peer FROM system.peers WHERE host_id = 88888888-8888-4888-8888-888888888888 ALLOW FILTERING`],
  [`SELECT peer FROM system.peers_v2 WHERE native_port <= 9048 ALLOW FILTERING`],
  [`SELECT peer FROM system.peers_v2 WHERE tokens CONTAINS '8' ALLOW FILTERING`],
  [`SELECT peer FROM system.peers_v2 WHERE peer = '127.0.0.8' AND peer_port = 7000`],
  [`SELECT peer FROM system.peers_v2 WHERE peer = '127.0.0.8' AND peer_port > 7000`],
  [`SELECT peer FROM system.peers_v2 WHERE peer = '127.0.0.8' ORDER BY peer_port DESC`],
  ['SELECT peer FROM system.peers PER PARTITION LIMIT 1'],
  ['SELECT peer FROM system.peers LIMIT 5'],
  ['SELECT DISTINCT peer FROM system.peers_v2'],
  ['SELECT toJson(tokens), tojson(host_id), toJson(peer), toJson(preferred_ip) FROM system.peers_v2'],
  ['SELECT cast(host_id as text), cast(peer as text), cast(native_port as text) FROM system.peers_v2'],
  ['SELECT cluster_name, (int) 3, cast(listen_port as text), toJson(truncated_at) FROM system.local'],
  ['SELECT nothing FROM system.local'],
  ['SELECT FROM system.local'],
  ['SELECT peer FROM system.peers WHERE peer = ?', Buffer.from([127, 0, 0, 9])],
  ['SELECT peer FROM system.peers WHERE peer = ?', Buffer.from([10, 0, 0, 9])],
  ['SELECT peer FROM system.peers WHERE peer IN (?, ?)', Buffer.from([127, 0, 0, 9]), Buffer.from([127, 0, 0, 8])],
  ['SELECT peer FROM system.peers WHERE peer IN ?', Buffer.from('00000001000000047f000008', 'hex')],
  ['SELECT peer FROM system.peers WHERE peer = ? LIMIT ?', Buffer.from([127, 0, 0, 9]), Buffer.from([0, 0, 0, 1])],
  ['SELECT * FROM system.local WHERE key = ?', Buffer.from('local')],
]

const asText = (row: readonly (Buffer | null)[]) => row.map((value) => value?.toString('latin1') ?? null)

/** What a reply says, whatever the order of its rows. */
function said(reply: Frame): unknown {
  const { message } = bodyOf(reply)
  if (message.type !== 'rows') return message
  return {
    metadata: message.metadata,
    rows: message.rows
      .map(asText)
      .map((row) => JSON.stringify(row))
      .sort(),
  }
}

function fleetNode(row: Row, address: string, at: string): FleetNode {
  const text = (name: string) => row.get(name)!.toString()
  return {
    address: { host: readInet(row.get(address)!), port: row.get(at)!.readInt32BE() },
    datacenter: text('data_center'),
    rack: text('rack'),
    hostId: readUuid(row.get('host_id')!),
  }
}

async function surroundings(client: RawClient): Promise<Surroundings> {
  const all = async (table: string) => tableOf(await query(client, `SELECT * FROM system.${table}`))!.rows
  const [local] = await all('local')
  const peers = (await all('peers_v2')).map((row) => fleetNode(row, 'native_address', 'native_port'))
  return {
    fleet: { local: fleetNode(local!, 'rpc_address', 'rpc_port'), peers },
    isDown: () => false,
    randomUuid: () => Buffer.alloc(16),
    warn: (text) => assert.fail(text),
  }
}

function query(client: RawClient, text: string): Promise<Frame> {
  return client.ask({ type: 'query', text, parameters: NO_PARAMETERS })
}

async function compare(client: RawClient, request: Frame, around: Surroundings, statements: Statements): Promise<void> {
  const own = await client.send(request)
  const asked = systemQuery(request, null, statements)!
  const internals: Frame[] = []
  for (const internal of internalQueries(asked, client.version)) internals.push(await client.send(internal))
  const made = rewritten(asked, own, internals, around)
  assert.deepEqual(bodyOf(made).warnings, bodyOf(own).warnings)
  assert.deepEqual(said(made), said(own))
}

async function compareAll(version: number, isPrepared: boolean): Promise<void> {
  const client = await RawClient.connect(port, version)
  const around = await surroundings(client)
  for (const [text, ...bound] of STATEMENTS) {
    const statements = new Statements()
    const values = bound.length === 0 ? null : bound
    let request = encodeBody(plain(version, { type: 'query', text, parameters: { ...NO_PARAMETERS, values } }), 1)
    if (isPrepared) {
      const prepare = encodeBody(plain(version, { type: 'prepare', text, keyspace: null }), 1)
      const reply = await client.send(prepare)
      const { message } = bodyOf(reply)
      if (message.type !== 'prepared') continue
      statements.learn(prepare, reply, null)
      const parameters = { ...NO_PARAMETERS, values, skipsMetadata: true }
      request = encodeBody(plain(version, { type: 'execute', id: message.id, metadataId: message.metadataId, parameters }), 1) // prettier-ignore
    }
    await compare(client, request, around, statements).catch((error: Error) => {
      throw new Error(`${text}: ${error.message}`, { cause: error })
    })
  }
  client.close()
}

const client = await RawClient.connect(port, 4)
for (const n of [8, 9]) {
  const ip = `127.0.0.${n}`
  const id = '8-4-4-4-12'.replaceAll(/\d+/g, (length, at) => (at === 4 ? '4' : '').padEnd(Number(length), String(n)))
  const common = `'dc${n}', 'r${n}', ${id}, '4.0.${n}', 54e17321-3f2e-37ca-9b08-d91ba7bdd369, {'${n}', '1${n}'}`
  const columns = 'data_center, rack, host_id, release_version, schema_version, tokens'
  for (const text of [
    `INSERT INTO system.peers (peer, rpc_address, ${columns}) VALUES ('${ip}', '${ip}', ${common})`,
    `INSERT INTO system.peers_v2 (peer, peer_port, native_address, native_port, ${columns}) VALUES ('${ip}', 7000, '${ip}', ${9040 + n}, ${common})`,
  ])
    assert.equal(bodyOf(await query(client, text)).message.type, 'void')
}
const CASES: Record<string, () => Promise<void>> = {}
for (const version of [3, 4, 5])
  for (const isPrepared of [false, true])
    CASES[`version ${version}, ${isPrepared ? 'prepared' : 'as text'}`] = () => compareAll(version, isPrepared)
await tellCases(CASES)
for (const table of ['peers', 'peers_v2'])
  for (const n of [8, 9]) await query(client, `DELETE FROM system.${table} WHERE peer = '127.0.0.${n}'`)
client.close()
