import { peer } from './peer.ts'
import type { Route } from './peer.ts'
import type { Ends, Target } from './target.ts'

function config({ port, backendPort, certificates, toServer }: Route): string {
  const bind = certificates === undefined ? '' : ` ssl crt ${certificates.both}`
  const server = certificates !== undefined && toServer ? ` ssl verify required ca-file ${certificates.authority}` : ''
  return `global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
frontend bench
  bind 127.0.0.1:${port}${bind}
  default_backend servers
backend servers
  server one 127.0.0.1:${backendPort}${server}
`
}

/** HAProxy as a relay of bytes: the floor of what a proxy that reads nothing costs. `ends`: null where it is in the clear. */
export function haproxyWith(name: string, label: string, ends: Ends | null): Target {
  return peer({
    name,
    label,
    program: 'haproxy',
    ending: 'cfg',
    ends,
    config,
    args: (file) => ['-db', '-f', file],
    versionArgument: '-v',
    versionPattern: /version (\S+)/,
    versionName: 'HAProxy',
  })
}

export const haproxy: Target = haproxyWith('haproxy', 'HAProxy tcp relay', null)
