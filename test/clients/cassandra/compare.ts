import { join } from 'node:path'
import { Authority, CertificateFolder } from '../../real/certificates.ts'
import { startProxy, type Proxy } from '../../real/proxy.ts'
import { drawPort, startRedis } from '../../real/servers.ts'
import type { CassandraProgram, Program } from '../programs.ts'
import { report, title } from '../report.ts'
import { runCases } from '../run-cases.ts'
import { startCassandraCluster, type ClusterNodeServer } from './cluster-server.ts'
import { startCassandra, type CassandraRelease, type CassandraServer } from './server.ts'
import { nextKeyspaces, runSuite, type Place } from './suite.ts'
import { cassandraTopology, cluster, clusterOfNodes, single, type Sink, type TlsFiles } from './topologies.ts'
import { compareCqlsh } from './cqlsh.ts'

// Drivers for Cassandra, in front of servers of each release, with and without passwords and TLS.

/** User and password of a server that wants them, as it has them in the beginning. */
const SUPERUSER = { user: 'cassandra', password: 'cassandra' }

/** Custom payloads come back, or nobody would see that they had arrived; large values want room; and a schema need not survive the node. */
const JAVA = [
  '-Xmx512M',
  '-Dcassandra.test.flush_local_schema_changes=false',
  '-Dcassandra.custom_query_handler_class=org.apache.cassandra.cql3.CustomPayloadMirroringQueryHandler',
]

interface Server {
  readonly release: CassandraRelease
  /** It has users with passwords, and there is TLS on all ways to it. */
  readonly isGuarded: boolean
  /** In how many ways each driver is tried, unless it is in all. */
  readonly ways: number
}

const SERVERS: readonly Server[] = [
  { release: '4.1.10', isGuarded: false, ways: Infinity },
  { release: '4.1.10', isGuarded: true, ways: 1 },
  { release: '5.0.9', isGuarded: false, ways: 1 },
]

/** What the drivers speak through; the server itself is beside them. */
const SINKS: Readonly<Record<string, Sink>> = { CassandraSinkSingle: single, CassandraSinkCluster: cluster }

/** All of it; `all`: on each server in each way that a driver can speak. */
export async function compareDrivers(
  programs: ReadonlyMap<string, CassandraProgram>,
  shell: Program | null,
  all: boolean,
): Promise<void> {
  const authority = Authority.make()
  using folder = new CertificateFolder()
  const files = {
    ...folder.write('server', authority.issue()),
    authority: folder.file('authority.crt', authority.certificate),
  }
  for (const server of SERVERS) await onServer(server, files, { programs, shell, all })
  if (all) await onCluster(programs)
}

const RACKS = ['rack1', 'rack2', 'rack3']

/** Each driver in one way, with three nodes. */
async function onCluster(programs: ReadonlyMap<string, CassandraProgram>): Promise<void> {
  await using nodes = await startCassandraCluster(RACKS)
  title(`Cassandra, ${RACKS.length} nodes`)
  const [{ host, address }] = nodes.nodes as [ClusterNodeServer]
  await using proxy = await startProxy({ topology: (listen) => cassandraTopology(listen, address, clusterOfNodes) })
  const ports = { direct: nodes.port, CassandraSinkCluster: proxy.port }
  const place: Place = {
    release: '4.1.10',
    ports,
    credentials: null,
    authority: null,
    cluster: { host, datacenter: 'dc1' },
  }
  await everything(place, 1, { programs, shell: null, all: false })
  report('nothing of it was worth a warning', proxy.complaints, 1)
}

interface Wanted {
  readonly programs: ReadonlyMap<string, CassandraProgram>
  readonly shell: Program | null
  readonly all: boolean
}

async function onServer({ release, isGuarded, ways }: Server, files: TlsFiles, wanted: Wanted): Promise<void> {
  const tls = isGuarded ? files : null
  const options = { release, password: isGuarded, java: JAVA, ...(tls === null ? {} : { tls }) }
  await using server = await startCassandra(options)
  title(`${server.version}${isGuarded ? ', with passwords and TLS' : ''}`)
  await using stack = new AsyncDisposableStack()
  const proxies = new Map<string, Proxy>()
  for (const [name, sink] of Object.entries(SINKS)) {
    const proxy = await startProxy({ topology: (listen) => cassandraTopology(listen, server.address, sink, { tls }) })
    proxies.set(name, stack.use(proxy))
  }
  const place: Place = {
    release,
    ports: { direct: server.port, ...Object.fromEntries([...proxies].map(([name, { port }]) => [name, port])) },
    credentials: isGuarded ? SUPERUSER : null,
    authority: tls?.authority ?? null,
  }
  await everything(place, ways, wanted)
  for (const [name, { port }] of proxies)
    if (!isGuarded && wanted.programs.size > 0)
      await ask(`frame by frame through ${name}`, 'frames', [port, server.port])
  const complaints = [...proxies.values()].flatMap((proxy) => proxy.complaints)
  report('nothing of it was worth a warning', complaints, 1)
  if (isGuarded || release !== '4.1.10') return
  await filtered(server)
  await peers(server)
  await cached(server)
  for (const [name, program] of wanted.programs) await suiteCached(name, program, { server, release })
  await columns(server)
  await ask('what is made of the system tables is what they say, where proxies are the nodes', 'mirror', [server.port])
}

