import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import {
  AUTH_RESPONSE,
  BATCH,
  ERROR,
  EXECUTE,
  PREPARE,
  QUERY,
  REGISTER,
  RESULT,
  STARTUP,
} from '../../src/protocols/cassandra/opcodes.ts'
import { SegmentFormat } from '../../src/protocols/cassandra/segment.ts'
import { int, lz4Body, query, startup } from '../cassandra.ts'
import { startProxy, type Proxy } from '../real/proxy.ts'
import { Attacker, bytes, envelope, isServed, of, PlainNode, queryBody, queryFrame } from './cassandra.ts'
import { peakMb, until } from './talk.ts'

// Clients of Cassandra that mean harm. Whatever they send, they are answered or closed, others are served, and memory stays in bounds.

/** Above what it needs to serve anybody at all. What fifty clients at once have decompressed, 15 MB each, is not collected at once. */
const GROWTH_MB = 300

const node = new PlainNode()
let proxy: Proxy
let atFirstMb: number

before(() => node.listen())
after(() => node.close())
beforeEach(async () => {
  proxy = await startProxy({
    topology: (listen) => `sources:
  - Cassandra:
      name: cassandra
      listen_addr: "${listen}"
      chain:
        - QueryCounter: { name: counter, counter_name: all }
        - QueryTypeFilter: { name: filter, DenyList: [PubSubMessage] }
        - RequestThrottling: { name: throttle, max_requests_per_second: 1000000 }
        - CassandraPeersRewrite: { name: peers, port: 9042 }
        - CassandraSinkSingle: { name: sink, remote_address: "${node.address}", connect_timeout_ms: 3000 }
`,
  })
  for (const version of [3, 4, 5]) assert.ok(await isServed(proxy.port, version))
  atFirstMb = peakMb(proxy.pid)
})
afterEach(() => proxy.kill())

async function holds(): Promise<void> {
  assert.ok(proxy.running)
  for (const version of [4, 5]) assert.ok(await isServed(proxy.port, version))
  const grownMb = peakMb(proxy.pid) - atFirstMb
  assert.ok(grownMb < GROWTH_MB, `its memory grew by ${grownMb.toFixed()} MB`)
}

const short = (value: number) => bytes(value >> 8, value & 255)

/** Requests that are not what they say. */
const LIES: Record<string, Buffer> = {
  'a text of two gigabytes': envelope(4, QUERY, Buffer.concat([int(0x7fffffff), bytes(65)])),
  'a text of less than nothing': envelope(4, QUERY, int(-1)),
  'no body': envelope(4, QUERY, bytes()),
  'a PREPARE of less than nothing': envelope(4, PREPARE, int(-5)),
  'an id longer than its body': envelope(4, EXECUTE, bytes(0xff, 0xff, 1)),
  'a batch of nothing, 65,535 times': envelope(4, BATCH, bytes(0, 0xff, 0xff)),
  'a batch of a kind that is none': envelope(4, BATCH, bytes(99, 0, 1, 9)),
  'a batch of 65,535 empty statements': envelope(4, BATCH, Buffer.concat([bytes(0, 0xff, 0xff), of('\0', 7 * 65_535)])),
  'a list that ends before it begins': envelope(4, REGISTER, short(0xffff)),
  'STARTUP once more': envelope(4, STARTUP, short(0xffff)),
  'an answer that nobody asked for': envelope(4, AUTH_RESPONSE, int(0x7ffffff0)),
  'a payload that is not there': envelope(4, QUERY, short(0xffff), 2, 0x04),
  'all flags': envelope(4, QUERY, queryBody('SELECT'), undefined, 0xfe),
  'a stream of the server': envelope(4, QUERY, queryBody('SELECT'), undefined, 0, -1),
  'an opcode that is none': envelope(4, 0xff, of('x', 100)),
  'a response': envelope(0x84, RESULT, int(1)),
  'another version': envelope(3, QUERY, queryBody('SELECT')),
  'a body of less than nothing': envelope(4, QUERY, bytes(), -1),
  'a body of two gigabytes': envelope(4, QUERY, bytes(), 0x7fffffff),
  'brackets 200,000 deep': queryFrame(`SELECT ${'('.repeat(200_000)}`),
  'lists 20,000 deep': queryFrame(`INSERT INTO t (k) VALUES (${'['.repeat(20_000)})`),
  'types 10,000 deep': queryFrame(`CREATE TABLE t (k ${'frozen<'.repeat(10_000)}int${'>'.repeat(10_000)} PRIMARY KEY)`),
  'peers, 20,000 deep': queryFrame(`SELECT native_port FROM system.peers_v2 WHERE peer = ${'('.repeat(20_000)}`),
  'a comment without an end': queryFrame(Buffer.concat([Buffer.from('/*'), of('*', 1_000_000)])),
  'a text without an end': queryFrame(Buffer.concat([Buffer.from("SELECT '"), of("''", 500_000)])),
  'a batch of 20,000 in a text': queryFrame(
    `BEGIN BATCH ${'INSERT INTO t (k) VALUES (1);'.repeat(20_000)} APPLY BATCH`,
  ),
  'a number of a million digits': queryFrame(`SELECT ${'9'.repeat(1_000_000)}`),
  'a text that is no text': queryFrame(of('\xff\xfe\0', 10_000)),
}

