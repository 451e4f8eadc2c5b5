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

/** A topology in Shotover's form: one source, whose chain ends with the last stage. JSON is YAML, so options need no quoting of their own. */
function written(source: string, port: number, options: string, chain: readonly (readonly [string, object])[]): string {
  const stages = chain.map(([type, of]) => `        - ${JSON.stringify(type)}: ${JSON.stringify(of)}\n`)
  return `sources:
  - ${source}:
      name: bench
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
  return written('Valkey', port, options, [...named(stages), sink])
}

/** Cassandra -> stages -> CassandraSinkSingle. */
export function cassandraTopology(port: number, backendPort: number, stages: readonly Stage[]): string {
  return written('Cassandra', port, '', [...named(stages), ['CassandraSinkSingle', sinkTo(backendPort)]])
}

/** Cassandra -> CassandraSinkCluster, which shows itself as the only node of the data centre that a lone node is in by default. */
export function cassandraClusterTopology(port: number, backendPort: number): string {
  const host_id = '2dd022d6-2937-4754-89d6-02d2933a8f7a'
  const sink = {
    name: 'sink',
    first_contact_points: [`127.0.0.1:${backendPort}`],
    local_shotover_host_id: host_id,
    shotover_nodes: [{ address: `127.0.0.1:${port}`, data_center: 'datacenter1', rack: 'rack1', host_id }],
    connect_timeout_ms: 3000,
  }
  return written('Cassandra', port, '', [['CassandraSinkCluster', sink]])
}

export function settings(metricsPort: number): string {
  return `main_log_level: "warn"\nobservability_interface: "127.0.0.1:${metricsPort}"\n`
}
