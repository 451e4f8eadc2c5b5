import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program, versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import type { Certificates } from '../harness/certificates.ts'
import { placeOf, secured, untilReady } from './target.ts'
import type { Ends, Target } from './target.ts'

function config(port: number, backendPort: number, certificates: Certificates | undefined, toServer: boolean): string {
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
  default_backend redis
backend redis
  server one 127.0.0.1:${backendPort}${server}
`
}

/** HAProxy as a relay of bytes: the floor of what a proxy that reads nothing costs. `ends`: null where it is in the clear. */
export function haproxyWith(name: string, label: string, ends: Ends | null): Target {
  return {
    name,
    label,
    ours: false,
    async start(around) {
      const { processes, log } = around
      const { certificates, backendPort, toServer } = secured(around, ends)
      const found = await program('haproxy', log)
      const port = await drawPort()
      const file = join(processes.dir, `${name}.cfg`)
      writeFileSync(file, config(port, backendPort, certificates, toServer))
      const running = processes.start(name, found.path, ['-db', '-f', file], { env: found.env })
      await untilReady(running, placeOf({ port, certificates }))
      const version = /version (\S+)/.exec(await versionLine(found, ['-v']))?.[1] ?? 'unknown'
      return { running, port, certificates, version: `HAProxy ${version}` }
    },
  }
}

export const haproxy: Target = haproxyWith('haproxy', 'HAProxy tcp relay', null)
