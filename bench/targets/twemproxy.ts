import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program, versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import { untilReady } from './target.ts'
import type { Target } from './target.ts'

function config(port: number, backendPort: number): string {
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

export const twemproxy: Target = {
  name: 'twemproxy',
  label: 'twemproxy',
  ours: false,
  async start({ processes, backendPort, log }) {
    const found = await program('nutcracker', log)
    const port = await drawPort()
    const statsPort = await drawPort()
    const file = join(processes.dir, 'twemproxy.yml')
    writeFileSync(file, config(port, backendPort))
    const args = ['-c', file, '-a', '127.0.0.1', '-s', `${statsPort}`]
    const running = processes.start('twemproxy', found.path, args, { env: found.env })
    await untilReady(running, port)
    const version = /nutcracker-(\S+)/.exec(await versionLine(found, ['--version']))?.[1] ?? 'unknown'
    return { running, port, version: `twemproxy ${version}` }
  },
}
