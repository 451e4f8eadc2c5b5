import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import { FOUR, TEN, TWO, settings, topology } from './topology.ts'
import type { Stage } from './topology.ts'
import { placeOf, present, secured, untilReady } from './target.ts'
import type { Ends, Started, Surroundings, Target } from './target.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OURS = join(ROOT, 'shotover')
const userTransform = (file: string): Stage => [join(ROOT, 'bench', 'transforms', file), {}]

/** Starts a proxy that takes Shotover's command line and files. */
async function start(
  name: string,
  path: string,
  stages: readonly Stage[],
  around: Surroundings,
  { threads = 1, ends = null }: { readonly threads?: number; readonly ends?: Ends | null } = {},
): Promise<Started> {
  const { processes } = around
  const { certificates, backendPort, toServer } = secured(around, ends)
  const port = await drawPort()
  const topologyFile = join(processes.dir, `${name}-topology.yaml`)
  const settingsFile = join(processes.dir, `${name}-config.yaml`)
  writeFileSync(
    topologyFile,
    topology(port, backendPort, stages, certificates === undefined ? null : { certificates, toServer }),
  )
  writeFileSync(settingsFile, settings(await drawPort()))
  const files = ['-t', topologyFile, '-c', settingsFile]
  // Node's compiler stays in the memory of the process that needs it first, 15 to 20 MB; later ones find its work in a cache.
  if (path === OURS) spawnSync(path, ['check', ...files], { cwd: ROOT, stdio: 'ignore', timeout: 20_000 })
  const args = [...files, '--core-threads', String(threads), '--log-format', 'json']
  const running = processes.start(name, path, args, { cwd: ROOT })
  await untilReady(running, placeOf({ port, certificates }), around.answers)
  return { running, port, certificates, version: await versionLine({ path, env: {} }, ['--version']) }
}

function ours(name: string, label: string, stages: readonly Stage[], ends: Ends | null = null): Target {
  return {
    name,
    label,
    ours: true,
    start: (around) => startOurs(name, stages, around, 1, ends),
  }
}

export async function startOurs(
  name: string,
  stages: readonly Stage[],
  around: Surroundings,
  threads: number,
  ends: Ends | null = null,
): Promise<Started> {
  if (!present(OURS)) throw new Error('./shotover is not there')
  return start(name, OURS, stages, around, { threads, ends })
}

export const OURS_PLAIN: Target = ours('ours0', 'ours, no transform', [])

export const OUR_TARGETS: readonly Target[] = [
  OURS_PLAIN,
  ours('ours2', 'ours, counter + filter', TWO),
  ours('ours5', 'ours, 5 transforms', [...FOUR, userTransform('first-word-hooks.ts')]),
  ours('ours10', 'ours, 10 transforms', TEN),
  ours('ours-hooks', "ours, user's as hooks", [userTransform('first-word-hooks.ts')]),
  ours('ours-onion', "ours, user's as onion", [userTransform('first-word-onion.ts')]),
]

export const OUR_TLS_TARGETS: readonly Target[] = [
  ours('ours-tls', 'ours, TLS from the client', [], 'client'),
  ours('ours-tls-both', 'ours, TLS on both sides', [], 'both'),
]

/** The Rust original, where a binary is at hand. */
export function originals(binary: string | undefined, tls = false): readonly Target[] {
  const original = (name: string, label: string, stages: readonly Stage[], ends: Ends | null = null): Target => ({
    name,
    label,
    ours: false,
    async start(around) {
      if (binary === undefined || binary === '') throw new Error('SHOTOVER_BIN names no binary')
      if (!present(binary)) throw new Error(`${binary}, named by SHOTOVER_BIN, is not there`)
      return start(name, binary, stages, around, { ends })
    },
  })
  if (tls) {
    return [
      original('shotover-tls', 'Shotover, TLS from the client', [], 'client'),
      original('shotover-tls-both', 'Shotover, TLS on both sides', [], 'both'),
    ]
  }
  return [original('shotover0', 'Shotover, no transform', []), original('shotover2', 'Shotover, counter + filter', TWO)]
}
