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

/** A topology in Shotover's form. JSON is YAML, so options need no quoting of their own. */
export function topology(
  port: number,
  backendPort: number,
  stages: readonly Stage[],
  tls: TopologyTls | null = null,
): string {
  const chain = stages.map(
    ([type, options], index) =>
      `        - ${JSON.stringify(type)}: ${JSON.stringify({ name: `stage-${index}`, ...options })}`,
  )
  const sink = JSON.stringify({
    name: 'sink',
    remote_address: `127.0.0.1:${backendPort}`,
    connect_timeout_ms: 3000,
    ...(tls?.toServer === true
      ? { tls: { certificate_authority_path: tls.certificates.authority, verify_hostname: true } }
      : {}),
  })
  const source =
    tls === null
      ? ''
      : `\n      tls: ${JSON.stringify({ certificate_path: tls.certificates.certificate, private_key_path: tls.certificates.key })}`
  return `sources:
  - Valkey:
      name: bench
      listen_addr: "127.0.0.1:${port}"
      connection_limit: 10000${source}
      chain:
${chain.map((line) => `${line}\n`).join('')}        - ValkeySinkSingle: ${sink}
`
}

export function settings(metricsPort: number): string {
  return `main_log_level: "warn"\nobservability_interface: "127.0.0.1:${metricsPort}"\n`
}
