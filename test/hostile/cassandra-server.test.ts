import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Frame } from '../../src/core/frame.ts'
import { responseFrame, versionOf } from '../../src/protocols/cassandra/envelope.ts'
import {
  AUTH_CHALLENGE,
  AUTHENTICATE,
  ERROR,
  EVENT,
  PREPARE,
  QUERY,
  READY,
  RESULT,
  STARTUP,
  SUPPORTED,
} from '../../src/protocols/cassandra/opcodes.ts'
import { SegmentFormat } from '../../src/protocols/cassandra/segment.ts'
import { wrapped } from '../../src/protocols/cassandra/wrapping.ts'
import { int, lz4Body, query, string } from '../cassandra.ts'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { Attacker, bytes, envelope, isServed, obliging, of, PlainNode, queryBody, type Conduct } from './cassandra.ts'
import { peakMb, until } from './talk.ts'

// A node of Cassandra that lies, in front of which bodies are read: what it says of peers, and of itself to CassandraSinkCluster. Those who
// wait for it get an error, or what it said; others are served once it is itself again, and memory stays in bounds.

/** Of a million values, which are as many as are decoded, each takes some hundred bytes; CassandraSinkCluster asks for three tables at once. */
const GROWTH_MB: Record<string, number> = { CassandraSinkSingle: 400, CassandraSinkCluster: 1000 }
const HOST_ID = '2dd022d6-2937-4754-89d6-02d2933a8f7a'
const node = new PlainNode()
before(() => node.listen())
after(() => node.close())

const sinks: Record<string, string> = {
  CassandraSinkSingle: `CassandraSinkSingle: { name: sink, remote_address: "SERVER", connect_timeout_ms: 1000 }`,
  CassandraSinkCluster: `CassandraSinkCluster: { name: sink, first_contact_points: ["SERVER"], connect_timeout_ms: 1000,
            local_shotover_host_id: "${HOST_ID}",
            shotover_nodes: [{ address: "LISTEN", data_center: d, rack: r, host_id: "${HOST_ID}" }] }`,
}

let proxy: Proxy
let atFirstMb: number

async function start(sink: string): Promise<void> {
  node.conduct = obliging
  proxy = await startProxy({
    topology: (listen) => `sources:
  - Cassandra:
      name: cassandra
      listen_addr: "${listen}"
      chain:
        - CassandraPeersRewrite: { name: peers, port: 9042 }
        - ${sinks[sink]!.replace('SERVER', node.address).replace('LISTEN', listen)}
`,
  })
  atFirstMb = peakMb(proxy.pid)
}
afterEach(async () => {
  await proxy.kill()
  node.drop()
})

async function holds(sink: string): Promise<void> {
  node.conduct = obliging
  assert.ok(proxy.running)
  const grownMb = peakMb(proxy.pid) - atFirstMb
  assert.ok(grownMb < GROWTH_MB[sink]!, `its memory grew by ${grownMb.toFixed()} MB`)
  for (const version of [4, 5])
    await until(
      () => isServed(proxy.port, version).catch(() => false),
      'others are served once it is itself again',
      20_000,
    )
}

const PEERS = 'SELECT peer, native_port FROM system.peers_v2'
/** RESULT of rows: flags, and how many columns it says there are; each of one table. */
const rows = (columns: number, ...rest: Buffer[]) =>
  Buffer.concat([int(2), int(1), int(columns), string('system'), string('peers_v2'), ...rest])
const column = (type: Buffer, name = 'native_port') => Buffer.concat([string(name), type])
const INT = bytes(0, 9)
const marshalled = (depth: number) => {
  const name = `${'org.apache.cassandra.db.marshal.ListType('.repeat(depth)}Int32Type${')'.repeat(depth)}`
  return Buffer.concat([bytes(0, 0), string(name.slice(0, 65_000))])
}

/** Results that are not what they say. */
const RESULTS: Record<string, Buffer> = {
  nothing: bytes(),
  'a kind that is none': int(77),
  'two billion columns': rows(0x7fffffff, column(INT)),
  'less than no columns': rows(-1),
  'two billion rows': rows(1, column(INT), int(0x7fffffff), int(4)),
  'less than no rows': rows(1, column(INT), int(-7)),
  'a column longer than its frame': rows(1, bytes(0xff, 0xff, 65)),
  'a value longer than its frame': rows(1, column(INT), int(1), int(0x7ffffff0)),
  'a port of one byte': rows(1, column(INT), int(1), int(1), bytes(1)),
  'lists 10,000 deep': rows(1, column(Buffer.concat([of('\0\x20', 10_000), INT])), int(0)),
  'maps 10,000 deep': rows(1, column(of('\0\x21', 10_000)), int(0)),
  'tuples of 65,535 within each other': rows(1, column(of('\0\x31\xff\xff', 10_000)), int(0)),
  'user types of 65,535 within each other': rows(1, column(of('\0\x30\0\0\0\0\xff\xff\0\0', 5000)), int(0)),
  'classes 1,000 deep': rows(1, column(marshalled(1000)), int(0)),
  'a type that is none': rows(1, column(bytes(0x77, 0x77)), int(0)),
  'a million columns': rows(
    1_000_000,
    Buffer.concat(Array.from({ length: 1_000_000 }, () => Buffer.concat([bytes(0, 0), INT]))),
    int(0),
  ),
  'another keyspace': Buffer.concat([int(3), string('elsewhere')]),
  'something prepared': Buffer.concat([int(4), bytes(0xff, 0xff)]),
  'two billion parts of a key': Buffer.concat([int(4), bytes(0, 1, 7), int(1), int(1), int(0x7fffffff)]),
}

