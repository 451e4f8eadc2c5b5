import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client, auth } from 'cassandra-driver'
import type { Program } from '../programs.ts'
import type { CassandraRelease } from './server.ts'
import { CASES, type Case, type Step } from './suite.table.ts'

// The suite with one driver in one way, directly and through proxies: all at once, each in a keyspace of its own, and what is said of each
// step compared.

const PROGRAM_MS = 180_000
const LOOPBACK = '127.0.0.1'

/** How a driver is to speak. */
export interface Way {
  readonly version: number
  readonly compression: 'lz4' | 'snappy' | null
}

/** Whom it speaks to. */
export interface Place {
  readonly release: CassandraRelease
  /** By what they are called in reports; `direct` is the server itself. */
  readonly ports: Readonly<Record<'direct' | (string & {}), number>>
  readonly credentials: { readonly user: string; readonly password: string } | null
  /** PEM file of who vouches for the servers; null: in the clear. */
  readonly authority: string | null
  /** Where one of several servers is; absent: there is one, on 127.0.0.1. What an error says of nodes is not compared then. */
  readonly cluster?: { readonly host: string; readonly datacenter: string }
}

/** What came of a step: of an error its text, else what it gave. */
interface Told {
  readonly error?: string
  /** The driver does not know how to. */
  readonly cant?: string
  readonly rows?: readonly string[]
}

export interface Verdict {
  /** Steps that went through the proxies as they did directly. */
  readonly same: number
  readonly problems: readonly string[]
}

let drawn = 0

/** Names of the same length: as much is sent, and cut at the same places. */
function keyspaceNamed(number: number): string {
  return `suite_${String(number).padStart(3, '0')}`
}

/** The keyspaces in which the next run works, in the order of its ports; and the tables that it makes there, but those of all types. */
export function nextKeyspaces(count: number): { readonly keyspaces: string[]; readonly tables: string[] } {
  const keyspaces = Array.from({ length: count }, (_, i) => keyspaceNamed(drawn + 1 + i))
  const made = JSON.stringify(CASES).matchAll(/CREATE TABLE ([a-z]+) /g)
  return { keyspaces, tables: [...new Set(Array.from(made, ([, name]) => name!))] }
}

