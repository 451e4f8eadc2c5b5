import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { auth, Client, types, type ClientOptions, type QueryOptions } from 'cassandra-driver'
import type { Asked, Case, Step, Value } from './suite.table.ts'

// The cases of the suite with the driver for Node: `suite-node.ts SETTINGS CASES`, both JSON, the second in a file. Prints a line of JSON
// for each step: what came of it.

interface Settings {
  readonly host: string
  readonly datacenter: string
  readonly port: number
  readonly version: number
  readonly keyspace: string
  readonly authority: string | null
  readonly user: string | null
  readonly password: string | null
}

type Told = Record<string, unknown>
type Executed = Extract<Step, { do: 'run' | 'batch' | 'copy' }>

const settings = JSON.parse(process.argv[2]!) as Settings
const sessions = new Map<string, Client>()

async function connect(
  options: Partial<ClientOptions>,
  user = settings.user,
  password = settings.password,
): Promise<Client> {
  const client = new Client({
    contactPoints: [settings.host],
    localDataCenter: settings.datacenter,
    protocolOptions: { port: settings.port, maxVersion: settings.version },
    pooling: { coreConnectionsPerHost: { 0: 1 }, maxRequestsPerConnection: 2048 },
    socketOptions: { readTimeout: 60_000 },
    ...(user === null ? {} : { authProvider: new auth.PlainTextAuthProvider(user, password!) }),
    ...(settings.authority === null ? {} : { sslOptions: { ca: [readFileSync(settings.authority)], rejectUnauthorized: true } }), // prettier-ignore
    ...options,
  })
  try {
    await client.connect()
    return client
  } catch (error) {
    await client.shutdown()
    throw error
  }
}

function valueOf(value: Value, i: number): unknown {
  if (value === '$i') return i
  if (typeof value === 'string') return value.replaceAll('$i', String(i))
  return value !== null && typeof value === 'object' ? blob(value.blob) : value
}

/** Bytes that do not compress, the same in each language, in blocks that repeat. */
function blob(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let x = 1
  for (let i = 0; i < size; i++) {
    if (i >= 65537) {
      bytes[i] = bytes[i - 65537]!
      continue
    }
    x = Number((BigInt(x) * 1103515245n + 12345n) % 2147483648n)
    bytes[i] = (x >> 16) & 255
  }
  return bytes
}

const bound = ({ values = [] }: Pick<Asked, 'values'>, i = 0) => values.map((value) => valueOf(value, i))

function text(value: unknown): string {
  if (Buffer.isBuffer(value) && value.length > 64)
    return `${value.length} bytes ${createHash('sha256').update(value).digest('hex').slice(0, 16)}`
  if (value instanceof Map || (value !== null && typeof value === 'object' && value.constructor === Object))
    return JSON.stringify(value)
  return Array.isArray(value) ? `[${value.map(text).join(', ')}]` : String(value)
}

const rowText = (row: types.Row) =>
  row
    .keys()
    .map((name) => `${name}=${text(row.get(name))}`)
    .join(' ')

function optionsOf(step: Executed): QueryOptions {
  if (step.do === 'copy') return { prepare: true }
  return {
    autoPage: false,
    ...(step.do === 'batch'
      ? {
          logged: step.kind === 'logged',
          counter: step.kind === 'counter',
          prepare: step.statements.some(({ values }) => values),
        }
      : { prepare: step.values !== undefined || step.prepare === true }),
    ...(step.consistency === undefined ? {} : { consistency: types.consistencies[consistencyName(step.consistency)]! }),
    ...(step.page === undefined ? {} : { fetchSize: step.page }),
    ...(step.timestamp === undefined ? {} : { timestamp: types.Long.fromNumber(step.timestamp) }),
    ...(step.trace === undefined ? {} : { traceQuery: true }),
    ...(step.payload === undefined ? {} : { customPayload: Object.fromEntries(Object.entries(step.payload).map(([key, value]) => [key, Buffer.from(value)])) }), // prettier-ignore
  } as QueryOptions
}

