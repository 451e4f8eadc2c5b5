import type { Frame } from '../src/core/frame.ts'
import { encodeBody, plain } from '../src/protocols/cassandra/body/body.ts'
import type { CqlType } from '../src/protocols/cassandra/body/cql-type.ts'
import type { Column } from '../src/protocols/cassandra/body/results.ts'
import { encodeValue, type Value } from '../src/protocols/cassandra/body/values.ts'
import type { Fleet } from '../src/protocols/cassandra/cluster/fleet.ts'

// A cluster of Cassandra and the proxies in front of it, as its system tables tell of them, for tests.

const TEXTS: CqlType = { type: 'set', of: { type: 'text' } }
const TYPES: Readonly<Record<string, CqlType>> = {
  peer: { type: 'inet' },
  peer_port: { type: 'int' },
  rpc_address: { type: 'inet' },
  rpc_port: { type: 'int' },
  native_address: { type: 'inet' },
  native_port: { type: 'int' },
  preferred_ip: { type: 'inet' },
  preferred_port: { type: 'int' },
  broadcast_address: { type: 'inet' },
  listen_address: { type: 'inet' },
  listen_port: { type: 'int' },
  host_id: { type: 'uuid' },
  schema_version: { type: 'uuid' },
  tokens: TEXTS,
  truncated_at: { type: 'map', keys: { type: 'uuid' }, values: { type: 'blob' } },
  count: { type: 'bigint' },
}
export const typeOf = (name: string): CqlType => TYPES[name] ?? { type: 'text' }

export const id = (digit: string) => `${digit.repeat(8)}-0000-4000-8000-${digit.repeat(12)}`

export type Told = Readonly<Record<string, Value>>

/** Two nodes in each of the racks r1 and r2, and one in another data centre. */
export const LOCAL: Told = {
  key: 'local',
  bootstrapped: 'COMPLETED',
  broadcast_address: '10.0.0.1',
  cluster_name: 'real',
  data_center: 'dc',
  host_id: id('1'),
  listen_address: '10.0.0.1',
  listen_port: 7777,
  rack: 'r1',
  release_version: '4.1.10',
  rpc_address: '10.0.0.1',
  rpc_port: 9042,
  schema_version: id('a'),
  tokens: ['1', '30'],
  truncated_at: [[id('b'), Buffer.from([1, 2])]],
}

export function peer(n: number, rack: string, tokens: string[], more: Told = {}): Told {
  const address = `10.0.0.${n}`
  return { peer: address, peer_port: 7777, rpc_address: address, native_address: address, native_port: 9042, preferred_ip: address, preferred_port: 7777, data_center: 'dc', rack, host_id: id(String(n)), release_version: '4.1.10', schema_version: id('a'), tokens, graph: 'g', ...more } // prettier-ignore
}

export const PEERS: readonly Told[] = [
  peer(2, 'r1', ['2', '1'], { release_version: '4.1.9' }),
  peer(3, 'r2', ['3']),
  peer(4, 'r2', ['4'], { release_version: '4.0.1' }),
  peer(5, 'r2', ['5'], { data_center: 'other' }),
]

export const FLEET: Fleet = {
  local: { address: { host: '127.0.0.1', port: 9001 }, datacenter: 'dc', rack: 'r1', hostId: id('c') },
  peers: [
    { address: { host: '127.0.0.2', port: 9002 }, datacenter: 'dc', rack: 'r1', hostId: id('d') },
    { address: { host: '127.0.0.3', port: 9003 }, datacenter: 'dc', rack: 'r2', hostId: id('e') },
  ],
}

export const RANDOM = '0f0f0f0f-0f0f-0f0f-0f0f-0f0f0f0f0f0f'

export function rowsFrame(
  version: number,
  names: readonly string[],
  rows: readonly Told[],
  { described = true, warnings = null as string[] | null, table = 'peers' } = {},
): Frame {
  const columns = names.map((name): Column => ({ keyspace: 'system', table, name, type: typeOf(name) }))
  const metadata = { isGlobal: true, pagingState: Buffer.from('more'), newId: null, columns: described ? columns : null, columnCount: names.length } // prettier-ignore
  const values = rows.map((row) => names.map((name) => encodeValue(typeOf(name), row[name] ?? null)))
  return encodeBody({ ...plain(version, { type: 'rows', metadata, rows: values }), warnings }, 5)
}

export interface Situation {
  readonly local?: Told
  readonly peers?: readonly Told[]
  readonly down?: readonly string[]
  readonly fleet?: Fleet
  readonly warned?: string[]
}

/** What the node that is asked has to say to the proxy's own questions. */
export function internalReplies(version: number, table: string, { local = LOCAL, peers = PEERS }: Situation): Frame[] {
  const v1 = 'peer data_center host_id preferred_ip rack release_version rpc_address schema_version tokens'
  const v2 = 'peer peer_port data_center graph host_id native_address native_port preferred_ip preferred_port rack release_version schema_version tokens' // prettier-ignore
  return [
    rowsFrame(version, Object.keys(local), [local], { table: 'local' }),
    rowsFrame(version, (table === 'peers_v2' ? v2 : v1).split(' '), peers, { table }),
  ]
}

export function surroundings(situation: Situation) {
  return {
    fleet: situation.fleet ?? FLEET,
    isDown: (hostId: string) => situation.down?.includes(hostId) === true,
    randomUuid: () => Buffer.alloc(16, 0x0f),
    warn: (text: string) => void situation.warned?.push(text),
  }
}
