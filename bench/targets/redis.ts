import { program, versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import type { Certificates } from '../harness/certificates.ts'
import type { Processes } from '../harness/processes.ts'
import { untilReady, writeReadyKey } from './target.ts'
import type { Started } from './target.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../load/resp-client.ts'

/** Starts the server that all targets forward to; nothing is written to disk. The same port again after it was killed. `tls`: a second port. */
export async function startRedis(
  processes: Processes,
  log: (line: string) => void,
  port?: number,
  tls?: { readonly port: number; readonly certificates: Certificates },
): Promise<Started> {
  const redis = await program('redis-server', log)
  const at = port ?? (await drawPort())
  const args = [
    '--port',
    `${at}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
    '--maxclients',
    '10000',
    '--dir',
    processes.dir,
    ...(tls === undefined ? [] : tlsArguments(tls.port, tls.certificates)),
  ]
  const running = processes.start('redis-server', redis.path, args, { env: redis.env })
  const deadline = performance.now() + 5000
  for (;;) {
    if (!running.alive || performance.now() > deadline)
      throw new Error(`redis-server does not answer\n${running.logTail()}`)
    if (
      await ask(at, 'PING').then(
        (reply) => reply.text === 'PONG',
        () => false,
      )
    )
      break
    await sleep(5)
  }
  await writeReadyKey(at)
  await untilReady(running, at)
  const version = /v=(\S+)/.exec(await versionLine(redis, ['--version']))?.[1] ?? 'unknown'
  return { running, port: at, version: `redis-server ${version}` }
}

function tlsArguments(port: number, { authority, certificate, key }: Certificates): string[] {
  const files = ['--tls-ca-cert-file', authority, '--tls-cert-file', certificate, '--tls-key-file', key]
  return ['--tls-port', `${port}`, ...files, '--tls-auth-clients', 'no']
}