test('requests that are not what they say are answered, or their client is closed', async () => {
  for (const [name, sent] of Object.entries(LIES)) {
    const attacker = await Attacker.started(proxy.port, 4, null)
    attacker.socket.write(sent)
    await assert.doesNotReject(attacker.answered(2), name)
    attacker.destroy()
  }
  await holds()
})

test('frames that end too soon end with their client', async () => {
  const whole = Buffer.concat([startup(4).toBuffer(), query(4, 'SELECT * FROM t').toBuffer()])
  for (let length = 1; length < whole.length; length++) {
    const attacker = await Attacker.connect(proxy.port)
    attacker.socket.end(whole.subarray(0, length))
    await attacker.answered(Infinity)
  }
  await holds()
})

/** LZ4 that becomes `size` zeros, in a 255th of the bytes. */
const zeros = (size: number) => lz4Body(Buffer.alloc(size))

/** Snappy: a varint of the length, then elements. */
const snappy = (length: readonly number[], ...elements: number[]) => bytes(...length, ...elements)
const compressed = (body: Buffer, kind = QUERY) => envelope(4, kind, body, body.length, 0x01)

/** Bodies that are to become large, or can't become anything. */
const BOMBS: Record<'lz4' | 'snappy', Record<string, Buffer>> = {
  lz4: {
    '256 MB from ten bytes': compressed(Buffer.concat([int(256 << 20), of('x', 10)])),
    'four gigabytes from ten bytes': compressed(Buffer.concat([int(-1), of('x', 10)])),
    'no length': compressed(bytes(1, 2)),
    nothing: compressed(bytes()),
    'a copy of what is not there': compressed(Buffer.concat([int(100), bytes(0x10, 65, 0xff, 0xff)])),
    'a length without an end': compressed(Buffer.concat([int(2500), bytes(0xf0), Buffer.alloc(200, 255)])),
    'fifteen megabytes of zeros': compressed(zeros(15_000_000)),
    '60 MB of zeros': compressed(zeros(60_000_000)),
    '60 MB of zeros, as a batch': compressed(zeros(60_000_000), BATCH),
    '250 MB of zeros': compressed(zeros(250_000_000)),
    '250 MB of zeros, to be prepared': compressed(zeros(250_000_000), PREPARE),
  },
  snappy: {
    '256 MB from few bytes': compressed(snappy([0x80, 0x80, 0x80, 0x80, 0x01], 0, 65)),
    'four gigabytes from few bytes': compressed(snappy([0xff, 0xff, 0xff, 0xff, 0x0f], 0, 65)),
    'a length without an end': compressed(of('\xff', 20)),
    'a copy of what is not there': compressed(snappy([0x64], 0xfe, 0xff, 0xff)),
    'a literal longer than its block': compressed(snappy([0x64], 0xfc, 0xff, 0xff, 0xff, 0x7f)),
    nothing: compressed(bytes()),
  },
}

for (const compression of ['lz4', 'snappy'] as const)
  test(`what is compressed with ${compression} and becomes large, or nothing, is answered, and takes no memory`, async () => {
    for (let round = 0; round < 3; round++) {
      for (const [name, sent] of Object.entries(BOMBS[compression])) {
        const attacker = await Attacker.started(proxy.port, 4, compression)
        attacker.socket.write(sent)
        await assert.doesNotReject(attacker.answered(2), name)
        attacker.destroy()
      }
    }
    const [name, sent] = Object.entries(BOMBS[compression]).findLast(([, { length }]) => length < 60_000)!
    const many = await Promise.all(Array.from({ length: 50 }, () => Attacker.started(proxy.port, 4, compression)))
    for (const attacker of many) attacker.socket.write(sent)
    for (const attacker of many) await assert.doesNotReject(attacker.answered(2), `${name}, by many at once`)
    for (const attacker of many) attacker.destroy()
    await holds()
  })

