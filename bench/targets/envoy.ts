import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program, versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import type { Certificates } from '../harness/certificates.ts'
import { placeOf, secured, untilReady } from './target.ts'
import type { Ends, Target } from './target.ts'

const TYPE = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3'

/** Blocks of YAML on one line, in the flow style. */
function towardsClients({ certificate, key }: Certificates): string {
  const pair = `{ certificate_chain: { filename: ${certificate} }, private_key: { filename: ${key} } }`
  return `transport_socket: { name: tls, typed_config: { '@type': ${TYPE}.DownstreamTlsContext, common_tls_context: { tls_certificates: [${pair}] } } }`
}

function towardsServer({ authority }: Certificates): string {
  const context = `{ trusted_ca: { filename: ${authority} }, match_typed_subject_alt_names: [{ san_type: IP_ADDRESS, matcher: { exact: 127.0.0.1 } }] }`
  return `transport_socket: { name: tls, typed_config: { '@type': ${TYPE}.UpstreamTlsContext, common_tls_context: { validation_context: ${context} } } }`
}

function config(port: number, backendPort: number, certificates: Certificates | undefined, toServer: boolean): string {
  return `static_resources:
  listeners:
    - name: bench
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - ${certificates === undefined ? '' : `${towardsClients(certificates)}\n          `}filters:
            - name: envoy.filters.network.redis_proxy
              typed_config:
                '@type': type.googleapis.com/envoy.extensions.filters.network.redis_proxy.v3.RedisProxy
                stat_prefix: bench
                settings: { op_timeout: 5s }
                prefix_routes: { catch_all_route: { cluster: redis } }
  clusters:
    - name: redis
      type: STATIC
      connect_timeout: 1s
      lb_policy: MAGLEV
${certificates !== undefined && toServer ? `      ${towardsServer(certificates)}\n` : ''}      load_assignment:
        cluster_name: redis
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${backendPort} } } }
`
}

/** `ends`: null where it is in the clear. */
export function envoyWith(name: string, label: string, ends: Ends | null): Target {
  return {
    name,
    label,
    ours: false,
    async start(around) {
      const { processes, log } = around
      const { certificates, backendPort, toServer } = secured(around, ends)
      const found = await program('envoy', log)
      const port = await drawPort()
      const file = join(processes.dir, `${name}.yaml`)
      writeFileSync(file, config(port, backendPort, certificates, toServer))
      const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error']
      const running = processes.start(name, found.path, args, { env: found.env })
      await untilReady(running, placeOf({ port, certificates }))
      const version = /\/(\d+\.\d+\.\d+)[-/]/.exec(await versionLine(found, ['--version']))?.[1] ?? 'unknown'
      return { running, port, certificates, version: `Envoy ${version}` }
    },
  }
}

export const envoy: Target = envoyWith('envoy', 'Envoy redis_proxy', null)
