import { execFile, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cacheFolder } from '../../real/fetch.ts'
import { drawPort, spawnBound } from '../../real/servers.ts'

// Apache Cassandra from the artifacts of its build, as one process on loopback that keeps what it has in a folder of its own.

const exec = promisify(execFile)
const POM = join(import.meta.dirname, 'pom.xml')
const COPY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
const START_MS = 180_000
const STOP_MS = 20_000

/** What must be on the PATH: Java 11 or 17, and Maven to get Cassandra with. */
export const CASSANDRA_NEEDS = ['java', 'mvn'] as const

/** What Cassandra 4.1 reaches into, of Java's own modules; its own scripts have the same list. */
const EXPORTS = [
  'java.base/jdk.internal.misc',
  'java.base/jdk.internal.ref',
  'java.base/java.lang.ref',
  'java.base/sun.nio.ch',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.rmi/sun.rmi.transport.tcp',
  'java.sql/java.sql',
  'jdk.unsupported/sun.misc',
]
const OPENS = [
  'jdk.management/com.sun.management.internal',
  ...[
    'java.io',
    'java.lang',
    'java.lang.module',
    'java.lang.reflect',
    'java.math',
    'java.net',
    'java.nio',
    'java.nio.charset',
    'java.util',
    'java.util.concurrent',
    'java.util.concurrent.atomic',
    'jdk.internal.loader',
    'jdk.internal.math',
    'jdk.internal.module',
    'jdk.internal.ref',
    'jdk.internal.reflect',
    'jdk.internal.util.jar',
    'sun.nio.ch',
  ].map((name) => `java.base/${name}`),
]

/** The releases that tests run. */
export type CassandraRelease = '4.1.10' | '5.0.9'

/** The folder with Cassandra's jars; fetched once. */
export async function fetchJars(release: CassandraRelease = '4.1.10'): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12)
  const folder = join(cacheFolder(), `cassandra-${release}-${hash}`)
  if (existsSync(folder)) return folder
  const part = `${folder}.${process.pid}`
  mkdirSync(part, { recursive: true })
  try {
    const args = ['-B', '-q', '-ntp', '-f', POM, `-Dcassandra=${release}`, COPY, `-DoutputDirectory=${part}`]
    await exec('mvn', [...args, '-DincludeScope=runtime'], { timeout: 15 * 60_000, maxBuffer: 64 * 1024 * 1024 })
    renameSync(part, folder)
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
  return folder
}

