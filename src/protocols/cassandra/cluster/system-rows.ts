import type { Frame } from '../../../core/frame.ts'
import { parseInet, readUuid } from '../body/addresses.ts'
import { bodyOf } from '../body/body.ts'
import type { CqlType } from '../body/cql-type.ts'
import type { Column } from '../body/results.ts'
import { decodeValue, encodeValue } from '../body/values.ts'
import type { Fleet, FleetNode } from './fleet.ts'

/** The tables of the keyspace `system` that tell of nodes. */
export type SystemTable = 'local' | 'peers' | 'peers_v2'

/** Values by the names of their columns. */
export type Row = ReadonlyMap<string, Buffer | null>

/** All of a table: its columns in the order of `*`. */
export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
}

/** What is said of the cluster depends on. */
export interface Surroundings {
  readonly fleet: Fleet
  /** Nobody waits for the schema of a node that is down. `hostId`: UUID in lower case. */
  isDown(hostId: string): boolean
  /** 16 bytes. */
  randomUuid(): Buffer
  warn(text: string): void
}

/** The rows of `SELECT * FROM ...`; null where they did not come, or their columns are not told. */
export function tableOf(reply: Frame): Table | null {
  const { message } = bodyOf(reply)
  if (message.type !== 'rows' || message.metadata.columns === null) return null
  const { columns } = message.metadata
  const rows = message.rows.map((values) => new Map(columns.map(({ name }, index) => [name, values[index] ?? null])))
  return { columns, rows }
}

/** The table with the proxies in the place of nodes, made of what a node has in system.local and in its peers. */
export function fleetTable(table: SystemTable, local: Table, peers: Table, surroundings: Surroundings): Table {
  const nodes = [...local.rows, ...peers.rows]
  const { fleet } = surroundings
  if (table === 'local')
    return { columns: local.columns, rows: local.rows.map((row) => localRow(row, nodes, surroundings)) }
  return { columns: peers.columns, rows: fleet.peers.map((proxy) => peerRow(proxy, nodes, surroundings)) }
}

/** Columns of system.local that are the proxy's, or those of all nodes in its rack. */
export const LOCAL_COLUMNS: ReadonlySet<string> = new Set([
  'broadcast_address',
  'data_center',
  'host_id',
  'listen_address',
  'rack',
  'release_version',
  'rpc_address',
  'rpc_port',
  'schema_version',
  'tokens',
])

/** Where the proxy answers to any of its machine's addresses, a client takes the one that it has found it by. */
const ANY = Buffer.from([0, 0, 0, 0])

function localRow(base: Row, nodes: readonly Row[], surroundings: Surroundings): Row {
  const { local } = surroundings.fleet
  const address = parseInet(local.address.host)
  const row = new Map(base)
  const set = (name: string, value: Buffer | null) => row.has(name) && row.set(name, value)
  set('broadcast_address', address)
  set('listen_address', address)
  if (base.get('rpc_address')?.equals(ANY) !== true) set('rpc_address', address)
  set('rpc_port', int(local.address.port))
  for (const [name, value] of common(local, nodes, surroundings)) set(name, value)
  return row
}

/** Nodes talk to each other there, as they do by default; proxies do not. */
const STORAGE_PORT = 7000

function peerRow(proxy: FleetNode, nodes: readonly Row[], surroundings: Surroundings): Row {
  const address = parseInet(proxy.address.host)
  return new Map<string, Buffer | null>([
    ['peer', address],
    ['peer_port', int(STORAGE_PORT)],
    ['rpc_address', address],
    ['native_address', address],
    ['native_port', int(proxy.address.port)],
    ['preferred_ip', null],
    ['preferred_port', null],
    ...common(proxy, nodes, surroundings),
  ])
}

