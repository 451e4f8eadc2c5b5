import { execFile } from 'node:child_process'
import { styleText } from 'node:util'
import { fetchRedis, fetchValkey, type RedisPrograms } from '../real/fetch.ts'
import { startProxy } from '../real/proxy.ts'
import { startRedis } from '../real/servers.ts'
import { CLIENTS, missing, type Program } from './programs.ts'

// Client libraries of other languages, directly and through the proxy, with RESP2 and RESP3, on Redis and on Valkey:
// `npm run test:clients`. With words behind it only the clients whose name has one of them. What a machine does not have is
// named and fails.

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
function run(program: Program, port: number, resp: 2 | 3): Promise<Map<string, string | null>> {
  return new Promise((resolve) => {
    const args = [...program.args, String(port), String(resp)]
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

/** One client, one server, one version of the protocol. */
async function compare(program: Program, name: string, ports: { server: number; proxy: number }, resp: 2 | 3) {
  const direct = await run(program, ports.server, resp)
  const through = await run(program, ports.proxy, resp)
  const problems: string[] = []
  if (direct.size === 0) problems.push('the program has no cases')
  for (const [each, why] of direct) {
    if (why !== null) problems.push(`${each}, without the proxy: ${why}`)
    if (!through.has(each)) problems.push(`${each}: nothing was said of it`)
  }
  for (const [each, why] of through) if (why !== null) problems.push(`${each}: ${why}`)
  report(`${name}, RESP${resp}`, problems, [...through.values()].filter((why) => why === null).length)
}

async function onServer(servers: RedisPrograms, programs: ReadonlyMap<string, Program>): Promise<void> {
  console.log(styleText('bold', `\n== ${servers.version}`))
  await using server = await startRedis({ programs: servers })
  await using proxy = await startProxy({ upstream: server.address })
  const ports = { server: server.port, proxy: proxy.port }
  for (const [name, program] of programs) for (const resp of [2, 3] as const) await compare(program, name, ports, resp)
  report('nothing of it was worth a warning', proxy.complaints, proxy.complaints.length === 0 ? 1 : 0)
}

async function build(words: readonly string[]): Promise<Map<string, Program>> {
  const programs = new Map<string, Program>()
  for (const client of CLIENTS) {
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
const programs = await build(process.argv.slice(2))
console.log(`  ${[...programs.keys()].join(', ')}`)
await onServer(await fetchRedis(), programs)
const valkey = await fetchValkey()
if (valkey === null) report('Valkey 9.1.2', ['not on this machine: pip'], 0)
else await onServer(valkey, programs)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
