import type { Address } from '../../../world/world.ts'
import { textIn, type TableRow } from '../table-rows.ts'
import type { ClusterNode } from './node.ts'

export const LOCAL_QUERY =
  'SELECT host_id, data_center, rack, tokens, schema_version, partitioner, rpc_address FROM system.local'
/** From Cassandra 4.0 on. */
export const PEERS_QUERY =
  'SELECT host_id, data_center, rack, tokens, native_address, native_port, peer FROM system.peers_v2'
/** Of older servers: that all nodes listen on one port is taken for granted. */
export const OLD_PEERS_QUERY = 'SELECT host_id, data_center, rack, tokens, rpc_address, peer FROM system.peers'

/**
 * The node that was asked, by its row of system.local; null where that does not tell enough.
 * @param asked Where it was reached: that is where it listens if no other node, by which it would be told apart, says otherwise.
 */
export function localNode(row: TableRow, asked: Address, isAlone: boolean): ClusterNode | null {
  const told = addressIn(row, 'rpc_address')
  return nodeOf(row, isAlone || told === '' ? asked : { host: told, port: asked.port })
}

/** A node by the row that another one has of it; null where that does not tell enough yet, as of one that joins. */
export function peerNode(row: TableRow, asked: Address): ClusterNode | null {
  const host = addressIn(row, 'native_address') || addressIn(row, 'rpc_address') || addressIn(row, 'peer')
  const port = row['native_port'] ?? asked.port
  return host === '' || typeof port !== 'number' ? null : nodeOf(row, { host, port })
}

function nodeOf(row: TableRow, endpoint: Address): ClusterNode | null {
  const hostId = textIn(row, 'host_id')
  const datacenter = textIn(row, 'data_center')
  const rack = textIn(row, 'rack')
  const tokens = row['tokens']
  if (hostId === '' || datacenter === '' || rack === '' || !Array.isArray(tokens) || tokens.length === 0) return null
  return { hostId, endpoint, datacenter, rack, tokens: tokens as string[] }
}

/** '' where it is none that a client could connect to. */
function addressIn(row: TableRow, column: string): string {
  const text = textIn(row, column)
  return /^[0.:]*$/.test(text) ? '' : text
}