/** Each driver in its ways, and cqlsh. */
async function everything(place: Place, ways: number, { programs, shell, all }: Wanted): Promise<void> {
  for (const [name, program] of programs) {
    for (const way of all ? [...program.ways, ...program.more] : program.ways.slice(0, ways)) {
      const { same, problems } = await runSuite(program, way, place)
      report(`${name}, version ${way.version}, ${way.compression ?? 'plain'}`, problems, same)
    }
  }
  if (shell === null) return
  for (const version of all ? [3, 4, 5] : [5]) {
    const { same, problems } = await compareCqlsh(shell, version, place)
    report(`cqlsh, version ${version}`, problems, same)
  }
}

const READS_ONLY = [
  'QueryCounter: { name: "counter", counter_name: "all" }',
  'QueryTypeFilter: { name: "filter", DenyList: [Write] }',
]

/** What a driver is told where writes are filtered out. */
async function filtered(server: CassandraServer): Promise<void> {
  const port = drawPort()
  await using proxy = await startProxy({
    topology: (listen) => cassandraTopology(listen, server.address, single, { above: READS_ONLY }),
    config: `observability_interface: "127.0.0.1:${port}"`,
  })
  await ask('writes are filtered out, and all is counted', 'filtered', [proxy.port, server.port, port])
}

/** What a driver is told of other nodes. */
async function peers(server: CassandraServer): Promise<void> {
  const above = ['CassandraPeersRewrite: { name: "peers", port: 9044 }']
  await using proxy = await startProxy({
    topology: (listen) => cassandraTopology(listen, server.address, single, { above }),
  })
  await ask('peers have the port of the proxy', 'peers', [proxy.port, server.port])
}

const CACHED = [
  '"cached.t": { partition_key: [k], range_key: [c] }',
  '"cached.counters": { partition_key: [k], range_key: [] }',
  '"cached.by_v": { partition_key: [v], range_key: [k] }',
  `'"Cached"."T_x"': { partition_key: [K, b], range_key: [] }`,
  ...Array.from({ length: 19 }, (_, i) => `"cached.key${i}": { partition_key: [k], range_key: [] }`),
]

/** A cache of these tables in the Valkey at this address. */
function cacheOf(valkey: string, schema: readonly string[]): string {
  return `ValkeyCache: { name: "cache", chain: [{ ValkeySinkSingle: { remote_address: "${valkey}", connect_timeout_ms: 3000 } }],
          caching_schema: { ${schema.join(', ')} } }`
}

/** What a driver reads where replies are kept in a Valkey that two proxies share. */
async function cached(server: CassandraServer): Promise<void> {
  await using valkey = await startRedis()
  const port = drawPort()
  const topology = (listen: string) =>
    cassandraTopology(listen, server.address, single, { above: [cacheOf(valkey.address, CACHED)] })
  await using proxy = await startProxy({
    topology,
    config: `observability_interface: "127.0.0.1:${port}"`,
    coreThreads: 2,
  })
  await using other = await startProxy({ topology })
  await ask('what is kept is never older than what was written', 'cached', [proxy.port, other.port, server.port, port, valkey.port]) // prettier-ignore
  const expected = /nothing of cached\.by_v is cached|Cache error: no reply in time/
  const complaints = [...proxy.complaints, ...other.complaints].filter((line) => !expected.test(line))
  report('nothing of it was worth another warning', complaints, 1)
}

/** The suite of a driver where all that can be is kept. */
async function suiteCached(
  name: string,
  program: CassandraProgram,
  { server, release }: { readonly server: CassandraServer; readonly release: CassandraRelease },
): Promise<void> {
  await using valkey = await startRedis()
  const { keyspaces, tables } = nextKeyspaces(2)
  const schema = tables.map((table) => `"${keyspaces[1]}.${table}": { partition_key: [k], range_key: [] }`)
  const above = [cacheOf(valkey.address, schema)]
  await using proxy = await startProxy({
    topology: (listen) => cassandraTopology(listen, server.address, single, { above }),
    coreThreads: 2,
  })
  const ports = { direct: server.port, ValkeyCache: proxy.port }
  const { same, problems } = await runSuite(program, program.ways[0]!, { release, ports, credentials: null, authority: null }) // prettier-ignore
  report(`${name}, its replies kept`, problems, same)
}

/** Columns of a keyspace; n.i can't be. */
const protect = (
  keyspace: string,
) => `Protect: { name: protect, search_key: kek, key_manager: { Local: { kek: "Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k=", kek_id: kek } },
          keyspace_table_columns: { ${keyspace}: { t: [s, b, a], u: [s], p: [s], n: [i] } },
          searchable_columns: { ${keyspace}: { t: [d], u: [p, c] } } }`

/** What a driver writes and reads where columns are protected. */
async function columns(server: CassandraServer): Promise<void> {
  for (const [number, [name, sink]] of Object.entries(SINKS).entries()) {
    const above = [protect(`protected${number}`)]
    await using proxy = await startProxy({
      topology: (listen) => cassandraTopology(listen, server.address, sink, { above }),
    })
    await ask(`protected columns, through ${name}`, 'protect', [proxy.port, server.port, number])
    report('nothing of it was worth a warning', proxy.complaints, 1)
  }
}

async function ask(what: string, name: string, [port, ...more]: number[]): Promise<void> {
  const args = [join(import.meta.dirname, `${name}.ts`)]
  const told = await runCases({ command: process.execPath, args, env: process.env }, port!, more.map(String))
  const problems = [...told].filter(([, why]) => why !== null).map(([each, why]) => `${each}: ${why}`)
  report(what, told.size === 0 ? ['the program has no cases'] : problems, told.size - problems.length)
}
