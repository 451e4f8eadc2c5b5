import { parseInet, parseUuid } from '../../body/addresses.ts'
import type { CqlType } from '../../body/cql-type.ts'
import { encodeValue, type Value } from '../../body/values.ts'
import type { MockRow, MockTable } from './table.ts'

// The tables that drivers read when they connect: of the node itself, and of the schema. Of what the mock does not have they are empty.

const LOCAL =
  'key text PRIMARY KEY, bootstrapped text, broadcast_address inet, broadcast_port int, cluster_name text, cql_version text, data_center text, gossip_generation int, host_id uuid, listen_address inet, listen_port int, native_protocol_version text, partitioner text, rack text, release_version text, rpc_address inet, rpc_port int, schema_version uuid, tokens set<text>, truncated_at map<uuid, blob>'
const PEERS =
  'peer inet PRIMARY KEY, data_center text, host_id uuid, preferred_ip inet, rack text, release_version text, rpc_address inet, schema_version uuid, tokens set<text>'
const PEERS_V2 =
  'peer inet, peer_port int, data_center text, host_id uuid, native_address inet, native_port int, preferred_ip inet, preferred_port int, rack text, release_version text, schema_version uuid, tokens set<text>, PRIMARY KEY (peer, peer_port)'
const KEYSPACES = 'keyspace_name text PRIMARY KEY, durable_writes boolean, replication frozen<map<text, text>>'
const OPTIONS =
  'additional_write_policy text, bloom_filter_fp_chance double, caching frozen<map<text, text>>, cdc boolean, comment text, compaction frozen<map<text, text>>, compression frozen<map<text, text>>, crc_check_chance double, dclocal_read_repair_chance double, default_time_to_live int, extensions frozen<map<text, blob>>, flags frozen<set<text>>, gc_grace_seconds int, id uuid, max_index_interval int, memtable_flush_period_in_ms int, min_index_interval int, read_repair text, read_repair_chance double, speculative_retry text'
const TABLES = `keyspace_name text, table_name text, ${OPTIONS}, PRIMARY KEY (keyspace_name, table_name)`
const COLUMNS =
  'keyspace_name text, table_name text, column_name text, clustering_order text, column_name_bytes blob, kind text, position int, type text, PRIMARY KEY (keyspace_name, table_name, column_name)'

/** What each of them is made with. */
export const SYSTEM_TABLES: Readonly<Record<string, string>> = {
  'system.local': LOCAL,
  'system.peers': PEERS,
  'system.peers_v2': PEERS_V2,
  'system_schema.keyspaces': KEYSPACES,
  'system_schema.tables': TABLES,
  'system_schema.columns': COLUMNS,
  'system_schema.dropped_columns':
    'keyspace_name text, table_name text, column_name text, dropped_time timestamp, kind text, type text, PRIMARY KEY (keyspace_name, table_name, column_name)',
  'system_schema.types':
    'keyspace_name text, type_name text, field_names frozen<list<text>>, field_types frozen<list<text>>, PRIMARY KEY (keyspace_name, type_name)',
  'system_schema.functions':
    'keyspace_name text, function_name text, argument_types frozen<list<text>>, argument_names frozen<list<text>>, body text, called_on_null_input boolean, language text, return_type text, PRIMARY KEY (keyspace_name, function_name, argument_types)',
  'system_schema.aggregates':
    'keyspace_name text, aggregate_name text, argument_types frozen<list<text>>, final_func text, initcond text, return_type text, state_func text, state_type text, PRIMARY KEY (keyspace_name, aggregate_name, argument_types)',
  'system_schema.triggers':
    'keyspace_name text, table_name text, trigger_name text, options frozen<map<text, text>>, PRIMARY KEY (keyspace_name, table_name, trigger_name)',
  'system_schema.indexes':
    'keyspace_name text, table_name text, index_name text, kind text, options frozen<map<text, text>>, PRIMARY KEY (keyspace_name, table_name, index_name)',
  'system_schema.views': `keyspace_name text, view_name text, base_table_id uuid, base_table_name text, include_all_columns boolean, where_clause text, ${OPTIONS}, PRIMARY KEY (keyspace_name, view_name)`,
  'system_virtual_schema.keyspaces': 'keyspace_name text PRIMARY KEY',
  'system_virtual_schema.tables':
    'keyspace_name text, table_name text, comment text, PRIMARY KEY (keyspace_name, table_name)',
  'system_virtual_schema.columns': COLUMNS,
}

