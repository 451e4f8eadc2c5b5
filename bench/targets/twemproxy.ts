import { peer } from './peer.ts'
import type { Route } from './peer.ts'
import type { Target } from './target.ts'

function config({ port, backendPort }: Route): string {
  return `bench:
  listen: 127.0.0.1:${port}
  redis: true
  hash: fnv1a_64
  distribution: ketama
  auto_eject_hosts: false
  backlog: 4096
  servers:
    - 127.0.0.1:${backendPort}:1
`
}

export const twemproxy: Target = peer({
  name: 'twemproxy',
  label: 'twemproxy',
  program: 'nutcracker',
  ending: 'yml',
  ends: null,
  config,
  args: (file, sparePort) => ['-c', file, '-a', '127.0.0.1', '-s', `${sparePort}`],
  versionArgument: '--version',
  versionPattern: /nutcracker-(\S+)/,
  versionName: 'twemproxy',
})
