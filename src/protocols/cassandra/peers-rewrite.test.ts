import assert from 'node:assert/strict'
import { test } from 'node:test'
import { int, metadata, nodeEvent, query } from '../../../test/cassandra.ts'
import { play, type Play } from '../../../test/kit.ts'
import type { Frame } from '../../core/frame.ts'
import type { Protocol } from '../../core/protocol.ts'
import { bodyOf, encodeBody, plain } from './body/body.ts'
import { NO_PARAMETERS, type Request } from './body/requests.ts'
import type { Response } from './body/responses.ts'
import { errorFrame, HEADER_BYTES, responseFrame } from './envelope.ts'
import { cassandra } from './index.ts'
import { ERROR_INVALID, READY } from './opcodes.ts'
import { cassandraPeersRewrite } from './peers-rewrite.ts'

const PEERS = 'system.peers_v2'
const PARAMETERS = { ...NO_PARAMETERS, skipsMetadata: true }

const started = (limits = {}) =>
  play(cassandraPeersRewrite, { port: 9044 }, { protocol: cassandra as Protocol, limits })

function said(message: Request | Response, stream = 0, version = 4): Buffer {
  return encodeBody(plain(version, message), stream).toBuffer()
}

/** A reply with two rows: a column of int has the port, others their own names. */
function rows(table: string, columns: readonly string[], isDescribed = true): Response {
  const described = metadata(table, ...columns)
  const row = columns.map((column) => (column.endsWith(' int') ? int(9042) : Buffer.from(column)))
  return { type: 'rows', metadata: isDescribed ? described : { ...described, columns: null }, rows: [row, row] }
}

/** Numbers of the columns that came back with the port of the proxy in each row. */
function changed(bytes: Buffer): number[] {
  const { message } = bodyOf(frameOf(bytes))
  assert.ok(message.type === 'rows')
  const found = message.rows.map((row) => row.flatMap((value, i) => (value?.equals(int(9044)) === true ? [i] : [])))
  assert.deepEqual(found[1], found[0])
  return found[0]!
}

function frameOf(bytes: Buffer): Frame {
  const wire = cassandra.serverWire({ cutThroughBytes: Infinity })
  wire.push(bytes, 0, bytes.length)
  return wire.next()!.own()
}

const QUERIES: readonly [text: string, table: string, columns: readonly string[], ports: readonly number[]][] = [
  ['SELECT native_port FROM system.peers_v2', PEERS, ['native_port int'], [0]],
  ['select NATIVE_PORT from SYSTEM.PEERS_V2;', PEERS, ['native_port int'], [0]],
  ['SELECT * FROM "system"."peers_v2"', PEERS, ['peer text', 'native_port int', 'peer_port int'], [1]],
  ['SELECT native_port AS p, native_port FROM system.peers_v2', PEERS, ['p int', 'native_port int'], [0, 1]],
  ['SELECT native_port, native_port FROM system . peers_v2', PEERS, ['native_port int', 'native_port int'], [0, 1]],
  ['SELECT peer_port AS native_port FROM system.peers_v2', PEERS, ['native_port int'], []],
  ['SELECT max(native_port) FROM system.peers_v2', PEERS, ['system.max(native_port) int'], []],
  ['SELECT JSON native_port FROM system.peers_v2', PEERS, ['[json] text'], []],
  ['SELECT peer FROM system.peers_v2', PEERS, ['peer text'], []],
  ['SELECT native_port FROM peers_v2', PEERS, ['native_port int'], [0]],
  ['SELECT native_port FROM peers_v2', 'mine.peers_v2', ['native_port int'], []],
  ['SELECT native_port FROM mine.peers_v2', 'mine.peers_v2', ['native_port int'], []],
  ['SELECT native_port FROM system.peers', 'system.peers', ['native_port int'], []],
  ['SELECT native_port FROM system.peers_v2 WITH something NEW', PEERS, ['native_port int'], [0]],
]

