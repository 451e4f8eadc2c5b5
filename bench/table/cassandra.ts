import { fileURLToPath } from 'node:url'
import { startCassandra } from '../../test/clients/cassandra/server.ts'
import { drawPort } from '../harness/ports.ts'
import { RssSampler } from '../harness/proc.ts'
import type { Processes } from '../harness/processes.ts'
import { CqlClient } from '../load/cql-client.ts'
import { executeBody, OPCODE } from '../load/cql-frames.ts'
import type { CqlFigures } from '../load/cql-load.ts'
import { startCqlLoad } from '../load/cql-run.ts'
import type { Options } from '../options.ts'
import { CASSANDRA_TARGETS, select } from '../targets/list.ts'
import { untilReady } from '../targets/target.ts'
import type { Answers, Started, Surroundings } from '../targets/target.ts'
import type { Measurement } from './measure.ts'
import { Rows } from './rows.ts'
import type { Row } from './rows.ts'
import type { Run } from './run.ts'
import type { Column } from './workload.ts'

/** A prepared SELECT by key, by clients with so many in flight each. */
export interface CqlColumn extends Column {
  readonly version: number
  readonly connections: number
  readonly inFlight: number
}

const KEYS = 1000
const VALUE = 'x'.repeat(100)
const STATEMENT = 'SELECT value FROM bench.rows WHERE key = ?'
const VERSION = 4
const RSS_EVERY_MS = 100
const WARM_SHARE = 0.3
function column(connections: number, inFlight: number, version = VERSION): CqlColumn {
  const label = `${connections} x ${inFlight}${version === VERSION ? '' : `, v${version}`}`
  const id = `${connections}x${inFlight}${version === VERSION ? '' : `v${version}`}`
  return { id, label, version, connections, inFlight }
}

/** Java compiles what it runs often, and goes on doing so for a while; so does Node. */
const NODE_WARM_SECONDS = 6
const ROW_WARM_SECONDS = 2
const WARM: CqlColumn = column(8, 64)
const JAVA = ['-Xms512M', '-Xmx512M', '-XX:TieredStopAtLevel=4']

const COLUMNS: readonly CqlColumn[] = [column(1, 128), column(8, 32), column(1, 1)]
/** In version 5 all is wrapped in outer frames with checksums. */
const FAST_COLUMNS: readonly CqlColumn[] = [...COLUMNS, column(1, 128, 5), column(8, 32, 5)]

export const REAL_TITLE = 'before Cassandra'
export const FAST_TITLE = 'before a node that costs next to nothing'

/** Whether rows come through it. */
const rowsCome: Answers = async ({ port }) => {
  const client = await CqlClient.start(port, VERSION)
  try {
    const prepared = await client.prepare(STATEMENT)
    const { opcode } = await client.ask(OPCODE.execute, executeBody(VERSION, prepared, 0))
    return opcode === OPCODE.result ? null : `opcode ${opcode}`
  } finally {
    client.close()
  }
}

