/**
 * What the wires cost: nanoseconds of CPU a message, without sockets. `node bench/wires.ts [milliseconds a round] [words of rows]`
 *
 * Each row pushes chunks as reads would bring them and cuts them to the last frame; replies are matched as well. Rows of CQL are a request
 * and its reply on one side, with what leaves there.
 */
import { Exchange, type Owner } from '../src/core/exchange.ts'
import type { ClientSideWire, ServerSideWire } from '../src/core/protocol.ts'
import { frameAt } from '../src/protocols/cassandra/envelope.ts'
import { cassandra } from '../src/protocols/cassandra/index.ts'
import { encodeRequest } from '../src/protocols/valkey/encode.ts'
import { valkey } from '../src/protocols/valkey/index.ts'
import { envelope, executeBody, inOuterFrame, OPCODE, startupBody } from './load/cql-frames.ts'

const ROUNDS = 7
const roundMs = Number(process.argv[2] ?? 150)
const nobody: Owner = { level: -1, onReplies() {}, onReplyPart: () => 0, onSilent() {} }
const options = { cutThroughBytes: 64 * 1024 }

/** Bytes as they lie in a read buffer, `copies` messages in chunks of `size`. */
function chunksOf(message: Buffer, copies: number, size: number): Buffer[] {
  const bytes = Buffer.concat(Array.from({ length: copies }, () => message))
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
  return chunks
}

/** Median of several rounds, in nanoseconds a message. */
function measure(run: () => number): number {
  const results: number[] = []
  for (let round = 0; round < ROUNDS + 2; round++) {
    const start = process.hrtime.bigint()
    const end = start + BigInt(roundMs) * 1_000_000n
    let messages = 0
    let now = start
    while (now < end) {
      for (let i = 0; i < 50; i++) messages += run()
      now = process.hrtime.bigint()
    }
    // The first two warm up.
    if (round > 1) results.push(Number(now - start) / messages)
  }
  return results.sort((a, b) => a - b)[ROUNDS >> 1]
}

function requests(message: Buffer, copies: number, size = Infinity): () => number {
  const wire = valkey.clientWire(options)
  const chunks = chunksOf(message, copies, Math.min(size, message.length * copies))
  return () => {
    for (const chunk of chunks) {
      wire.push(chunk, 0, chunk.length)
      while (wire.next() !== null);
      if (wire.pending > 0) wire.keep()
    }
    return copies
  }
}

function replies(message: Buffer, copies: number, size = Infinity): () => number {
  const wire = valkey.serverWire(options)
  const chunks = chunksOf(message, copies, Math.min(size, message.length * copies))
  const exchange = new Exchange(encodeRequest(['GET', 'key']), nobody, 0, 0)
  return () => {
    for (let i = 0; i < copies; i++) {
      wire.sent(exchange)
      wire.silent()
    }
    for (const chunk of chunks) {
      wire.push(chunk, 0, chunk.length)
      for (let frame = wire.next(); frame !== null; frame = wire.next()) {
        wire.match(frame)
        wire.silent()
      }
      if (wire.pending > 0) wire.keep()
    }
    return copies
  }
}

const frameOf = (bytes: Buffer) => frameAt(bytes, 0, bytes.length, false)

/** The wire of a connection that has started, as far as it takes part in that. */
function startedClient(version: number): ClientSideWire {
  const wire = cassandra.clientWire(options)
  const { startup, ready, exchange } = starting(version)
  wire.push(startup, 0, startup.length)
  wire.next()
  wire.read!(exchange)
  wire.leave!(frameOf(ready), exchange)
  return wire
}

function startedServer(version: number): ServerSideWire {
  const wire = cassandra.serverWire(options)
  const { ready, exchange } = starting(version)
  wire.leave!(exchange.request, exchange)
  wire.sent(exchange)
  wire.push(ready, 0, ready.length)
  wire.match(wire.next()!)
  return wire
}

function starting(version: number) {
  const startup = envelope(version, 0, OPCODE.startup, startupBody())
  const ready = envelope(version | 0x80, 0, OPCODE.ready, Buffer.alloc(0))
  return { startup, ready, exchange: new Exchange(frameOf(startup), nobody, 0, 0) }
}

const framed = (version: number, bytes: Buffer): Buffer => (version >= 5 ? inOuterFrame(bytes) : bytes)

