import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, onPath } from '../real/fetch.ts'
import { CASSANDRA_NEEDS } from './cassandra/server.ts'
import type { Way } from './cassandra/suite.ts'

// Programs in other languages that use a client library of theirs, and what they need to run. Built once, into the cache.

const exec = promisify(execFile)

/** How a program is started; the port and what it is to speak come behind `args`. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** One for Cassandra, and the ways in which it can speak: those that are always tried, and the others. */
export interface CassandraProgram extends Program {
  readonly ways: readonly Way[]
  readonly more: readonly Way[]
}

export interface Client<P = Program> {
  /** Library and version. */
  readonly name: string
  /** What must be on the PATH. */
  readonly needs: readonly string[]
  build(): Promise<P>
}

const BUILD_MS = 15 * 60_000

const here = (path: string) => join(import.meta.dirname, path)

/** A folder of the cache that depends on these files; `fill` makes it where it is not there. */
async function built(name: string, files: readonly string[], fill: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256')
  for (const file of files) hash.update(readFileSync(here(file)))
  const folder = join(cacheFolder(), `clients-${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  const part = `${folder}.${process.pid}`
  mkdirSync(part, { recursive: true })
  try {
    await fill(part)
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  return folder
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  await exec(command, args, { cwd, timeout: BUILD_MS, maxBuffer: 64 * 1024 * 1024 }).catch((error: unknown) => {
    const { message, stdout } = error as Error & { stdout?: string }
    throw new Error(`${message}\n${stdout ?? ''}`.trim())
  })
}

/** `program`: what Python is told to run. */
async function python(...program: string[]): Promise<Program> {
  const library = await built('python', ['python/requirements.txt'], (folder) =>
    run(
      'python3',
      ['-m', 'pip', 'install', '--quiet', '--target', folder, '-r', here('python/requirements.txt')],
      folder,
    ),
  )
  return {
    command: 'python3',
    args: program,
    env: { ...process.env, PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1' },
  }
}

async function go(folder: string): Promise<Program> {
  const files = ['main.go', 'go.mod', 'go.sum'].map((name) => `${folder}/${name}`)
  const program = await built(folder, files, (part) =>
    run('go', ['build', '-trimpath', '-buildvcs=false', '-o', join(part, 'functional'), '.'], here(folder)),
  )
  return { command: join(program, 'functional'), args: [], env: process.env }
}

const DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

async function java(main: string, pom: string, names: readonly string[]): Promise<Program> {
  const libraries = await built('java-libraries', [`java/${pom}`], (part) => {
    const args = ['-B', '-q', '-ntp', '-f', here(`java/${pom}`), DEPENDENCIES, `-DoutputDirectory=${part}`]
    return run('mvn', [...args, '-DincludeScope=runtime'], part)
  })
  const sources = names.map((name) => `java/${name}.java`)
  const classPath = join(libraries, '*')
  const classes = await built('java', [`java/${pom}`, ...sources], (part) =>
    run('javac', ['-nowarn', '-d', part, '-cp', classPath, ...sources.map(here)], part),
  )
  const options = ['-Xmx512M', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  return { command: 'java', args: [...options, '-cp', `${classes}:${classPath}`, main], env: process.env }
}

const JAVA = ['java', 'javac', 'mvn']
const redisJava = (main: string) => java(main, 'pom.xml', ['Cases', 'FunctionalJedis', 'FunctionalLettuce'])

export const CLIENTS: readonly Client[] = [
  { name: 'redis-py 8.1.0', needs: ['python3'], build: () => python(here('python/functional.py')) },
  { name: 'go-redis 9.23.0', needs: ['go'], build: () => go('go') },
  { name: 'jedis 8.0.2', needs: JAVA, build: () => redisJava('FunctionalJedis') },
  { name: 'lettuce 7.7.0', needs: JAVA, build: () => redisJava('FunctionalLettuce') },
]

const ways = (text: string): Way[] =>
  text.split(', ').map((way) => {
    const [version, compression] = way.split(' ')
    return { version: Number(version), compression: compression === 'none' ? null : (compression as 'lz4' | 'snappy') }
  })

export const CASSANDRA_CLIENTS: readonly Client<CassandraProgram>[] = [
  {
    name: 'cassandra-driver 4.10.0 for Node',
    needs: CASSANDRA_NEEDS,
    build: () => {
      const program = here('cassandra/suite-node.ts')
      return Promise.resolve({ command: process.execPath, args: [program], env: process.env, ways: ways('4 none, 3 none'), more: [] }) // prettier-ignore
    },
  },
  {
    name: 'cassandra-driver 3.30.1 for Python',
    needs: ['python3', ...CASSANDRA_NEEDS],
    build: async () => ({
      ...(await python(here('python/cassandra_suite.py'))),
      ways: ways('5 none, 4 lz4, 3 snappy'),
      more: ways('5 lz4, 4 none, 4 snappy, 3 none, 3 lz4'),
    }),
  },
  {
    name: 'java-driver-core 4.19.3 for Cassandra',
    needs: JAVA,
    build: async () => ({
      ...(await java('CassandraSuite', 'cassandra.xml', ['CassandraSuite'])),
      ways: ways('5 lz4, 4 snappy'),
      more: ways('5 none, 4 none, 4 lz4, 3 none, 3 lz4, 3 snappy'),
    }),
  },
  {
    name: 'gocql 1.7.0 for Cassandra',
    needs: ['go', ...CASSANDRA_NEEDS],
    build: async () => ({
      ...(await go('gocql')),
      ways: ways('4 lz4, 3 snappy'),
      more: ways('4 none, 4 snappy, 3 none, 3 lz4'),
    }),
  },
]

export const CQLSH: Client = {
  name: 'cqlsh 6.2.2 for Cassandra',
  needs: ['python3', ...CASSANDRA_NEEDS],
  build: () => python('-m', 'cqlshlib'),
}

/** What of its tools a client misses on this machine. */
export function missing(client: Client<unknown>): string[] {
  return client.needs.filter((tool) => onPath(tool) === null)
}