/** Bodies that become large, or can't become anything. */
const BOMBS: Record<string, Buffer> = {
  '256 MB from ten bytes': Buffer.concat([int(256 << 20), of('x', 10)]),
  'four gigabytes from ten bytes': Buffer.concat([int(-1), of('x', 10)]),
  nothing: bytes(),
  'a million ports that are null': lz4Body(rows(1, column(INT), int(1_000_000), Buffer.alloc(4_000_000, 255))),
  'four million ports that are null': lz4Body(rows(1, column(INT), int(4_000_000), Buffer.alloc(16_000_000, 255))),
  'a quarter of a gigabyte of nulls': lz4Body(rows(1, column(INT), int(60_000_000), Buffer.alloc(240_000_000, 255))),
  'a quarter of a gigabyte of columns': lz4Body(rows(60_000_000, Buffer.alloc(240_000_000))),
}

/** Asks what is read on its way back, and waits for anything. */
async function asks(compression: 'lz4' | null, name: string, kind = QUERY): Promise<void> {
  const attacker = await Attacker.started(proxy.port, 4, compression)
  attacker.socket.write(envelope(4, kind, queryBody(PEERS)))
  await assert.doesNotReject(attacker.answered(2), name)
  attacker.destroy()
}

const answering =
  (body: Buffer, kind = RESULT, flags = 0): Conduct =>
  (request) =>
    request.kind === STARTUP ? obliging(request) : responseFrame(versionOf(request), request.stream, kind, body, flags)

for (const sink of Object.keys(sinks)) {
  test(`${sink}: results that are not what they say are an error, or passed on`, async () => {
    await start(sink)
    for (const [name, body] of Object.entries(RESULTS)) {
      node.conduct = answering(body)
      await asks(null, name)
      await asks(null, `${name}, to be prepared`, PREPARE)
      node.conduct = answering(body, EVENT)
      await asks(null, `${name}, as an event`)
      node.conduct = answering(body, RESULT, 0x0e)
      await asks(null, `${name}, with warnings and a payload`)
    }
    await holds(sink)
  })

  test(`${sink}: results that become large, or nothing, take no memory`, async () => {
    await start(sink)
    for (const [name, body] of Object.entries(BOMBS)) {
      node.conduct = answering(body, RESULT, 1)
      await asks('lz4', name)
    }
    await holds(sink)
  })

  test(`${sink}: what is no reply, or comes unasked, ends at most the connection that it comes on`, async () => {
    await start(sink)
    for (const [name, conduct] of Object.entries(MISCONDUCT)) {
      node.conduct = conduct
      const attackers = await Promise.all([3, 4, 5].map(() => Attacker.connect(proxy.port)))
      for (const [index, attacker] of attackers.entries())
        attacker.socket.end(Buffer.concat([startupOf(index + 3), query(4, PEERS).toBuffer()]))
      await assert.doesNotReject(Promise.all(attackers.map((attacker) => attacker.answered(Infinity))), name)
      for (const attacker of attackers) attacker.destroy()
    }
    await holds(sink)
  })
}

const startupOf = (version: number) =>
  envelope(version, STARTUP, Buffer.concat([bytes(0, 1), string('CQL_VERSION'), string('3.0.0')]))
const reply = (request: Frame, kind: number, body: Buffer = bytes(), stream = request.stream) =>
  responseFrame(versionOf(request), stream, kind, body)

/** What a node does with whatever it is asked. */
const MISCONDUCT: Record<string, Conduct> = {
  'it closes': (_, socket) => (socket.destroy(), null),
  'it says something else': () => Buffer.from('220 mail.example ESMTP\r\n'),
  noise: () => Buffer.alloc(5000, 0xa5),
  'a request': (request) => envelope(versionOf(request), QUERY, queryBody('SELECT')),
  'a frame of less than nothing': (request) => envelope(versionOf(request) | 0x80, RESULT, bytes(), -1),
  'a frame of two gigabytes': (request) => envelope(versionOf(request) | 0x80, RESULT, of('x', 100_000), 0x7fffffff),
  'a frame that ends too soon': (request, socket) => (
    socket.end(envelope(versionOf(request) | 0x80, RESULT, int(1), 100)),
    null
  ),
  'it answers on a stream that nobody uses': (request) => reply(request, RESULT, int(1), 4711),
  'it answers twice': (request) => Buffer.concat([reply(request, READY).toBuffer(), reply(request, READY).toBuffer()]),
  'an opcode that is none': (request) => reply(request, 0x77),
  'an error without a text': (request) => reply(request, ERROR, int(0)),
  'it asks who they are for ever': (request) =>
    reply(request, request.kind === STARTUP ? AUTHENTICATE : AUTH_CHALLENGE, int(-1)),
  'it supports 65,535 things that do not come': (request) => reply(request, SUPPORTED, bytes(0xff, 0xff)),
  'ten thousand events that nobody wants': (request) =>
    Buffer.concat([
      ...Array.from({ length: 10_000 }, () => reply(request, EVENT, string('STATUS_CHANGE'), -1).toBuffer()),
      obliging(request).toBuffer(),
    ]),
  'an outer frame with a wrong checksum': (request) => {
    if (request.kind === STARTUP) return obliging(request)
    const frame = wrapped(reply(request, RESULT, int(1)), new SegmentFormat(false)).toBuffer()
    frame[8]! ^= 1
    return frame
  },
}
