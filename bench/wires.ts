/**
 * What the wires cost: nanoseconds of CPU a message, without sockets. `node bench/wires.ts`
 *
 * Each row pushes chunks as reads would bring them and cuts them to the last frame; replies are matched as well.
 */
import { Exchange, type Owner } from '../src/core/exchange.ts'
import { encodeRequest } from '../src/protocols/valkey/encode.ts'
import { valkey } from '../src/protocols/valkey/index.ts'

const ROUNDS = 7
const ROUND_MS = 150
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
    const end = start + BigInt(ROUND_MS) * 1_000_000n
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
  const wire = valkey.wire('client', options)
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
  const wire = valkey.wire('server', options)
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
]

for (const [name, run] of ROWS) console.log(`${name.padEnd(44)} ${measure(run).toFixed(1).padStart(8)} ns`)