function execute(version: number, stream: number): Buffer {
  const prepared = { id: Buffer.alloc(16, 7), metadataId: version >= 5 ? Buffer.alloc(16, 8) : null }
  return envelope(version, stream, OPCODE.execute, executeBody(version, prepared, stream))
}

const row = (version: number, stream: number): Buffer =>
  envelope(version | 0x80, stream, OPCODE.result, Buffer.alloc(130, 2))

/** EXECUTEs that come in one read, and their replies that leave. */
function cqlClient(version: number, copies: number): () => number {
  const wire = startedClient(version)
  const streams = Array.from({ length: copies }, (_, stream) => stream)
  const chunk = Buffer.concat(streams.map((stream) => framed(version, execute(version, stream))))
  // Not in its place: with another id, as on the shared connection.
  const replies = streams.map((stream) => row(version, stream + 1))
  return () => {
    wire.push(chunk, 0, chunk.length)
    for (let i = 0; i < copies; i++) {
      const exchange = new Exchange(wire.next()!, nobody, 0, 0)
      wire.read!(exchange)
      wire.leave!(frameAt(replies[i]!, 0, replies[i]!.length, true), exchange)
    }
    return copies
  }
}

/** EXECUTEs that leave, and their replies that come in one read. */
function cqlServer(version: number, copies: number): () => number {
  const wire = startedServer(version)
  const streams = Array.from({ length: copies }, (_, stream) => stream)
  const requests = streams.map((stream) => execute(version, stream + 1))
  const chunk = Buffer.concat(streams.map((stream) => framed(version, row(version, stream))))
  return () => {
    for (let i = 0; i < copies; i++) {
      const exchange = new Exchange(frameAt(requests[i]!, 0, requests[i]!.length, true), nobody, 0, 0)
      wire.leave!(exchange.request, exchange)
      wire.sent(exchange)
    }
    wire.push(chunk, 0, chunk.length)
    for (let frame = wire.next(); frame !== null; frame = wire.next())
      if (wire.match(frame) === null) throw new Error('a reply that answers nothing')
    return copies
  }
}

const get = encodeRequest(['GET', 'key:000000000001']).toBuffer()
const set = encodeRequest(['SET', 'key:000000000001', 'x'.repeat(100)]).toBuffer()
const setLarge = encodeRequest(['SET', 'key:000000000001', 'x'.repeat(16 * 1024)]).toBuffer()
const mset = encodeRequest(['MSET', ...Array.from({ length: 20 }, (_, i) => `key:${i}`)]).toBuffer()
const bulk = Buffer.from(`$100\r\n${'x'.repeat(100)}\r\n`)
const bulkLarge = Buffer.from(`$16384\r\n${'x'.repeat(16 * 1024)}\r\n`)
const list = Buffer.from(`*20\r\n${'$5\r\nvalue\r\n'.repeat(20)}`)

const ROWS: readonly (readonly [name: string, run: () => number])[] = [
  ['request GET, one a read', requests(get, 1)],
  ['request GET, 64 a read', requests(get, 64)],
  ['request GET, 64 in reads of 1000 bytes', requests(get, 64, 1000)],
  ['request SET 100 B, 64 a read', requests(set, 64)],
  ['request SET 16 KiB, 4 a read', requests(setLarge, 4)],
  ['request SET 16 KiB, 16 in reads of 64 KiB', requests(setLarge, 16, 65536)],
  ['request MSET of 10, 16 a read', requests(mset, 16)],
  ['reply +OK, 64 a read', replies(Buffer.from('+OK\r\n'), 64)],
  ['reply 100 B, one a read', replies(bulk, 1)],
  ['reply 100 B, 64 a read', replies(bulk, 64)],
  ['reply 100 B, 64 in reads of 1000 bytes', replies(bulk, 64, 1000)],
  ['reply 16 KiB, 4 a read', replies(bulkLarge, 4)],
  ['reply of 20 values, 16 a read', replies(list, 16)],
  ['CQL v4, client side, 64 a read', cqlClient(4, 64)],
  ['CQL v4, server side, 64 a read', cqlServer(4, 64)],
  ['CQL v5, client side, 64 a read', cqlClient(5, 64)],
  ['CQL v5, server side, 64 a read', cqlServer(5, 64)],
]
const words = process.argv.slice(3)

for (const [name, run] of ROWS)
  if (words.every((word) => name.includes(word)))
    console.log(`${name.padEnd(44)} ${measure(run).toFixed(1).padStart(8)} ns`)