for (const [text, table, columns, ports] of QUERIES) {
  test(`${text}, of ${table}: the port is in the columns [${ports.join()}]`, async () => {
    const p = started()
    await p.send(query(4, text, 7).toBuffer())
    await p.answer(said(rows(table, columns)))
    const reply = p.takeReplied()
    assert.equal(frameOf(reply).stream, 7)
    assert.deepEqual(changed(reply), ports)
    if (ports.length === 0) assert.deepEqual(reply, said(rows(table, columns), 7))
  })
}

test('replies of other requests, and errors, pass as they are', async () => {
  const p = started()
  await p.send(query(4, 'SELECT a FROM b', 1).toBuffer(), query(4, 'SELECT * FROM system.peers_v2', 2).toBuffer())
  const error = (stream: number) => errorFrame(4, stream, ERROR_INVALID, 'unconfigured table peers_v2').toBuffer()
  await p.answer(said(rows(PEERS, ['native_port int'])), error(0))
  assert.deepEqual(p.takeReplied(), Buffer.concat([said(rows(PEERS, ['native_port int']), 1), error(2)]))
})

/** Prepares, and executes without asking for a description of the columns. */
async function execute(p: Play, text: string, columns: readonly string[], isDescribed = false): Promise<number[]> {
  const id = Buffer.from('the id')
  await p.send(said({ type: 'prepare', text, keyspace: null }))
  const result = metadata(PEERS, ...columns)
  const bound = { ...metadata(PEERS), columns: [] }
  await p.answer(said({ type: 'prepared', id, metadataId: null, bound, keyIndices: [], result }))
  p.takeReplied()
  await p.send(said({ type: 'execute', id, metadataId: null, parameters: PARAMETERS }))
  await p.answer(said(rows(PEERS, columns, isDescribed)))
  return changed(p.takeReplied())
}

for (const isDescribed of [true, false])
  test(`what was prepared has the port too, ${isDescribed ? 'with' : 'without'} a description of its columns`, async () => {
    const text = 'SELECT peer_port, native_port AS p FROM system.peers_v2 WHERE peer = ?'
    assert.deepEqual(await execute(started(), text, ['peer_port int', 'p int'], isDescribed), [1])
    assert.deepEqual(await execute(started(), 'SELECT peer_port FROM system.peers_v2', ['peer_port int'], isDescribed), []) // prettier-ignore
  })

test('what one client prepared another may execute', async () => {
  const p = started()
  await execute(p, 'SELECT native_port FROM system.peers_v2', ['native_port int'])
  const other = p.connect()
  await other.send(said({ type: 'execute', id: Buffer.from('the id'), metadataId: null, parameters: PARAMETERS }))
  await other.answer(said(rows(PEERS, ['native_port int'], false)))
  assert.deepEqual(changed(other.takeReplied()), [0])
})

const executed = (id: string, skipsMetadata = true): Request => ({ type: 'execute', id: Buffer.from(id), metadataId: null, parameters: { ...PARAMETERS, skipsMetadata } }) // prettier-ignore

test('what was prepared elsewhere tells its columns the first time, and has the port then and later', async () => {
  const p = started()
  for (const [skips, described] of [
    [false, true],
    [true, false],
  ] as const) {
    await p.send(said(executed('of another thread')))
    p.expectForwarded(said(executed('of another thread', skips)))
    await p.answer(said(rows(PEERS, ['peer_port int', 'native_port int'], described)))
    assert.deepEqual(changed(p.takeReplied()), [1])
  }
})

test('what is about something else is asked about itself once', async () => {
  const p = started({ cutThroughBytes: 256, frameBytesMax: 2000 })
  const long: Response = { type: 'rows', metadata: metadata('ks.t', 'v text'), rows: [[Buffer.alloc(5000)]] }
  for (const [id, reply] of [
    ['rows', rows('ks.t', ['native_port int'])],
    ['write', { type: 'void' }],
    // It would not fit, were it put together.
    ['long', long],
  ] as const)
    for (const skips of [false, true]) {
      await p.send(said(executed(id)))
      p.expectForwarded(said(executed(id, skips)))
      await p.answer(said(reply))
      assert.deepEqual(p.takeReplied(), said(reply))
    }
})

