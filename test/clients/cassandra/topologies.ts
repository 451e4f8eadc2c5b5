// Topologies in front of Cassandra.

/** PEM files. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
  readonly authority: string
}

interface Options {
  /** Absent: in the clear, to clients and to the server. */
  readonly tls?: TlsFiles | null
  /** Transforms before the sink. */
  readonly above?: readonly string[]
}

/** A sink in front of the server at this address. */
export type Sink = (listen: string, server: string) => string

export const single: Sink = (_, server) =>
  `CassandraSinkSingle: { name: sink, remote_address: "${server}", connect_timeout_ms: 3000`

const HOST_ID = '2dd022d6-2937-4754-89d6-02d2933a8f7a'

/** A fleet of one proxy, in this data centre and rack. */
export const fleetOfOne =
  (datacenter: string, rack = 'rack1'): Sink =>
  (listen, server) =>
    `CassandraSinkCluster: { name: sink, first_contact_points: ["${server}"], connect_timeout_ms: 3000, local_shotover_host_id: "${HOST_ID}",
          shotover_nodes: [{ address: "${listen}", data_center: ${datacenter}, rack: ${rack}, host_id: "${HOST_ID}" }]`

/** In front of one server, and of several that are `dc1`. */
export const cluster = fleetOfOne('datacenter1')
export const clusterOfNodes = fleetOfOne('dc1')

/** Cassandra -> `sink`. */
export function cassandraTopology(
  listen: string,
  server: string,
  sink: Sink,
  { tls = null, above = [] }: Options = {},
): string {
  const source = tls === null ? '' : `, tls: { certificate_path: "${tls.certificate}", private_key_path: "${tls.key}" }`
  const upstream =
    tls === null ? '' : `, tls: { certificate_authority_path: "${tls.authority}", verify_hostname: true }`
  return `sources:
  - Cassandra:
      { name: cassandra, listen_addr: "${listen}"${source}, chain: [
        ${[...above, `${sink(listen, server)}${upstream} }`].map((each) => `{ ${each} }`).join(',\n        ')}
      ] }
`
}
