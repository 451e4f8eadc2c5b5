import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { requestFrame } from '../../../src/protocols/cassandra/envelope.ts'
import { NO_PARAMETERS, type Parameters, type Request } from '../../../src/protocols/cassandra/body/requests.ts'
import type { Response } from '../../../src/protocols/cassandra/body/responses.ts'
import { ModelClient } from '../../../src/protocols/cassandra/model/client.ts'
import { STARTUP } from '../../../src/protocols/cassandra/opcodes.ts'
import { nodeWorld } from '../../../src/world/node.ts'
import { stringMap } from '../../cassandra.ts'
import { tellCases } from './cases.ts'

// What no driver shows, frame by frame, directly and through the proxy: `frames.ts PORT SERVER-PORT`.

const [port, serverPort] = process.argv.slice(2).map(Number)
const world = nodeWorld()
const EVENTS = ['SCHEMA_CHANGE', 'STATUS_CHANGE', 'TOPOLOGY_CHANGE']
const EVENT_MS = 20_000
const SIMPLE = `{'class': 'SimpleStrategy', 'replication_factor': 1}`
const CHANGES = [
  `CREATE KEYSPACE raw WITH replication = ${SIMPLE}`,
  `ALTER KEYSPACE raw WITH replication = ${SIMPLE} AND durable_writes = false`,
  'CREATE TABLE raw.t (k int PRIMARY KEY)',
  'ALTER TABLE raw.t ADD v text',
  'CREATE TYPE raw.u (a int)',
  'CREATE INDEX i ON raw.t (v)',
  'DROP TABLE raw.t',
  'DROP KEYSPACE raw',
]
const query = (text: string, more: Partial<Parameters> = {}): Request => ({
  type: 'query',
  text,
  parameters: { ...NO_PARAMETERS, ...more },
})

async function started(at: number, version: number, compression: 'lz4' | null): Promise<ModelClient> {
  const client = new ModelClient(world, { version, compression, credentials: null })
  await client.connect({ host: '127.0.0.1', port: at })
  assert.equal((await client.start()).type, 'ready')
  return client
}

const textOf = (event: Response | undefined) => (event?.type === 'event' ? event.rest.toString('latin1') : '')

/** Both ways at once. */
async function both<T>(act: (at: number) => Promise<T>): Promise<[T, T]> {
  return await Promise.all([act(serverPort!), act(port!)])
}

async function events(version: number, compression: 'lz4' | null): Promise<void> {
  const [direct, through] = await both((at) => started(at, version, compression))
  try {
    const told: [Response[], Response[]] = [[], []]
    for (const [index, client] of [direct, through].entries()) {
      client.onEvent = (event) => void told[index]!.push(event)
      assert.equal((await client.ask({ type: 'register', events: EVENTS })).type, 'ready')
    }
    for (const change of CHANGES) assert.notEqual((await direct.ask(query(change))).type, 'error', change)
    const enough = () => told.every((each) => /DROPPED.*KEYSPACE/s.test(textOf(each.at(-1))))
    for (const deadline = Date.now() + EVENT_MS; !enough() && Date.now() < deadline;) await wait(10)
    assert.ok(told[0].length >= CHANGES.length)
    assert.deepEqual(told[1], told[0])
  } finally {
    direct.destroy()
    through.destroy()
  }
}

/** Answers that are no rows, as they are on the wire. */
async function answers(version: number, compression: 'lz4' | null): Promise<void> {
  const requests: Request[] = [
    { type: 'options' },
    { type: 'register', events: ['NOTHING'] },
    {
      type: 'execute',
      id: Buffer.alloc(16),
      metadataId: version >= 5 ? Buffer.alloc(16) : null,
      parameters: NO_PARAMETERS,
    },
    { type: 'prepare', text: 'SELECT * FROM system.local WHERE key = ?', keyspace: null },
    { type: 'prepare', text: 'SELECT', keyspace: null },
    query("SELECT key, native_port FROM system.local WHERE key = 'local'"),
    query('SELECT keyspace_name FROM system_schema.keyspaces', { pageSize: 2 }),
    query('SELECT key FROM system.local', { skipsMetadata: true }),
    query('USE system_schema'),
    query('SELECT * FROM keyspaces LIMIT 1'),
    query('SELECT key FROM local', version >= 5 ? { keyspace: 'system' } : {}),
    query('SELECT key FROM system.local', { consistency: 99 }),
    query('SELECT \u0000'),
  ]
  const [direct, through] = await both(async (at) => {
    const client = await started(at, version, compression)
    const told: unknown[] = []
    for (const request of requests) told.push(withoutPorts(await client.ask(request)))
    client.destroy()
    return told
  })
  assert.deepEqual(through, direct)
}

const UNPREPARED = 0x2500

/** But for what each thing says of itself: where it listens, and why a statement is not prepared there. */
function withoutPorts(reply: Response): unknown {
  if (reply.type !== 'error') return reply
  const message = reply.message.replaceAll(String(port), String(serverPort))
  return { ...reply, message: reply.code === UNPREPARED ? '' : message }
}

async function strange(frame: Buffer): Promise<void> {
  const [direct, through] = await both(async (at) => {
    const socket = connect(at, '127.0.0.1')
    try {
      socket.write(frame)
      const [bytes] = (await once(socket, 'data')) as [Buffer]
      return bytes
    } finally {
      socket.destroy()
    }
  })
  assert.equal(through.readInt32BE(9), direct.readInt32BE(9))
}

const WAYS = [[3, null], [3, 'lz4'], [4, null], [4, 'lz4'], [5, null], [5, 'lz4']] as const // prettier-ignore
const startup = (version: number, options: Record<string, string>) =>
  requestFrame(version, 7, STARTUP, stringMap(options)).toBuffer()

const CASES: Record<string, () => Promise<void>> = Object.fromEntries([
  ...WAYS.map(([version, compression]) => [
    `events, version ${version} ${compression}`,
    () => events(version, compression),
  ]),
  ...WAYS.map(([version, compression]) => [
    `answers, version ${version} ${compression}`,
    () => answers(version, compression),
  ]),
  ['a version that is not spoken', () => strange(startup(6, { CQL_VERSION: '3.0.0' }))],
  ['STARTUP without a version of CQL', () => strange(startup(4, {}))],
  ['a compression that is not known', () => strange(startup(4, { CQL_VERSION: '3.0.0', COMPRESSION: 'zip' }))],
  ['Snappy in version 5', () => strange(startup(5, { CQL_VERSION: '3.0.0', COMPRESSION: 'snappy' }))],
]) as Record<string, () => Promise<void>>

await tellCases(CASES)
