import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { versionLine } from '../harness/packages.ts'
import { drawPort } from '../harness/ports.ts'
import { FOUR, TEN, TWO, cassandraClusterTopology, cassandraTopology, settings, topology } from './topology.ts'
import type { Path, Stage, TopologyTls } from './topology.ts'
import { placeOf, present, secured, untilReady } from './target.ts'
import type { Ends, Started, Surroundings, Target } from './target.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OURS = join(ROOT, 'shotover')
const userTransform = (file: string): Stage => [join(ROOT, 'bench', 'transforms', file), {}]

interface How {
  readonly threads?: number
  readonly ends?: Ends | null
}

/** The topology of a proxy that listens on a port, in front of a server on another one. Those that know no second path leave it out. */
type Written = (paths: readonly Path[], tls: TopologyTls | null) => string

const valkey =
  (stages: readonly Stage[]): Written =>
  ([path], tls) =>
    topology(path!.port, path!.backendPort, stages, tls)

/** Starts a proxy that takes Shotover's command line and files. */
async function start(
  name: string,
  path: string,
  written: Written,
  around: Surroundings,
  { threads = 1, ends = null }: How = {},
): Promise<Started> {
  const { processes } = around
  const { certificates, backendPort, toServer } = secured(around, ends)
  const port = await drawPort()
  const topologyFile = join(processes.dir, `${name}-topology.yaml`)
  const settingsFile = join(processes.dir, `${name}-config.yaml`)
  const { warmBackendPort } = around
  const warm = warmBackendPort === undefined ? null : { port: await drawPort(), backendPort: warmBackendPort }
  const tls = certificates === undefined ? null : { certificates, toServer }
  writeFileSync(topologyFile, written([{ port, backendPort }, ...(warm === null ? [] : [warm])], tls))
  writeFileSync(settingsFile, settings(await drawPort()))
  const files = ['-t', topologyFile, '-c', settingsFile]
  // Node's compiler stays in the memory of the process that needs it first, 15 to 20 MB; later ones find its work in a cache.
  if (path === OURS) spawnSync(path, ['check', ...files], { cwd: ROOT, stdio: 'ignore', timeout: 20_000 })
  const args = [...files, '--core-threads', String(threads), '--log-format', 'json']
  const running = processes.start(name, path, args, { cwd: ROOT })
  await untilReady(running, placeOf({ port, certificates }), around.answers)
  const version = await versionLine({ path, env: {} }, ['--version'])
  return { running, port, certificates, version, ...(warm === null ? {} : { warmPort: warm.port }) }
}

function startWritten(name: string, written: Written, around: Surroundings, how: How): Promise<Started> {
  if (!present(OURS)) throw new Error('./shotover is not there')
  return start(name, OURS, written, around, how)
}

function ours(name: string, label: string, written: Written, ends: Ends | null = null): Target {
  return { name, label, ours: true, start: async (around) => startWritten(name, written, around, { ends }) }
}

export async function startOurs(
  name: string,
  stages: readonly Stage[],
  around: Surroundings,
  threads: number,
): Promise<Started> {
  return startWritten(name, valkey(stages), around, { threads })
}

export const OURS_PLAIN: Target = ours('ours0', 'ours, no transform', valkey([]))

export const OUR_TARGETS: readonly Target[] = [
  OURS_PLAIN,
  ours('ours2', 'ours, counter + filter', valkey(TWO)),
  ours('ours5', 'ours, 5 transforms', valkey([...FOUR, userTransform('first-word-hooks.ts')])),
  ours('ours10', 'ours, 10 transforms', valkey(TEN)),
  ours('ours-hooks', "ours, user's as hooks", valkey([userTransform('first-word-hooks.ts')])),
  ours('ours-onion', "ours, user's as onion", valkey([userTransform('first-word-onion.ts')])),
]

export const OUR_TLS_TARGETS: readonly Target[] = [
  ours('ours-tls', 'ours, TLS from the client', valkey([]), 'client'),
  ours('ours-tls-both', 'ours, TLS on both sides', valkey([]), 'both'),
]

const cassandraSingle =
  (stages: readonly Stage[]): Written =>
  (paths) =>
    cassandraTopology(paths, stages)

/** Before a Cassandra node. */
export const OUR_CASSANDRA_TARGETS: readonly Target[] = [
  ours('ours-single', 'ours, CassandraSinkSingle', cassandraSingle([])),
  ours('ours-single2', 'ours, the same with counter + filter', cassandraSingle(TWO)),
  ours('ours-cluster', 'ours, CassandraSinkCluster', cassandraClusterTopology),
]

function original(binary: string | undefined) {
  return (name: string, label: string, written: Written, ends: Ends | null = null): Target => ({
    name,
    label,
    ours: false,
    async start(around) {
      if (binary === undefined || binary === '') throw new Error('SHOTOVER_BIN names no binary')
      if (!present(binary)) throw new Error(`${binary}, named by SHOTOVER_BIN, is not there`)
      return start(name, binary, written, around, { ends })
    },
  })
}

/** The Rust original, where a binary is at hand. */
export function originals(binary: string | undefined, tls = false): readonly Target[] {
  const of = original(binary)
  if (tls) {
    return [
      of('shotover-tls', 'Shotover, TLS from the client', valkey([]), 'client'),
      of('shotover-tls-both', 'Shotover, TLS on both sides', valkey([]), 'both'),
    ]
  }
  return [
    of('shotover0', 'Shotover, no transform', valkey([])),
    of('shotover2', 'Shotover, counter + filter', valkey(TWO)),
  ]
}

/** The same before a Cassandra node. */
export function cassandraOriginals(binary: string | undefined): readonly Target[] {
  const of = original(binary)
  return [
    of('shotover-single', 'Shotover, CassandraSinkSingle', cassandraSingle([])),
    of('shotover-cluster', 'Shotover, CassandraSinkCluster', cassandraClusterTopology),
  ]
}