/** What is the proxy's own, and what it has of the nodes in its rack. */
function common(proxy: FleetNode, nodes: readonly Row[], surroundings: Surroundings): [string, Buffer | null][] {
  const text = (value: string): Buffer => Buffer.from(value)
  const inDatacenter = nodes.filter((node) => textOf(node, 'data_center') === proxy.datacenter)
  const inRack = inDatacenter.filter((node) => textOf(node, 'rack') === proxy.rack)
  // Drivers take no node for one that has neither a version nor a schema.
  const telling = [inRack, inDatacenter, nodes].find(({ length }) => length > 0) ?? []
  return [
    ['data_center', text(proxy.datacenter)],
    ['rack', text(proxy.rack)],
    ['host_id', encodeValue({ type: 'uuid' }, proxy.hostId)],
    ['release_version', text(lowestVersion(telling.map((node) => textOf(node, 'release_version'))))],
    ['schema_version', schemaVersion([...telling, ...unseen(nodes, surroundings.fleet)], surroundings)],
    ['tokens', tokensOf(inRack)],
  ]
}

/** Nodes in whose rack there is no proxy: what clients ask may be asked of them all the same, and nothing else tells of their schema. */
function unseen(nodes: readonly Row[], { local, peers }: Fleet): readonly Row[] {
  const racks = new Set([local, ...peers].map(({ datacenter, rack }) => `${datacenter}\n${rack}`))
  return nodes.filter((node) => !racks.has(`${textOf(node, 'data_center')}\n${textOf(node, 'rack')}`))
}

const TOKENS: CqlType = { type: 'set', of: { type: 'text' } }

function tokensOf(nodes: readonly Row[]): Buffer | null {
  const tokens = nodes.flatMap((node) => decodeValue(TOKENS, node.get('tokens') ?? null) as readonly string[] | null)
  const sorted = [...new Set(tokens)].filter((token) => token !== null).sort()
  return encodeValue(TOKENS, sorted)
}

/** That of all nodes; where they do not agree, one that nobody has, so that clients wait. */
function schemaVersion(nodes: readonly Row[], surroundings: Surroundings): Buffer {
  const [first] = versionsOf(nodes, surroundings)
  return isAgreed(nodes, surroundings) ? first! : surroundings.randomUuid()
}

/** Those that are up have one schema. */
export function isAgreed(nodes: readonly Row[], surroundings: Surroundings): boolean {
  const [first, ...others] = versionsOf(nodes, surroundings)
  return first !== undefined && first !== null && others.every((each) => each?.equals(first) === true)
}

/** Of those that are up, if any is. */
function versionsOf(nodes: readonly Row[], { isDown }: Surroundings): (Buffer | null)[] {
  const up = nodes.filter((node) => {
    const id = node.get('host_id') ?? null
    return id === null || id.length !== 16 || !isDown(readUuid(id))
  })
  return (up.length > 0 ? up : nodes).map((node) => node.get('schema_version') ?? null)
}

function textOf(row: Row, name: string): string {
  return row.get(name)?.toString() ?? ''
}

function int(value: number): Buffer {
  return encodeValue({ type: 'int' }, value)!
}

/** '' where there is none. */
export function lowestVersion(versions: readonly string[]): string {
  const told = versions.filter((version) => version !== '')
  return told.reduce((lowest, each) => (compareVersions(each, lowest) < 0 ? each : lowest), told[0] ?? '')
}

/** By numbers, as far as both have them; what is behind a dash comes before the version itself. */
function compareVersions(a: string, b: string): number {
  const [numbersA, restA] = parsed(a)
  const [numbersB, restB] = parsed(b)
  for (let i = 0; i < Math.max(numbersA.length, numbersB.length); i++) {
    const difference = (numbersA[i] ?? 0) - (numbersB[i] ?? 0)
    if (difference !== 0) return difference
  }
  if (restA === '' || restB === '') return restA === restB ? 0 : restA === '' ? 1 : -1
  return restA < restB ? -1 : restA > restB ? 1 : 0
}

function parsed(version: string): [numbers: number[], rest: string] {
  const [numbers = '', ...rest] = version.split('-')
  return [numbers.split('.').map((part) => parseInt(part, 10) || 0), rest.join('-')]
}