test('what was taken for something else, as its alias was not known, is about peers once it is prepared here', async () => {
  const p = started()
  for (const ports of [[], []]) {
    await p.send(said(executed('the id')))
    await p.answer(said(rows(PEERS, ['p int'])))
    assert.deepEqual(changed(p.takeReplied()), ports)
  }
  assert.deepEqual(await execute(p, 'SELECT native_port AS p FROM system.peers_v2', ['p int']), [0])
})

test('an error teaches nothing of what was executed', async () => {
  const p = started()
  const unprepared = errorFrame(4, 0, 0x2500, 'Prepared query with ID a not found', Buffer.from([0, 1, 97])).toBuffer()
  await p.send(said(executed('a')))
  await p.answer(unprepared)
  assert.deepEqual(p.takeReplied(), unprepared)
  p.takeForwarded()
  await p.send(said(executed('a')))
  p.expectForwarded(said(executed('a', false)))
  await p.answer(said(rows(PEERS, ['native_port int'])))
  assert.deepEqual(changed(p.takeReplied()), [0])
})

test('peers that come in parts are put together; other large replies are not', async () => {
  const p = started({ cutThroughBytes: 256, frameBytesMax: 2000 })
  for (const [text, letters, ports] of [
    ['SELECT * FROM system.peers_v2', 500, [0]],
    // It would not fit.
    ['SELECT * FROM system.other', 5000, []],
  ] as const) {
    await p.send(query(4, text).toBuffer())
    await p.answer(said(rows(PEERS, ['native_port int', `${'t'.repeat(letters)} text`])))
    assert.deepEqual(changed(p.takeReplied()), ports)
  }
})

test('a reply keeps its warnings', async () => {
  const p = started()
  await p.send(query(4, 'SELECT native_port FROM system.peers_v2').toBuffer())
  await p.answer(encodeBody({ ...plain(4, rows(PEERS, ['native_port int'])), warnings: ['slow'] }, 0).toBuffer())
  const reply = p.takeReplied()
  assert.deepEqual(bodyOf(frameOf(reply)).warnings, ['slow'])
  assert.deepEqual(changed(reply), [0])
})

const EVENTS: readonly [event: string, change: string, port: number][] = [
  ['STATUS_CHANGE', 'UP', 9044],
  ['STATUS_CHANGE', 'DOWN', 9044],
  ['TOPOLOGY_CHANGE', 'NEW_NODE', 9044],
  ['TOPOLOGY_CHANGE', 'REMOVED_NODE', 9044],
]
for (const [event, change, port] of EVENTS) {
  test(`${event} ${change} tells the port ${port}`, async () => {
    const p = started()
    await p.send(said({ type: 'register', events: [event] }))
    await p.answer(responseFrame(4, 0, READY, Buffer.alloc(0)).toBuffer())
    p.takeReplied()
    await p.push(nodeEvent(4, event, change, 9042).toBuffer())
    assert.deepEqual(p.takeReplied(), nodeEvent(4, event, change, port).toBuffer())
  })
}

test('what can not be read passes as it is', async () => {
  const p = started()
  const torn = said(rows(PEERS, ['native_port int'])).subarray(0, -3)
  torn.writeInt32BE(torn.length - HEADER_BYTES, 5)
  await p.send(query(4, 'SELECT * FROM system.peers_v2').toBuffer())
  await p.answer(torn)
  assert.deepEqual(p.takeReplied(), torn)
  assert.equal(p.faults, 0)
})

test('the port is one', () => {
  for (const port of [0, 65536, '9042', undefined]) assert.throws(() => play(cassandraPeersRewrite, { port }), /port/)
})