/** Runs it. */
export async function runSuite(program: Program, way: Way, place: Place): Promise<Verdict> {
  const cases = casesFor(way, place)
  const folder = mkdtempSync(join(tmpdir(), 'shotover-suite-'))
  try {
    const names = Object.keys(place.ports)
    const told = await Promise.all(names.map((name) => runProgram(program, way, place, name, cases, folder)))
    const [direct, ...through] = told.map((lines, index) => ({ name: names[index]!, lines }))
    const problems = judge(cases, direct!.lines).map((problem) => `directly: ${problem}`)
    let same = 0
    for (const { name, lines } of through) {
      const differences = compare(cases, direct!.lines, lines)
      problems.push(...differences.map((difference) => `${name}: ${difference}`))
      same += direct!.lines.size - differences.length
    }
    return { same, problems }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function casesFor(way: Way, { release, credentials }: Place): Case[] {
  const isMeant = (step: Step) => (step.since ?? 3) <= way.version && (step.release ?? release) === release
  return CASES.filter(({ where = '' }) => where !== (credentials === null ? 'password' : 'open')).map((each) => ({
    ...each,
    steps: each.steps.filter(isMeant),
  }))
}

/** What a program says of each step, by case and number; of what it did not get to, nothing. */
async function runProgram(
  program: Program,
  way: Way,
  { credentials, authority, ports, cluster }: Place,
  name: string,
  cases: readonly Case[],
  folder: string,
): Promise<Map<string, Told>> {
  const keyspace = keyspaceNamed(++drawn)
  const port = ports[name]!
  const server = { host: cluster?.host ?? LOOPBACK, datacenter: cluster?.datacenter ?? 'datacenter1' }
  const client = clientOf(ports['direct']!, server, credentials)
  await client.execute(
    `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
  )
  const file = join(folder, `${keyspace}.json`)
  writeFileSync(file, JSON.stringify(cases).replaceAll('$ks', keyspace))
  const at = { ...server, ...(name === 'direct' ? {} : { host: LOOPBACK }) }
  const settings = { ...way, ...at, port, keyspace, authority, user: credentials?.user ?? null, password: credentials?.password ?? null } // prettier-ignore
  const lines = new Map<string, Told>()
  const output = await execute(program, [JSON.stringify(settings), file])
  // Ports and keyspaces are theirs, and so are ids that nobody chose.
  const alike = output
    .replaceAll(keyspace, 'KEYSPACE')
    .replaceAll(String(port), 'PORT')
    .replaceAll(/\b[0-9a-f]{32}\b|(?<=hashCode=)[0-9a-f]+|(?<=hostId=)[0-9a-f-]+/g, 'ID')
  for (const line of alike.split('\n').filter((text) => text.startsWith('{'))) {
    const { case: of, step, ...told } = JSON.parse(line) as { case?: string; step?: number } & Told
    const isLoose = cluster !== undefined && told.error !== undefined
    lines.set(of === undefined ? 'connecting' : `${of}, ${step}`, isLoose ? { error: 'an error' } : told)
  }
  if (!alike.endsWith('\n\n')) lines.set('the program itself', { error: alike.slice(-2000) })
  await client.execute(`DROP KEYSPACE ${keyspace}`)
  await client.shutdown()
  return lines
}

function clientOf(
  port: number,
  { host, datacenter }: NonNullable<Place['cluster']>,
  credentials: Place['credentials'],
): Client {
  return new Client({
    contactPoints: [host],
    localDataCenter: datacenter,
    protocolOptions: { port },
    socketOptions: { readTimeout: 60_000 },
    ...(credentials === null
      ? {}
      : { authProvider: new auth.PlainTextAuthProvider(credentials.user, credentials.password) }),
  })
}

/** What it wrote, and an empty line behind that if it ended well. */
function execute(program: Program, args: readonly string[]): Promise<string> {
  const options = { env: program.env, timeout: PROGRAM_MS, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const
  return new Promise((resolve) =>
    execFile(program.command, [...program.args, ...args], options, (error, stdout, stderr) =>
      resolve(error === null ? `${stdout}\n` : `${stdout}${error.message}\n${stderr}`),
    ),
  )
}

/** What is not as the table has it. */
function judge(cases: readonly Case[], told: ReadonlyMap<string, Told>): string[] {
  const itself = told.get('the program itself')
  if (itself !== undefined) return [itself.error!]
  return cases.flatMap(({ name, steps }) =>
    steps.flatMap((step, index) => {
      const place = `${name}, ${index}`
      const problem = judgeStep(step, told.get(place))
      return problem === null ? [] : [`${place} (${textOf(step)}): ${problem}`]
    }),
  )
}

function judgeStep(step: Step, told: Told | undefined): string | null {
  if (told === undefined) return 'nothing was said of it'
  if (told.cant !== undefined || step.may) return null
  if (told.error !== undefined) return step.fails ? null : told.error
  if (step.fails) return 'it did not fail'
  const { rows = [] } = told
  if (step.rows !== undefined && rows.length !== step.rows) return `${rows.length} rows instead of ${step.rows}`
  return step.same && new Set(rows).size > 1 ? `not the same: ${rows.join(' | ')}` : null
}

function compare(
  cases: readonly Case[],
  direct: ReadonlyMap<string, Told>,
  through: ReadonlyMap<string, Told>,
): string[] {
  const places = new Map(cases.flatMap(({ name, steps }) => steps.map((step, index) => [`${name}, ${index}`, step])))
  return [...new Set([...direct.keys(), ...through.keys()])].flatMap((place) => {
    const [expected, actual] = [direct.get(place), through.get(place)].map((told) =>
      JSON.stringify(told)?.slice(0, 500),
    )
    if (JSON.stringify(direct.get(place)) === JSON.stringify(through.get(place))) return []
    const step = places.get(place)
    return [`${place}${step === undefined ? '' : ` (${textOf(step)})`}: ${actual}\n  directly: ${expected}`]
  })
}

function textOf(step: Step): string {
  if ('cql' in step) return step.cql.slice(0, 100)
  return step.do === 'copy' ? step.insert : step.do
}
