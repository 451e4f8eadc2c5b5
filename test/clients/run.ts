import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { fetchRedis, fetchValkey, type RedisPrograms } from '../real/fetch.ts'
import { startProxy } from '../real/proxy.ts'
import { drawPort, startRedis } from '../real/servers.ts'
import { compareAnswers } from './cassandra/answers.ts'
import { startCassandra, type CassandraServer } from './cassandra/server.ts'
import { CASSANDRA_CLIENTS, CLIENTS, missing, type CassandraProgram, type Client, type Program } from './programs.ts'

// Client libraries, directly and through the proxy: `npm run test:clients`. Those of other languages for Redis and Valkey, with RESP2 and
// RESP3; and drivers for Cassandra, with versions 3 to 5 of its protocol and each compression. With words behind it only the clients
// whose name has one of them. What a machine does not have is named and fails.

const PROGRAM_MS = 120_000
let passed = 0
let failed = 0

function report(name: string, problems: readonly string[], cases: number): void {
  const mark = problems.length === 0 ? styleText('green', '✓') : styleText('red', '✗')
  console.log(`  ${mark} ${name}${cases === 0 ? '' : `  ${cases}`}`)
  for (const problem of problems) console.log(`      ${problem.replaceAll('\n', '\n      ')}`)
  passed += cases
  failed += problems.length
}

/** What a program says of each of its cases: null where it went well. */
function run(program: Program, port: number, words: readonly string[]): Promise<Map<string, string | null>> {
  return new Promise((resolve) => {
    const args = [...program.args, String(port), ...words]
    const options = {
      env: program.env,
      timeout: PROGRAM_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 16 * 1024 * 1024,
    } as const
    execFile(program.command, args, options, (error, stdout, stderr) => {
      const told = new Map<string, string | null>()
      for (const line of stdout.split('\n')) {
        const [, verdict, name, why] = /^(ok|failed) ([^:]+)(?:: (.*))?$/.exec(line) ?? []
        if (name !== undefined) told.set(name, verdict === 'ok' ? null : (why ?? 'it does not say why'))
      }
      if (error !== null) told.set('the program itself', `${error.message}\n${stderr}`)
      resolve(told)
    })
  })
}

interface Ports {
  readonly server: number
  readonly proxy: number
}

/** One client, one server, one way to speak with it. */
async function compare(program: Program, name: string, ports: Ports, words: readonly string[]): Promise<void> {
  const direct = await run(program, ports.server, words)
  const through = await run(program, ports.proxy, words)
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
  console.log(styleText('bold', `\n== ${servers.version}`))
  await using server = await startRedis({ programs: servers })
  await using proxy = await startProxy({ upstream: server.address })
  const ports = { server: server.port, proxy: proxy.port }
  for (const [name, program] of programs)
    for (const resp of ['2', '3']) await compare(program, `${name}, RESP${resp}`, ports, [resp])
  report('nothing of it was worth a warning', proxy.complaints, proxy.complaints.length === 0 ? 1 : 0)
}

/** Cassandra -> CassandraSinkSingle, with `above` before it. */
function cassandraTopology(listen: string, server: string, above = ''): string {
  return `sources:
  - Cassandra:
      name: "cassandra"
      listen_addr: "${listen}"
      chain:${above}
        - CassandraSinkSingle:
            name: "sink"
            remote_address: "${server}"
            connect_timeout_ms: 3000
`
}

/** User and password of a server that wants them, as it has them in the beginning. */
const SUPERUSER = ['cassandra', 'cassandra']

async function onCassandra(programs: ReadonlyMap<string, CassandraProgram>, withPassword: boolean): Promise<void> {
  await using server = await startCassandra({ password: withPassword })
  console.log(styleText('bold', `\n== ${server.version}${withPassword ? ', with a password' : ''}`))
  await using proxy = await startProxy({ topology: (listen) => cassandraTopology(listen, server.address) })
  const ports = { server: server.port, proxy: proxy.port }
  for (const [name, program] of programs) {
    for (const words of withPassword ? program.ways.filter((_, index) => index % 2 === 0) : program.ways) {
      const told = `${name}, version ${words.join(' ')}`
      await compare(program, told, ports, withPassword ? [...words, ...SUPERUSER] : words)
    }
  }
  report('nothing of it was worth a warning', proxy.complaints, proxy.complaints.length === 0 ? 1 : 0)
  if (withPassword) return
  await filtered(server)
  await peers(server)
  await ask('what is made of the system tables is what they say, where proxies are the nodes', 'mirror', [server.port])
}

const READS_ONLY = `
        - QueryCounter: { name: "counter", counter_name: "all" }
        - QueryTypeFilter: { name: "filter", DenyList: [Write] }`

/** What a driver is told where writes are filtered out. */
async function filtered(server: CassandraServer): Promise<void> {
  const port = drawPort()
  await using proxy = await startProxy({
    topology: (listen) => cassandraTopology(listen, server.address, READS_ONLY),
    config: `observability_interface: "127.0.0.1:${port}"`,
  })
  await ask('writes are filtered out, and all is counted', 'filtered', [proxy.port, server.port, port])
}

/** What a driver is told of other nodes. */
async function peers(server: CassandraServer): Promise<void> {
  const rewrite = `
        - CassandraPeersRewrite: { name: "peers", port: 9044 }`
  await using proxy = await startProxy({ topology: (listen) => cassandraTopology(listen, server.address, rewrite) })
  await ask('peers have the port of the proxy', 'peers', [proxy.port, server.port])
}

async function ask(title: string, name: string, [port, ...more]: number[]): Promise<void> {
  const args = [join(import.meta.dirname, `cassandra/${name}.ts`)]
  const told = await run({ command: process.execPath, args, env: process.env }, port!, more.map(String))
  const problems = [...told].filter(([, why]) => why !== null).map(([each, why]) => `${each}: ${why}`)
  report(title, told.size === 0 ? ['the program has no cases'] : problems, told.size - problems.length)
}

async function build<P extends Program>(
  clients: readonly Client<P>[],
  words: readonly string[],
): Promise<Map<string, P>> {
  const programs = new Map<string, P>()
  for (const client of clients) {
    if (words.length > 0 && !words.some((word) => client.name.includes(word))) continue
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

console.log(styleText('bold', '== clients'))
const words = process.argv.slice(2)
const programs = await build(CLIENTS, words)
const cassandraPrograms = await build(CASSANDRA_CLIENTS, words)
console.log(`  ${[...programs.keys(), ...cassandraPrograms.keys()].join(', ')}`)
if (programs.size > 0) {
  await onServer(await fetchRedis(), programs)
  const valkey = await fetchValkey()
  if (valkey === null) report('Valkey 9.1.2', ['not on this machine: pip'], 0)
  else await onServer(valkey, programs)
}
if (cassandraPrograms.size > 0) {
  console.log(styleText('bold', '\n== what is understood of Cassandra'))
  for (const { name, problems, cases } of await compareAnswers()) report(name, problems, cases)
  for (const withPassword of [false, true]) await onCassandra(cassandraPrograms, withPassword)
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
