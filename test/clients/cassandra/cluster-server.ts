import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { drawPort, spawnBound } from '../../real/servers.ts'
import { accepts, configuration, fetchJars, javaOptions, LOGGING, type CassandraRelease } from './server.ts'

// Several nodes of Apache Cassandra on loopback, one address each, which are one cluster.

const DATACENTER = 'dc1'
const VNODES = 8
const START_MS = 300_000
const STOP_MS = 20_000

interface Common {
  readonly jars: string
  /** All nodes have the same. */
  readonly port: number
  readonly storagePort: number
  readonly seed: string
}

/** One node of a cluster. */
export class ClusterNodeServer {
  readonly host: string
  readonly port: number
  readonly rack: string
  readonly jmxPort = drawPort()
  /** It belongs to the cluster, whether it runs or not. */
  isMember = true
  readonly #folder = mkdtempSync(join(tmpdir(), 'shotover-cassandra-'))
  readonly #arguments: readonly string[]
  #process: ChildProcess | null = null
  #log = ''

  constructor({ jars, port, storagePort, seed }: Common, host: string, rack: string, tokens: readonly bigint[]) {
    this.host = host
    this.port = port
    this.rack = rack
    const own = configuration(port, storagePort, false)
      .replaceAll('127.0.0.1', host)
      .replace(/seeds: "[^"]*"/, `seeds: "${seed}:${storagePort}"`)
      .replace('SimpleSnitch', 'GossipingPropertyFileSnitch')
      .replace(/num_tokens: .*/, `num_tokens: ${tokens.length}\ninitial_token: "${tokens.join()}"`)
    writeFileSync(join(this.#folder, 'cassandra.yaml'), own)
    writeFileSync(join(this.#folder, 'logback.xml'), LOGGING)
    writeFileSync(join(this.#folder, 'cassandra-rackdc.properties'), `dc=${DATACENTER}\nrack=${rack}\n`)
    this.#arguments = [
      '-Xms320M',
      '-Xmx320M',
      '-Xss512k',
      '-XX:MaxDirectMemorySize=256M',
      '-XX:+PerfDisableSharedMem',
      ...javaOptions(jars),
      `-Dcassandra.config=file://${join(this.#folder, 'cassandra.yaml')}`,
      `-Dcassandra.storagedir=${this.#folder}`,
      `-Dcassandra.logdir=${this.#folder}`,
      `-Djava.io.tmpdir=${this.#folder}`,
      `-Dcassandra.jmx.local.port=${this.jmxPort}`,
      '-Djava.awt.headless=true',
      '-Dcassandra-foreground=true',
      // Less, and nodes that start together on a busy machine take each other for dead.
      '-Dcassandra.ring_delay_ms=30000',
      '-Dcassandra.shutdown_announce_in_ms=100',
      '-cp',
      `${this.#folder}:${join(jars, '*')}`,
      'org.apache.cassandra.service.CassandraDaemon',
    ]
  }

  get address(): string {
    return `${this.host}:${this.port}`
  }

  get pid(): number {
    return this.#process!.pid!
  }

  get isRunning(): boolean {
    return this.#process !== null
  }

  /** Starts it, or starts it again. Resolves once it takes clients. */
  async start(): Promise<void> {
    this.#log = ''
    const process_ = spawnBound('java', [...this.#arguments], process.env)
    this.#process = process_
    const keep = (chunk: Buffer) => (this.#log += chunk.toString())
    process_.stdout?.on('data', keep)
    process_.stderr?.on('data', keep)
    const ended = () => {
      if (this.#process === process_) this.#process = null
    }
    process_.once('error', ended)
    process_.once('close', ended)
    for (const deadline = Date.now() + START_MS; Date.now() < deadline && this.isRunning; await wait(200))
      if (this.#log.includes('Starting listening for CQL clients') && (await accepts(this.port, this.host))) return
    const errors = this.#log.split('\n').filter((line) => /^ERROR|Exception/.test(line))
    throw new Error(`Cassandra did not start on ${this.address}:\n${errors.slice(0, 10).join('\n') || this.#log.slice(-2000)}`) // prettier-ignore
  }

  /** SIGTERM: as an operator would; SIGKILL: as a crash. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const process_ = this.#process
    if (process_ === null) return
    const closed = once(process_, 'close')
    process_.kill(signal)
    const late = setTimeout(() => process_.kill('SIGKILL'), STOP_MS)
    await closed
    clearTimeout(late)
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

export class CassandraCluster {
  readonly nodes: ClusterNodeServer[] = []
  readonly #common: Common
  readonly #prefix: string
  readonly #nodetool: ChildProcess
  readonly #answers: AsyncIterator<string>

  constructor(jars: string) {
    this.#prefix = `127.${1 + Math.floor(Math.random() * 250)}.${Math.floor(Math.random() * 250)}`
    this.#common = { jars, port: drawPort(), storagePort: drawPort(), seed: `${this.#prefix}.1` }
    const args = [...javaOptions(jars), '-cp', join(jars, '*'), join(import.meta.dirname, 'Nodetool.java')]
    this.#nodetool = spawn('java', ['-Xmx128M', ...args], { stdio: ['pipe', 'pipe', 'ignore'] })
    this.#answers = createInterface({ input: this.#nodetool.stdout! })[Symbol.asyncIterator]()
  }

  get port(): number {
    return this.#common.port
  }

  /** One more node, not started; its tokens lie between those of the others. */
  add(rack: string, of: number): ClusterNodeServer {
    const place = this.nodes.length
    const step = 2n ** 64n / BigInt(VNODES * of)
    const tokens = Array.from({ length: VNODES }, (_, i) => -(2n ** 63n) + 1n + BigInt(i * of + place) * step)
    const node = new ClusterNodeServer(this.#common, `${this.#prefix}.${place + 1}`, rack, tokens)
    this.nodes.push(node)
    return node
  }

  /** What nodetool says, with these words, of this node. */
  async nodetool(node: ClusterNodeServer, ...words: string[]): Promise<string> {
    this.#nodetool.stdin!.write(`${[node.jmxPort, ...words].join('\t')}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true || value.startsWith('!')) throw new Error(`nodetool ${words.join(' ')}: ${value}`)
    return value
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#nodetool.kill()
    await Promise.all(this.nodes.map((node) => node.remove()))
  }
}

/** Starts a node for each of these racks; all are of the data centre dc1. */
export async function startCassandraCluster(
  racks: readonly string[],
  release: CassandraRelease = '4.1.10',
): Promise<CassandraCluster> {
  const cluster = new CassandraCluster(await fetchJars(release))
  try {
    for (const rack of racks) cluster.add(rack, racks.length + 1)
    // The seed first: the others ask it.
    await Promise.all(cluster.nodes.map((node) => node.start()))
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
  return cluster
}
