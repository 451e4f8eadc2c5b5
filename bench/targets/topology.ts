import type { Certificates } from '../harness/certificates.ts'

/** One entry of a chain: the type of a transform and its options without `name`. */
export type Stage = readonly [type: string, options: Record<string, unknown>]

const counter = (label: string): Stage => ['QueryCounter', { counter_name: label }]
/** Looks at every request and refuses none: no Valkey command is of this type. */
const filter: Stage = ['QueryTypeFilter', { DenyList: ['PubSubMessage'] }]

export const TWO: readonly Stage[] = [counter('bench-1'), filter]
export const FOUR: readonly Stage[] = [...TWO, counter('bench-2'), filter]
export const TEN: readonly Stage[] = [1, 2, 3, 4, 5].flatMap((n) => [counter(`bench-${n}`), filter])

/** TLS of a topology: towards clients, and towards the server too where `toServer`. */
export interface TopologyTls {
  readonly certificates: Certificates
  readonly toServer: boolean
}

type Chain = readonly (readonly [type: string, options: { readonly name: string }])[]

/** A topology in Shotover's form. JSON is YAML, so options need no quoting of their own. */
const written = (...sources: readonly string[]): string => `sources:\n${sources.join('')}`

/** A source whose chain ends with the last stage. */
function source(type: string, name: string, port: number, options: string, chain: Chain): string {
  const stages = chain.map(([kind, of]) => `        - ${JSON.stringify(kind)}: ${JSON.stringify(of)}\n`)
  return `  - ${type}:
      name: ${name}
      listen_addr: "127.0.0.1:${port}"
      connection_limit: 10000${options}
      chain:
${stages.join('')}`
}

const named = (stages: readonly Stage[]) =>
  stages.map(([type, options], index) => [type, { name: `stage-${index}`, ...options }] as const)

const sinkTo = (backendPort: number) => ({
  name: 'sink',
  remote_address: `127.0.0.1:${backendPort}`,
  connect_timeout_ms: 3000,
})

/** Valkey -> stages -> ValkeySinkSingle. */
export function topology(
  port: number,
  backendPort: number,
  stages: readonly Stage[],
  tls: TopologyTls | null = null,
): string {
  const sinkTls =
    tls?.toServer === true
      ? { tls: { certificate_authority_path: tls.certificates.authority, verify_hostname: true } }
      : {}
  const pair = tls && { certificate_path: tls.certificates.certificate, private_key_path: tls.certificates.key }
  const options = pair === null ? '' : `\n      tls: ${JSON.stringify(pair)}`
  const sink = ['ValkeySinkSingle', { ...sinkTo(backendPort), ...sinkTls }] as const
  return written(source('Valkey', 'bench', port, options, [...named(stages), sink]))
}

/** Where the proxy listens, and the node that it stands before. */
export interface Path {
  readonly port: number
  readonly backendPort: number
}

/** One source of Cassandra for each path. */
function cassandra(paths: readonly Path[], chain: (path: Path) => Chain): string {
  const sources = paths.map((path, at) => {
    const own = chain(path).map(([type, of]) => [type, { ...of, name: `${of.name}-${at}` }] as const)
    return source('Cassandra', `bench-${at}`, path.port, '', own)
  })
  return written(...sources)
}

/** Cassandra -> stages -> CassandraSinkSingle. */
export function cassandraTopology(paths: readonly Path[], stages: readonly Stage[]): string {
  return cassandra(paths, ({ backendPort }) => [...named(stages), ['CassandraSinkSingle', sinkTo(backendPort)]])
}

/** Cassandra -> CassandraSinkCluster, which shows itself as the only node of the data centre that a lone node is in by default. */
export function cassandraClusterTopology(paths: readonly Path[]): string {
  const host_id = '2dd022d6-2937-4754-89d6-02d2933a8f7a'
  return cassandra(paths, ({ port, backendPort }) => {
    const sink = {
      name: 'sink',
      first_contact_points: [`127.0.0.1:${backendPort}`],
      local_shotover_host_id: host_id,
      shotover_nodes: [{ address: `127.0.0.1:${port}`, data_center: 'datacenter1', rack: 'rack1', host_id }],
      connect_timeout_ms: 3000,
    }
    return [['CassandraSinkCluster', sink]]
  })
}

export function settings(metricsPort: number): string {
  return `main_log_level: "warn"\nobservability_interface: "127.0.0.1:${metricsPort}"\n`
}