/** LOCAL_QUORUM is localQuorum. */
const consistencyName = (name: string) =>
  name
    .toLowerCase()
    .replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as keyof typeof types.consistencies

async function execute(
  client: Client,
  step: Executed,
  send: (options: QueryOptions) => Promise<types.ResultSet>,
): Promise<Told> {
  const rows: string[] = []
  const pages: number[] = []
  const options = optionsOf(step)
  for (let pageState: string | null = null; ;) {
    const result: types.ResultSet = await send({ ...options, ...(pageState === null ? {} : { pageState }) })
    const page = (result.rows ?? []).map(rowText)
    rows.push(...page)
    pages.push(page.length)
    pageState = result.pageState
    if (pageState && 'page' in step) continue
    const { warnings, customPayload, traceId } = result.info
    const payload = Object.fromEntries(
      Object.entries((customPayload ?? {}) as Record<string, Buffer>).map(([key, value]) => [
        key,
        value.toString('hex'),
      ]),
    )
    const traced = traceId ? (await client.metadata.getTrace(traceId)).events.length > 0 : undefined
    return { rows, pages, warnings, payload, traced }
  }
}

async function act(step: Step): Promise<Told> {
  const client = sessions.get(('on' in step && step.on) || 'main')!
  switch (step.do) {
    case 'run':
      return await execute(client, step, (options) => client.execute(step.cql, bound(step), options))
    case 'copy': {
      const row = (await client.execute(step.select)).first()
      return await execute(client, step, (options) => client.execute(step.insert, row.values(), options))
    }
    case 'batch': {
      const queries = step.statements.map((each) => ({ query: each.cql, params: bound(each) }))
      return await execute(client, step, (options) => client.batch(queries, options))
    }
    case 'many':
      return await many(step)
    case 'event':
      await client.execute(step.cql)
      return { cant: 'the driver asks for a table whenever one wants to know of it' }
    case 'open':
      sessions.set(step.name, await connect({ ...(step.keyspace === undefined ? {} : { keyspace: step.keyspace }) }, step.user, step.password)) // prettier-ignore
      return {}
    case 'close':
      await sessions.get(step.name)?.shutdown()
      sessions.delete(step.name)
      return {}
  }
}

async function many(step: Extract<Step, { do: 'many' }>): Promise<Told> {
  const on = (step.sessions ?? ['main']).map((name) => sessions.get(name)!)
  const found = await Promise.all(
    Array.from({ length: step.count }, (_, i) =>
      on[i % on.length]!.execute(step.cql, bound(step, i), { prepare: true }),
    ),
  )
  const texts = found.map(({ rows }) => (rows ?? []).map(rowText).join(' '))
  return { rows: texts.slice(0, 1), digest: createHash('sha256').update(texts.join('\n')).digest('hex') }
}

/** Of a failure with several hosts, what each of them said. */
function textOf(error: Error & { innerErrors?: Record<string, Error> }): string {
  const inner = Object.values(error.innerErrors ?? {}).map(({ message }) => message)
  // Behind the first line stands where in the driver it was.
  return [`${error.name}: ${error.message}`, ...inner].map((text) => text.split('\n')[0]).join(' ')
}

sessions.set('main', await connect({ keyspace: settings.keyspace }))
console.log(JSON.stringify({ version: (sessions.get('main') as unknown as { controlConnection: { protocolVersion: number } }).controlConnection.protocolVersion })) // prettier-ignore
for (const each of JSON.parse(readFileSync(process.argv[3]!, 'utf8')) as Case[]) {
  for (const [index, step] of each.steps.entries()) {
    const told = await act(step).catch((error: Error) => ({ error: textOf(error) }))
    console.log(JSON.stringify({ case: each.name, step: index, ...told }))
  }
}
await Promise.all([...sessions.values()].map((client) => client.shutdown()))
