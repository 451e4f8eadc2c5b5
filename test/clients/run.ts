import { fetchRedis, fetchValkey, type RedisPrograms } from '../real/fetch.ts'
import { startProxy } from '../real/proxy.ts'
import { startRedis } from '../real/servers.ts'
import { compareAnswers } from './cassandra/answers.ts'
import { compareClusters } from './cassandra/clusters.ts'
import { compareDrivers } from './cassandra/compare.ts'
import { compareNodes } from './cassandra/nodes.ts'
import { CASSANDRA_NEEDS } from './cassandra/server.ts'
import { CASSANDRA_CLIENTS, CLIENTS, CQLSH, missing, type Client, type Program } from './programs.ts'
import { close, report, title } from './report.ts'
import { runCases } from './run-cases.ts'

// Client libraries, directly and through the proxy: `npm run test:clients`. Those of other languages for Redis and Valkey, with RESP2 and
// RESP3; and drivers for Cassandra, with versions 3 to 5 of its protocol and each compression. With words behind it only the clients
// whose name has one of them. What a machine does not have is named and fails.

interface Ports {
  readonly server: number
  readonly proxy: number
}

/** One client, one server, one way to speak with it. */
async function compare(program: Program, name: string, ports: Ports, words: readonly string[]): Promise<void> {
  const direct = await runCases(program, ports.server, words)
  const through = await runCases(program, ports.proxy, words)
  const problems: string[] = []
  if (direct.size === 0) problems.push('the program has no cases')
  for (const [each, why] of direct) {
    if (why !== null) problems.push(`${each}, without the proxy: ${why}`)
    if (!through.has(each)) problems.push(`${each}: nothing was said of it`)
  }
  for (const [each, why] of through) if (why !== null) problems.push(`${each}: ${why}`)
  report(name, problems, [...through.values()].filter((why) => why === null).length)
}

async function onServer(servers: RedisPrograms, programs: ReadonlyMap<string, Program>): Promise<void> {
  title(servers.version)
  await using server = await startRedis({ programs: servers })
  await using proxy = await startProxy({ upstream: server.address })
  const ports = { server: server.port, proxy: proxy.port }
  for (const [name, program] of programs)
    for (const resp of ['2', '3']) await compare(program, `${name}, RESP${resp}`, ports, [resp])
  report('nothing of it was worth a warning', proxy.complaints, proxy.complaints.length === 0 ? 1 : 0)
}

async function build<P extends Program>(
  clients: readonly Client<P>[],
  words: readonly string[],
): Promise<Map<string, P>> {
  const programs = new Map<string, P>()
  for (const client of clients) {
    if (words.length > 0 && !words.some((word) => client.name.toLowerCase().includes(word.toLowerCase()))) continue
    const tools = missing(client)
    if (tools.length > 0) {
      report(client.name, [`not on this machine: ${tools.join(', ')}`], 0)
      continue
    }
    try {
      programs.set(client.name, await client.build())
    } catch (error) {
      report(client.name, [`it could not be built: ${(error as Error).message}`], 0)
    }
  }
  return programs
}

title('clients')
const isAll = process.argv.includes('--all')
const words = process.argv.slice(2).filter((word) => word !== '--all')
const programs = await build(CLIENTS, words)
const cassandraPrograms = await build(CASSANDRA_CLIENTS, words)
const shells = await build([CQLSH], words)
console.log(`  ${[...programs.keys(), ...cassandraPrograms.keys(), ...shells.keys()].join(', ')}`)
if (programs.size > 0) {
  await onServer(await fetchRedis(), programs)
  const valkey = await fetchValkey()
  if (valkey === null) report('Valkey 9.1.2', ['not on this machine: pip'], 0)
  else await onServer(valkey, programs)
}
if (cassandraPrograms.size + shells.size > 0) {
  title('what is understood of Cassandra')
  for (const { name, problems, cases } of await compareAnswers()) report(name, problems, cases)
  await compareDrivers(cassandraPrograms, shells.get(CQLSH.name) ?? null, isAll)
}
if ((isAll && words.length === 0) || words.includes('cluster')) {
  const tools = missing({ name: 'Cassandra', needs: CASSANDRA_NEEDS, build: () => Promise.resolve() })
  if (tools.length > 0) report('clusters of Cassandra', [`not on this machine: ${tools.join(', ')}`], 0)
  else {
    await compareClusters()
    title('nodes of Cassandra that die, stop and join')
    for (const { name, problems, cases } of await compareNodes()) report(name, problems, cases)
  }
}
process.exitCode = close() ? 0 : 1
