import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program, versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import { untilReady } from './target.ts'
import type { Target } from './target.ts'

function config(port: number, backendPort: number): string {
  return `static_resources:
  listeners:
    - name: bench
      address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
      filter_chains:
        - filters:
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
      load_assignment:
        cluster_name: redis
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${backendPort} } } }
`
}

export const envoy: Target = {
  name: 'envoy',
  label: 'Envoy redis_proxy',
  ours: false,
  async start({ processes, backendPort, log }) {
    const found = await program('envoy', log)
    const port = await drawPort()
    const file = join(processes.dir, 'envoy.yaml')
    writeFileSync(file, config(port, backendPort))
    const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error']
    const running = processes.start('envoy', found.path, args, { env: found.env })
    await untilReady(running, port)
    const version = /\/(\d+\.\d+\.\d+)[-/]/.exec(await versionLine(found, ['--version']))?.[1] ?? 'unknown'
    return { running, port, version: `Envoy ${version}` }
  },
}