/** Where the mock's data centre is, as those of Cassandra are by default. */
const DATACENTER = 'datacenter1'
const HOST_ID = '2b7d4b6e-0000-4000-8000-000000000001'
const SCHEMA_VERSION = '2b7d4b6e-0000-4000-8000-000000000002'
const MAP: CqlType = { type: 'map', keys: { type: 'text' }, values: { type: 'text' } }

/** What the node says of itself, to who found it at this address. */
export function fillLocal(local: MockTable, host: string, port: number): void {
  const address = parseInet(host) ?? Buffer.from([127, 0, 0, 1])
  const told: Record<string, Value> = { key: 'local', bootstrapped: 'COMPLETED', broadcast_address: address, broadcast_port: 7000, cluster_name: 'mock', cql_version: '3.4.6', data_center: DATACENTER, host_id: HOST_ID, listen_address: address, listen_port: 7000, native_protocol_version: '5', partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner', rack: 'rack1', release_version: '4.1.10', rpc_address: address, rpc_port: port, schema_version: SCHEMA_VERSION, tokens: ['0'] } // prettier-ignore
  const values = Object.entries(told).map(([name, value]): [string, Buffer | null] => {
    return [name, Buffer.isBuffer(value) ? value : encodeValue(local.byName.get(name)!.type, value)]
  })
  local.write(new Map(values))
}

const text = (value: string) => Buffer.from(value)

/** The schema's own tables, made of what there is. */
export function describeSchema(
  keyspaces: ReadonlyMap<string, ReadonlyMap<string, MockTable>>,
  into: (name: string) => MockTable,
): void {
  for (const name of ['keyspaces', 'tables', 'columns']) into(`system_schema.${name}`).clear()
  const replication = encodeValue(MAP, [['class', 'org.apache.cassandra.locator.SimpleStrategy'], ['replication_factor', '1']])! // prettier-ignore
  for (const [keyspace, tables] of keyspaces) {
    const names: MockRow = new Map([['keyspace_name', text(keyspace)]])
    const durable = Buffer.from([1])
    into('system_schema.keyspaces').write(
      new Map([...names, ['durable_writes', durable], ['replication', replication]]),
    )
    for (const table of tables.values()) {
      const flags = encodeValue({ type: 'set', of: { type: 'text' } }, ['compound'])!
      const named: MockRow = new Map([...names, ['table_name', text(table.name)]])
      into('system_schema.tables').write(
        new Map([...named, ['flags', flags], ['id', parseUuid(HOST_ID)!], ...options()]),
      )
      for (const column of table.columns) into('system_schema.columns').write(new Map([...named, ...columnRow(column)]))
    }
  }
}

/** Options that drivers take for granted. */
const options = (): MockRow =>
  new Map(['caching', 'compaction', 'compression', 'extensions'].map((name) => [name, encodeValue(MAP, [])!]))

function columnRow({ name, kind, position, typeText }: MockTable['columns'][number]): MockRow {
  const place = Buffer.alloc(4)
  place.writeInt32BE(position)
  return new Map([
    ['column_name', text(name)],
    ['clustering_order', text(kind === 'clustering' ? 'asc' : 'none')],
    ['column_name_bytes', text(name)],
    ['kind', text(kind)],
    ['position', place],
    ['type', text(typeText)],
  ])
}
