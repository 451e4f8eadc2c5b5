import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder, onPath } from '../real/fetch.ts'
import { CASSANDRA_NEEDS } from './cassandra/server.ts'

// Programs in other languages that use a client library of theirs, and what they need to run. Built once, into the cache.

const exec = promisify(execFile)

/** How a program is started; the port and what it is to speak come behind `args`. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** One for Cassandra, and the ways in which it speaks: what comes behind the port. */
export interface CassandraProgram extends Program {
  readonly ways: readonly (readonly string[])[]
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

async function python(program: string): Promise<Program> {
  const library = await built('python', ['python/requirements.txt'], (folder) =>
    run(
      'python3',
      ['-m', 'pip', 'install', '--quiet', '--target', folder, '-r', here('python/requirements.txt')],
      folder,
    ),
  )
  return {
    command: 'python3',
    args: [here(`python/${program}.py`)],
    env: { ...process.env, PYTHONPATH: library, PYTHONDONTWRITEBYTECODE: '1' },
  }
}

async function go(): Promise<Program> {
  const files = ['go/main.go', 'go/go.mod', 'go/go.sum']
  const folder = await built('go', files, (part) =>
    run('go', ['build', '-trimpath', '-buildvcs=false', '-o', join(part, 'functional'), '.'], here('go')),
  )
  return { command: join(folder, 'functional'), args: [], env: process.env }
}

const DEPENDENCIES = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

async function java(main: string): Promise<Program> {
  const libraries = await built('java-libraries', ['java/pom.xml'], (part) =>
    run(
      'mvn',
      [
        '-B',
        '-q',
        '-ntp',
        '-f',
        here('java/pom.xml'),
        DEPENDENCIES,
        `-DoutputDirectory=${part}`,
        '-DincludeScope=runtime',
      ],
      part,
    ),
  )
  const sources = ['java/Cases.java', 'java/FunctionalJedis.java', 'java/FunctionalLettuce.java']
  const classPath = join(libraries, '*')
  const classes = await built('java', ['java/pom.xml', ...sources], (part) =>
    run('javac', ['-nowarn', '-d', part, '-cp', classPath, ...sources.map(here)], part),
  )
  return { command: 'java', args: ['-cp', `${classes}:${classPath}`, main], env: process.env }
}

export const CLIENTS: readonly Client[] = [
  { name: 'redis-py 8.1.0', needs: ['python3'], build: () => python('functional') },
  { name: 'go-redis 9.23.0', needs: ['go'], build: go },
  { name: 'jedis 8.0.2', needs: ['java', 'javac', 'mvn'], build: () => java('FunctionalJedis') },
  { name: 'lettuce 7.7.0', needs: ['java', 'javac', 'mvn'], build: () => java('FunctionalLettuce') },
]

const PYTHON_WAYS = ['3 none', '3 snappy', '4 none', '4 lz4', '4 snappy', '5 none', '5 lz4'].map((way) =>
  way.split(' '),
)

export const CASSANDRA_CLIENTS: readonly Client<CassandraProgram>[] = [
  {
    name: 'cassandra-driver 4.10.0 for Node',
    needs: CASSANDRA_NEEDS,
    build: () => {
      const program = here('cassandra/functional.ts')
      return Promise.resolve({ command: process.execPath, args: [program], env: process.env, ways: [['4'], ['3']] })
    },
  },
  {
    name: 'cassandra-driver 3.30.1 for Python',
    needs: ['python3', ...CASSANDRA_NEEDS],
    build: async () => ({ ...(await python('cassandra_functional')), ways: PYTHON_WAYS }),
  },
]

/** What of its tools a client misses on this machine. */
export function missing(client: Client<unknown>): string[] {
  return client.needs.filter((tool) => onPath(tool) === null)
}
