import type { Certificates } from '../harness/certificates.ts'
import { peer } from './peer.ts'
import type { Route } from './peer.ts'
import type { Ends, Target } from './target.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3'
const FILTERS = 'type.googleapis.com/envoy.extensions.filters.network'

/** Blocks of YAML on one line, in the flow style. */
function towardsClients({ certificate, key }: Certificates): string {
  const pair = `{ certificate_chain: { filename: ${certificate} }, private_key: { filename: ${key} } }`
  return `transport_socket: { name: tls, typed_config: { '@type': ${TYPE}.DownstreamTlsContext, common_tls_context: { tls_certificates: [${pair}] } } }`
}

function towardsServer({ authority }: Certificates): string {
  const context = `{ trusted_ca: { filename: ${authority} }, match_typed_subject_alt_names: [{ san_type: IP_ADDRESS, matcher: { exact: 127.0.0.1 } }] }`
  return `transport_socket: { name: tls, typed_config: { '@type': ${TYPE}.UpstreamTlsContext, common_tls_context: { validation_context: ${context} } } }`
}

/** A filter that stands between listener and cluster, with what it needs of its own, a line each. */
interface Filter {
  readonly name: string
  readonly type: string
  readonly options: readonly string[]
}

const REDIS: Filter = {
  name: 'envoy.filters.network.redis_proxy',
  type: `${FILTERS}.redis_proxy.v3.RedisProxy`,
  options: ['settings: { op_timeout: 5s }', 'prefix_routes: { catch_all_route: { cluster: servers } }'],
}
const TCP: Filter = {
  name: 'envoy.filters.network.tcp_proxy',
  type: `${FILTERS}.tcp_proxy.v3.TcpProxy`,
  options: ['cluster: servers'],
}

function config(filter: Filter, { port, backendPort, certificates, toServer }: Route): string {
  return `static_resources:
  listeners:
    - name: bench
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - ${certificates === undefined ? '' : `${towardsClients(certificates)}\n          `}filters:
            - name: ${filter.name}
              typed_config:
                '@type': ${filter.type}
                stat_prefix: bench
${filter.options.map((line) => `                ${line}\n`).join('')}  clusters:
    - name: servers
      type: STATIC
      connect_timeout: 1s
      lb_policy: MAGLEV
${certificates !== undefined && toServer ? `      ${towardsServer(certificates)}\n` : ''}      load_assignment:
        cluster_name: servers
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${backendPort} } } }
`
}

function envoyAs(name: string, label: string, ends: Ends | null, filter: Filter): Target {
  return peer({
    name,
    label,
    program: 'envoy',
    ending: 'yaml',
    ends,
    config: (route) => config(filter, route),
    args: (file) => ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
    versionArgument: '--version',
    versionPattern: /\/(\d+\.\d+\.\d+)[-/]/,
    versionName: 'Envoy',
  })
}

/** `ends`: null where it is in the clear. */
export function envoyWith(name: string, label: string, ends: Ends | null): Target {
  return envoyAs(name, label, ends, REDIS)
}

export const envoy: Target = envoyWith('envoy', 'Envoy redis_proxy', null)
/** As a relay of bytes. */
export const envoyRelay: Target = envoyAs('envoy', 'Envoy tcp_proxy', null, TCP)