/** Makes the table, and returns the body of what one EXECUTE is answered with. */
async function fill(port: number): Promise<Buffer> {
  const client = await CqlClient.start(port, VERSION)
  try {
    await client.query("CREATE KEYSPACE bench WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
    await client.query('CREATE TABLE bench.rows (key bigint PRIMARY KEY, value text)')
    for (let key = 0; key < KEYS; key++)
      await client.query(`INSERT INTO bench.rows (key, value) VALUES (${key}, '${VALUE}')`)
    const prepared = await client.prepare(STATEMENT)
    return (await client.ask(OPCODE.execute, executeBody(VERSION, prepared, 0))).body
  } finally {
    client.close()
  }
}

function load(processes: Processes, port: number, of: CqlColumn, seconds: number, pids: number[]): Promise<CqlFigures> {
  const { version, connections, inFlight } = of
  const warmSeconds = seconds * WARM_SHARE
  const asked = { statement: STATEMENT, keys: KEYS, warmSeconds, seconds, pids }
  return startCqlLoad(processes, { port, version, connections, inFlight, ...asked })
}

async function measureCell(
  processes: Processes,
  node: Started,
  row: Row,
  of: CqlColumn,
  seconds: number,
): Promise<Measurement> {
  const { running, port } = row.started
  const rss = new RssSampler(running.pid, RSS_EVERY_MS)
  const pids = [running.pid, node.running.pid]
  const figures = await load(processes, port, of, seconds, pids).finally(() => rss.stop())
  const { requests, p50Ms, p99Ms, ownCpuUs } = figures
  const [cpuUs, serverCpuUs] = figures.cpuUs
  const requestsPerSecond = requests / figures.seconds
  const rssBytes = rss.max
  return {
    target: row.name,
    workload: of,
    cpuUs,
    requestsPerSecond,
    p50Ms,
    p99Ms,
    rssBytes,
    serverCpuUs,
    loadCpuUs: ownCpuUs,
  }
}

interface Before {
  readonly node: Started
  /** What ours are warmed up with, at twenty times the rate of a real node. */
  readonly fastNode: Started
  readonly title: string
  readonly all: readonly CqlColumn[]
}

/** One table: everything that stands before one node. */
async function measureBefore(
  { node, fastNode, title, all }: Before,
  processes: Processes,
  options: Options,
  command: string,
  log: (line: string) => void,
): Promise<Run<CqlColumn>> {
  log(title)
  const { cells } = options
  const columns = cells === null ? all : all.filter(({ id }) => cells.includes(id))
  const direct: Row = { name: 'direct', label: 'the node itself', ours: false, started: node }
  const around: Surroundings = {
    processes,
    backendPort: node.port,
    warmBackendPort: fastNode.port,
    answers: rowsCome,
    log,
  }
  const rows = new Rows<CqlColumn>([direct], around, (row, of) =>
    measureCell(processes, node, row, of, options.seconds),
  )
  await rows.start(select(options.only, CASSANDRA_TARGETS))
  const versions = new Set(columns.map((each) => each.version))
  for (const { started } of rows.rows.filter(({ ours }) => ours))
    for (const spoken of versions)
      await load(processes, started.warmPort!, { ...WARM, version: spoken }, ROW_WARM_SECONDS, [])
  const run = await rows.run(title, columns, options.rounds, command)
  for (const { name, started } of rows.rows) if (name !== 'direct') await started.running.stop()
  return run
}

/** Starts the node that answers every EXECUTE itself, with `row`. */
async function startFastNode(processes: Processes, backendPort: number, row: Buffer): Promise<Started> {
  const port = await drawPort()
  const file = fileURLToPath(new URL('../targets/fast-node.ts', import.meta.url))
  const options = JSON.stringify({ port, backendPort, row: row.toString('base64') })
  const running = processes.start('fast-node', process.execPath, [file, options])
  await untilReady(running, port, rowsCome)
  return { running, port, version: 'a node of its own that answers every EXECUTE alike' }
}

/** Two tables: before Cassandra, and before a node that costs next to nothing. */
export async function runCassandraBench(
  processes: Processes,
  options: Options,
  command: string,
  log: (line: string) => void,
): Promise<Run<CqlColumn>[]> {
  await using cassandra = await startCassandra({ java: JAVA })
  const running = processes.adopt('cassandra', cassandra.process)
  const { port, version } = cassandra
  const node: Started = { running, port, version }
  const row = await fill(port)
  log(`${version} is warmed up`)
  await load(processes, port, WARM, NODE_WARM_SECONDS, [])
  const fastNode = await startFastNode(processes, port, row)
  const run = (before: Before) => measureBefore(before, processes, options, command, log)
  return [
    await run({ node, fastNode, title: REAL_TITLE, all: COLUMNS }),
    await run({ node: fastNode, fastNode, title: FAST_TITLE, all: FAST_COLUMNS }),
  ]
}
