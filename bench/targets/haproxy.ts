import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program, versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import { untilReady } from './target.ts'
import type { Target } from './target.ts'

function config(port: number, backendPort: number): string {
  return `global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
frontend bench
  bind 127.0.0.1:${port}
  default_backend redis
backend redis
  server one 127.0.0.1:${backendPort}
`
}

/** HAProxy as a relay of bytes: the floor of what a proxy that reads nothing costs. */
export const haproxy: Target = {
  name: 'haproxy',
  label: 'HAProxy tcp relay',
  ours: false,
  async start({ processes, backendPort, log }) {
    const found = await program('haproxy', log)
    const port = await drawPort()
    const file = join(processes.dir, 'haproxy.cfg')
    writeFileSync(file, config(port, backendPort))
    const running = processes.start('haproxy', found.path, ['-db', '-f', file], { env: found.env })
    await untilReady(running, port)
    const version = /version (\S+)/.exec(await versionLine(found, ['-v']))?.[1] ?? 'unknown'
    return { running, port, version: `HAProxy ${version}` }
  },
}
