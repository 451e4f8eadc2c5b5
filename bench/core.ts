/**
 * What a request costs in the proxy, without sockets: nanoseconds of CPU from a client's bytes to the server's, and back.
 * `node bench/core.ts [seconds a round] [words of rows]`. Many clients send in each turn, and the server answers all of them in one read.
 */
import { cassandraSinkSingle } from '../src/protocols/cassandra/sink-single.ts'
import { encodeRequest } from '../src/protocols/valkey/encode.ts'
import { valkey } from '../src/protocols/valkey/index.ts'
import { valkeySinkSingle } from '../src/protocols/valkey/sink-single.ts'
import { queryCounter } from '../src/transforms/query-counter.ts'
import { queryTypeFilter } from '../src/transforms/query-type-filter.ts'
import { openCql } from './harness/cql-pipes.ts'
import { env, nanoseconds, open, turn } from './harness/pipes.ts'

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

function cassandraRow(version: number, clients: number, inFlight: number, stages = 0): void {
  const row = `cassandra v${version}, ${clients} x ${inFlight}${stages === 0 ? '' : ', counter + filter'}`
  if (words.some((word) => !row.includes(word))) return
  const two = [
    queryCounter.create({ counter_name: 'bench' }, env),
    queryTypeFilter.create({ DenyList: ['PubSubMessage'] }, env),
  ]
  const chain = [...two.slice(0, stages), cassandraSinkSingle.create(TO, env)]
  const { pipes, asked, answered } = openCql(version, clients, inFlight, chain)
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
