/**
 * What a request costs in the proxy, without sockets: nanoseconds of CPU from a client's bytes to the server's, and back.
 * `node bench/core.ts [seconds a round] [words of rows]`. Many clients send in each turn, and the server answers all of them in one read.
 */
import { cassandra } from '../src/protocols/cassandra/index.ts'
import { cassandraSinkSingle } from '../src/protocols/cassandra/sink-single.ts'
import { encodeRequest } from '../src/protocols/valkey/encode.ts'
import { valkey } from '../src/protocols/valkey/index.ts'
import { valkeySinkSingle } from '../src/protocols/valkey/sink-single.ts'
import { queryCounter } from '../src/transforms/query-counter.ts'
import { queryTypeFilter } from '../src/transforms/query-type-filter.ts'
import { env, nanoseconds, open, turn } from './harness/pipes.ts'
import { envelope, executeBody, inOuterFrame, OPCODE, startupBody } from './load/cql-frames.ts'

const TO = { remote_address: '127.0.0.1:9', connect_timeout_ms: 1000 }
const seconds = Number(process.argv[2] ?? 0.4)
const words = process.argv.slice(3)
const repeated = (of: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => of))

function report(row: string, requests: number, run: () => void): void {
  console.log(`${row.padEnd(40)} ${nanoseconds(seconds, requests, run).toFixed(0).padStart(6)} ns`)
}

function valkeyRow(command: string, clients: number, pipeline: number, request: Buffer, reply: Buffer): void {
  const row = `valkey ${command}, ${clients} clients, P=${pipeline}`
  if (words.some((word) => !row.includes(word))) return
  const pipes = open(clients, valkey, [valkeySinkSingle.create(TO, env)])
  const asked = repeated(request, pipeline)
  const answered = repeated(reply, pipeline * clients)
  turn(pipes, asked, answered)
  const { written } = pipes[0]!
  if (written !== reply.length * pipeline) throw new Error(`${written} bytes of replies to ${pipeline} requests`)
  report(row, pipeline * clients, () => turn(pipes, asked, answered))
}

/** Prepared statements with a reply of 130 bytes, on stream ids of the client's own choice. */
function cassandraRow(version: number, clients: number, inFlight: number, stages = 0): void {
  const row = `cassandra v${version}, ${clients} x ${inFlight}${stages === 0 ? '' : ', counter + filter'}`
  if (words.some((word) => !row.includes(word))) return
  const two = [
    queryCounter.create({ counter_name: 'bench' }, env),
    queryTypeFilter.create({ DenyList: ['PubSubMessage'] }, env),
  ]
  const pipes = open(clients, cassandra, [...two.slice(0, stages), cassandraSinkSingle.create(TO, env)])
  for (const pipe of pipes) {
    const startup = envelope(version, 0, OPCODE.startup, startupBody())
    turn(
      [pipe],
      startup,
      pipe === pipes[0] ? envelope(version | 0x80, 0, OPCODE.ready, Buffer.alloc(0)) : Buffer.alloc(0),
    )
  }
  const framed = version >= 5 ? inOuterFrame : (bytes: Buffer) => bytes
  const prepared = { id: Buffer.alloc(16, 7), metadataId: version >= 5 ? Buffer.alloc(16, 8) : null }
  const request = (stream: number) => envelope(version, stream, OPCODE.execute, executeBody(version, prepared, stream))
  const reply = (stream: number) => envelope(version | 0x80, stream, OPCODE.result, Buffer.alloc(130, 2))
  const all = (count: number, of: (stream: number) => Buffer): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, stream) => framed(of(stream))))
  // The proxy takes ids from 0 on for what it has in flight itself.
  const asked = all(inFlight, request)
  const answered = all(inFlight * clients, reply)
  const before = pipes[0]!.written
  turn(pipes, asked, answered)
  if (pipes[0]!.written - before < inFlight * 130) throw new Error('not every request was answered')
  report(row, inFlight * clients, () => turn(pipes, asked, answered))
}

const get = encodeRequest(['GET', 'key:000000000001']).toBuffer()
const set = encodeRequest(['SET', 'key:000000000001', 'x'.repeat(100)]).toBuffer()
const bulk = Buffer.from(`$100\r\n${'x'.repeat(100)}\r\n`)
for (const pipeline of [1, 16, 64]) {
  valkeyRow('GET', 50, pipeline, get, bulk)
  valkeyRow('SET', 50, pipeline, set, Buffer.from('+OK\r\n'))
}
for (const version of [4, 5])
  for (const [clients, inFlight] of [
    [1, 128],
    [8, 32],
    [256, 1],
  ] as const)
    cassandraRow(version, clients, inFlight)
cassandraRow(4, 1, 128, 2)