/** What stands where an outer frame should. */
function segments(lz4: boolean): Record<string, Buffer> {
  const format = new SegmentFormat(lz4)
  const asked = envelope(5, QUERY, Buffer.concat([queryBody('SELECT'), bytes(0, 0, 0)]))
  const good = format.wrap(asked, 0, asked.length, true)
  const changed = (at: number) => {
    const copy = Buffer.from(good)
    copy[at < 0 ? copy.length + at : at]! ^= 0x10
    return copy
  }
  const long = envelope(5, QUERY, Buffer.alloc(1000), 0x7fffffff)
  const old = envelope(4, QUERY, queryBody('SELECT'))
  return {
    'a header with a wrong checksum': changed(0),
    'a checksum of a header that is wrong': changed(format.headerBytes - 1),
    'a payload with a wrong checksum': changed(format.headerBytes + 3),
    'a checksum of a payload that is wrong': changed(-1),
    'no outer frame': asked,
    'an envelope of two gigabytes': format.wrap(long, 0, long.length, true),
    'an envelope of another version': format.wrap(old, 0, old.length, true),
    noise: Buffer.alloc(1000, 0xa5),
  }
}

for (const compression of [null, 'lz4'] as const)
  test(`outer frames that are none are refused, ${compression ?? 'plain'}`, async () => {
    for (const [name, sent] of Object.entries(segments(compression === 'lz4'))) {
      const attacker = await Attacker.started(proxy.port, 5, compression)
      attacker.socket.write(sent)
      await assert.doesNotReject(attacker.answered(Infinity), name)
      assert.equal(attacker.frames[1]?.kind, ERROR, name)
    }
    await holds()
  })

/** The same every time. */
function random(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) / 2 ** 32
}

test('noise, and requests with bits that are wrong, harm nobody', async () => {
  const draw = random(7)
  const below = (limit: number) => Math.floor(draw() * limit)
  const samples = [...Object.values(LIES), ...Object.values(BOMBS.lz4)].filter(({ length }) => length < 5000)
  for (let round = 0; round < 40; round++) {
    const attackers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const version = 3 + below(3)
        const compression = ([null, 'lz4', 'snappy'] as const)[below(version === 5 ? 2 : 3)]!
        const attacker = await Attacker.started(proxy.port, version, compression)
        const sent = Buffer.from(below(3) === 0 ? Buffer.alloc(below(500) + 1) : samples[below(samples.length)]!)
        sent[0] = version
        for (let flips = below(20); flips >= 0; flips--) sent[below(sent.length)] = below(256)
        const format = new SegmentFormat(compression === 'lz4')
        attacker.socket.end(version === 5 ? format.wrap(sent, 0, sent.length, true) : sent)
        return attacker
      }),
    )
    await Promise.all(attackers.map((attacker) => attacker.answered(Infinity)))
  }
  await holds()
})

test('four hundred connections that announce 256 MB each, and send a little, take little', async () => {
  const attackers: Attacker[] = []
  for (let i = 0; i < 400; i++) {
    const version = i % 2 === 0 ? 4 : 5
    const attacker = await Attacker.started(proxy.port, version, null)
    attackers.push(attacker)
    const part = envelope(version, QUERY, Buffer.alloc(60_000), 256 << 20)
    attacker.socket.write(version === 4 ? part : new SegmentFormat(false).wrap(part, 0, part.length, false))
  }
  await holds()
  for (const attacker of attackers) attacker.destroy()
  await until(async () => isServed(proxy.port), 'it serves')
})

test('a client that asks on and on and reads nothing is not read from for ever', async () => {
  const attacker = await Attacker.started(proxy.port, 4, null)
  attacker.socket.pause()
  const many = Buffer.concat(
    Array.from({ length: 1000 }, (_, i) => envelope(4, QUERY, queryBody('SELECT'), undefined, 0, i)),
  )
  const sentMax = 200 * 1000 * 1000
  let sent = 0
  while (sent < sentMax && attacker.socket.writableLength < 4 * many.length) {
    attacker.socket.write(many)
    sent += many.length
    await new Promise(setImmediate)
  }
  assert.ok(sent < sentMax)
  await holds()
  attacker.destroy()
})