/** What Java needs to be told to run Cassandra's classes. */
export function javaOptions(jars: string): string[] {
  const agent = readdirSync(jars).find((name) => name.startsWith('jamm-'))!
  return [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-javaagent:${join(jars, agent)}`,
    '-Djdk.attach.allowAttachSelf=true',
    ...EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
    ...OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
  ]
}

export interface CassandraOptions {
  readonly release?: CassandraRelease
  /** It asks for a user and a password: `cassandra` and `cassandra` in the beginning. */
  readonly password?: boolean
  /** PEM files: it takes TLS on its port, and clients without as well. Absent: only the latter. */
  readonly tls?: { readonly certificate: string; readonly key: string }
  /** Further options of Java, which override those that it is given anyway. */
  readonly java?: readonly string[]
}

export function configuration(port: number, storagePort: number, password: boolean): string {
  return `cluster_name: test
num_tokens: 4
auto_bootstrap: false
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters: [ { seeds: "127.0.0.1:${storagePort}" } ]
listen_address: 127.0.0.1
rpc_address: 127.0.0.1
storage_port: ${storagePort}
native_transport_port: ${port}
auto_snapshot: false
commitlog_sync: periodic
commitlog_sync_period: 10000ms
commitlog_segment_size: 32MiB
memtable_heap_space: 64MiB
memtable_offheap_space: 64MiB
file_cache_size: 32MiB
networking_cache_size: 32MiB
key_cache_size: 8MiB
prepared_statements_cache_size: 16MiB
native_transport_max_request_data_in_flight: 64MiB
native_transport_max_request_data_in_flight_per_ip: 64MiB
read_request_timeout: 20000ms
write_request_timeout: 20000ms
range_request_timeout: 20000ms
truncate_request_timeout: 60000ms
request_timeout: 20000ms
materialized_views_enabled: true
user_defined_functions_enabled: true
authenticator: ${password ? 'PasswordAuthenticator' : 'AllowAllAuthenticator'}
authorizer: ${password ? 'CassandraAuthorizer' : 'AllowAllAuthorizer'}
`
}

/** Key and certificates in one file, as Cassandra wants them. */
function encryption(keystore: string): string {
  return `client_encryption_options:
  enabled: true
  optional: true
  require_client_auth: false
  ssl_context_factory: { class_name: org.apache.cassandra.security.PEMBasedSslContextFactory }
  keystore: ${keystore}
`
}

export const LOGGING = `<configuration>
<appender name="O" class="ch.qos.logback.core.ConsoleAppender"><encoder><pattern>%-5level %msg%n</pattern></encoder></appender>
<root level="INFO"><appender-ref ref="O"/></root>
</configuration>
`

/** Starts Cassandra and waits until it takes clients. It ends with the process that started it. */
export async function startCassandra(options: CassandraOptions = {}): Promise<CassandraServer> {
  const server = new CassandraServer(await fetchJars(options.release), options)
  try {
    await server.ready()
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

export class CassandraServer {
  readonly port = drawPort()
  readonly version: string
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #isProtected: boolean
  #log = ''
  #running = true

  constructor(jars: string, { password = false, tls, java = [] }: CassandraOptions) {
    const jar = readdirSync(jars).find((name) => name.startsWith('cassandra-all-'))!
    this.version = `Cassandra ${jar.slice('cassandra-all-'.length, -'.jar'.length)}`
    this.#isProtected = password
    this.#folder = mkdtempSync(join(tmpdir(), 'shotover-cassandra-'))
    let yaml = configuration(this.port, drawPort(), password)
    if (tls !== undefined) {
      const keystore = join(this.#folder, 'identity.pem')
      writeFileSync(keystore, readFileSync(tls.key, 'utf8') + readFileSync(tls.certificate, 'utf8'))
      yaml += encryption(keystore)
    }
    writeFileSync(join(this.#folder, 'cassandra.yaml'), yaml)
    writeFileSync(join(this.#folder, 'logback.xml'), LOGGING)
    const args = [
      '-Xms256M',
      '-Xmx256M',
      '-Xss512k',
      '-XX:MaxDirectMemorySize=256M',
      '-XX:+PerfDisableSharedMem',
      ...javaOptions(jars),
      ...java,
      `-Dcassandra.config=file://${join(this.#folder, 'cassandra.yaml')}`,
      `-Dcassandra.storagedir=${this.#folder}`,
      `-Dcassandra.logdir=${this.#folder}`,
      `-Djava.io.tmpdir=${this.#folder}`,
      '-Djava.awt.headless=true',
      '-Dcassandra-foreground=true',
      '-Dcassandra.skip_wait_for_gossip_to_settle=0',
      '-Dcassandra.ring_delay_ms=100',
      '-Dcassandra.superuser_setup_delay_ms=100',
      '-Dcassandra.shutdown_announce_in_ms=100',
      '-cp',
      `${this.#folder}:${join(jars, '*')}`,
      'org.apache.cassandra.service.CassandraDaemon',
    ]
    this.#process = spawnBound('java', args, process.env)
    const keep = (chunk: Buffer) => (this.#log += chunk.toString())
    this.#process.stdout?.on('data', keep)
    this.#process.stderr?.on('data', keep)
    const ended = () => (this.#running = false)
    this.#process.once('error', ended)
    this.#process.once('close', ended)
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  get process(): ChildProcess {
    return this.#process
  }

  async ready(): Promise<void> {
    for (const deadline = Date.now() + START_MS; Date.now() < deadline && this.#running; await wait(100)) {
      const isOpen = this.#log.includes('Starting listening for CQL clients') && (await accepts(this.port))
      if (isOpen && (!this.#isProtected || this.#log.includes('Created default superuser role'))) return
    }
    const errors = this.#log.split('\n').filter((line) => /^ERROR|Exception/.test(line))
    throw new Error(
      `Cassandra did not start on ${this.address}:\n${errors.slice(0, 10).join('\n') || this.#log.slice(-2000)}`,
    )
  }

  /** Ends it as an operator would, and removes what it kept. */
  async stop(): Promise<void> {
    if (this.#running) {
      const closed = new Promise((resolve) => this.#process.once('close', resolve))
      this.#process.kill('SIGTERM')
      const late = setTimeout(() => this.#process.kill('SIGKILL'), STOP_MS)
      await closed
      clearTimeout(late)
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

export function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 })
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
