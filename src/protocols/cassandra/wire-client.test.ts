import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { authenticate, query, ready, startup } from '../../../test/cassandra.ts'
import { cut, tearings } from '../../../test/valkey/cuts.ts'
import { AT_OWNER, Exchange } from '../../core/exchange.ts'
import { FRAME_HEAD, FRAME_LAST, type Frame } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { errorFrame, requestFrame, responseFrame } from './envelope.ts'
import { noOwner } from '../../core/handshake.ts'
import {
  BATCH,
  ERROR_PROTOCOL,
  ERROR_SERVER,
  EXECUTE,
  OPTIONS,
  opcodeName,
  PREPARE,
  QUERY,
  REGISTER,
  RESULT,
  STARTUP,
} from './opcodes.ts'
import { PreparedStatements } from './prepared.ts'
import { SegmentFormat } from './segment.ts'
import { ClientWire } from './wire-client.ts'

const EMPTY = Buffer.alloc(0)

function textOf(frame: Frame): string {
  return frame.toBuffer().toString('latin1')
}

/** Requests that may follow each other, by name. */
const REQUESTS: readonly (readonly [name: string, frame: Frame])[] = [
  ['an OPTIONS', requestFrame(4, 0, OPTIONS, EMPTY)],
  ['a QUERY', query(4, 'SELECT * FROM system.local', 7)],
  ['a version 3 QUERY', query(3, 'SELECT 1', 32767)],
  ['a version 5 PREPARE', requestFrame(5, 300, PREPARE, Buffer.alloc(30, 'x'))],
  ['an EXECUTE with flags', requestFrame(4, 1, EXECUTE, Buffer.alloc(20), 0x0f)],
  ['an empty BATCH', requestFrame(4, 2, BATCH, EMPTY)],
  ['an opcode that nobody knows', requestFrame(4, 3, 0x7f, Buffer.from('?'))],
]

for (const [name, frame] of REQUESTS) {
  test(`${name} is the same however it is torn`, () => {
    const before = query(4, 'before', 1)
    const behind = requestFrame(4, 2, REGISTER, EMPTY)
    for (const chunks of tearings(frame.toBuffer(), before.toBuffer(), behind.toBuffer())) {
      for (const stop of [Infinity, 1]) {
        const cuts = cut(new ClientWire(65536, new PreparedStatements()), chunks, stop)
        assert.deepEqual(
          cuts.map(({ kind, code, text }) => [kind, code, text]),
          [before, frame, behind].map((one) => [one.kind, one.code, textOf(one)]),
        )
      }
    }
  })
}

test('a request larger than the bound goes on in parts, with its size announced', () => {
  const large = query(4, 'x'.repeat(500), 9)
  for (const chunks of tearings(large.toBuffer(), query(4, 'before').toBuffer(), query(4, 'behind').toBuffer())) {
    const cuts = cut(new ClientWire(100, new PreparedStatements()), chunks)
    assert.deepEqual(
      cuts.map(({ text }) => text.length),
      [query(4, 'before'), large, query(4, 'behind')].map(({ size }) => size),
    )
    assert.equal(cuts[1]!.announced, large.size)
  }
})

/** What can't be a request, and what the client is told. */
const REFUSED: readonly (readonly [name: string, bytes: Buffer, text: string])[] = [
  [
    'version 1, of which eight bytes come',
    Buffer.from('0100000500000000', 'hex'),
    'Invalid or unsupported protocol version',
  ],
  ['version 2', Buffer.from('02', 'hex'), 'Invalid or unsupported protocol version'],
  ['version 6', requestFrame(6, 0, OPTIONS, EMPTY).toBuffer(), 'Invalid or unsupported protocol version'],
  ['a version of DSE', requestFrame(65, 0, STARTUP, EMPTY).toBuffer(), 'Invalid or unsupported protocol version'],
  ['a response', ready(4).toBuffer(), 'Invalid or unsupported protocol version'],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n'), 'Invalid or unsupported protocol version'],
  ['a negative length', Buffer.from('0400000007ffffffff', 'hex'), 'Request is too big'],
  ['a length that no server takes', Buffer.from('040000000710000001', 'hex'), 'Request is too big'],
]

for (const [name, bytes, text] of REFUSED) {
  test(`${name} is refused with an error of version 3 to 5 on stream 0`, () => {
    const wire = new ClientWire(65536, new PreparedStatements())
    wire.push(bytes, 0, bytes.length)
    assert.throws(
      () => wire.next(),
      (error) => {
        assert.ok(error instanceof ProtocolError)
        assert.equal(error.isRoutine, /^(version|a version)/.test(name) || name === 'HTTP')
        const reply = error.reply!.toBuffer()
        assert.equal(reply[0], 0x84)
        assert.equal(reply.readInt16BE(2), 0)
        assert.equal(reply.readInt32BE(9), ERROR_PROTOCOL)
        assert.match(reply.toString('latin1', 15), new RegExp(text))
        return true
      },
    )
  })
}

/** A client's connection, as a session has it. */
class Play {
  readonly wire: ClientWire
  constructor(cutThroughBytes = 65536) {
    this.wire = new ClientWire(cutThroughBytes, new PreparedStatements())
  }

  /** Sends; returns the exchanges of the requests that were cut. */
  send(...chunks: Buffer[]): Exchange[] {
    const exchanges: Exchange[] = []
    for (const chunk of chunks) {
      this.wire.push(Buffer.from(chunk), 0, chunk.length)
      for (let frame = this.wire.next(); frame !== null; frame = this.wire.next()) {
        const exchange = new Exchange(frame.own(), noOwner, AT_OWNER, 0)
        this.wire.read(exchange)
        exchanges.push(exchange)
      }
      this.wire.keep()
    }
    return exchanges
  }

  /** What leaves, alone in its write. */
  leave(frame: Frame, exchange: Exchange | null): Buffer {
    const { enclosure } = this.wire
    const { bytes, start, end, whole } = this.wire.leave(frame, exchange)
    if (enclosure !== null && whole) return enclosure.enclose(bytes, start, end)
    return Buffer.from(bytes.subarray(start, end))
  }
}

test('a reply leaves with the stream of its request, a push as it is', () => {
  const play = new Play()
  const [asked] = play.send(query(4, 'SELECT 1', 77).toBuffer())
  const reply = responseFrame(4, 3, RESULT, Buffer.from([0, 0, 0, 1]))
  assert.equal(play.leave(reply, asked!).readInt16BE(2), 77)
  assert.equal(reply.toBuffer().readInt16BE(2), 3, 'bytes of its own are never changed')
  reply.borrowed = true
  assert.equal(play.leave(reply, asked!).readInt16BE(2), 77)
  const event = responseFrame(4, -1, 0x0c, EMPTY)
  assert.equal(play.leave(event, null).readInt16BE(2), -1)
})

for (const compression of [undefined, 'lz4', 'LZ4']) {
  const segments = new SegmentFormat(compression !== undefined)
  const options: Record<string, string> = compression === undefined ? {} : { COMPRESSION: compression }
  for (const [name, granted] of [
    ['READY', ready(5)],
    ['AUTHENTICATE', authenticate(5)],
  ] as const) {
    test(`version 5, compression ${compression}: after ${name} both directions speak outer frames`, () => {
      const play = new Play()
      const [opening] = play.send(startup(5, options, 1).toBuffer())
      assert.equal(opening!.request.kind, STARTUP)
      assert.deepEqual(
        play.leave(granted, opening!).subarray(4),
        granted.toBuffer().subarray(4),
        'still in the old way',
      )
      const sent = [
        query(5, 'SELECT 1', 1),
        query(5, 'SELECT 2'.padEnd(300, '2'), 2),
        requestFrame(5, 3, OPTIONS, EMPTY),
      ]
      const bytes = Buffer.concat(sent.map((frame) => frame.toBuffer()))
      const apart = Buffer.concat(sent.map((frame) => segments.wrap(frame.toBuffer(), 0, frame.size, true)))
      const together = segments.wrap(bytes, 0, bytes.length, true)
      for (const chunks of [
        [apart],
        [together],
        [apart, together],
        Array.from(apart, (_, at) => apart.subarray(at, at + 1)),
      ]) {
        const texts = play.send(...chunks).map(({ request }) => textOf(request))
        for (let i = 0; i < texts.length; i++) assert.equal(texts[i], textOf(sent[i % 3]!))
        assert.equal(texts.length % 3, 0)
        assert.ok(texts.length > 0)
      }
      const [asked] = play.send(segments.wrap(sent[0]!.toBuffer(), 0, sent[0]!.size, true))
      const reply = responseFrame(5, 1, RESULT, Buffer.from([0, 0, 0, 1]))
      assert.deepEqual(play.leave(reply, asked!), segments.wrap(reply.toBuffer(), 0, reply.size, true))
    })
  }
}

test('version 5: what follows STARTUP too early waits for the answer', () => {
  const play = new Play()
  const early = new SegmentFormat(false).wrap(query(5, 'SELECT 1').toBuffer(), 0, query(5, 'SELECT 1').size, true)
  const [opening, ...more] = play.send(Buffer.concat([startup(5).toBuffer(), early]))
  assert.equal(more.length, 0)
  play.leave(ready(5), opening!)
  assert.equal(play.wire.next()!.kind, QUERY)
})

test('version 5: a large request comes in parts through outer frames, and a large reply leaves in such', () => {
  const play = new Play(1000)
  const segments = new SegmentFormat(false)
  const [opening] = play.send(startup(5).toBuffer())
  play.leave(ready(5), opening!)
  const large = query(5, 'x'.repeat(300_000), 4)
  const wrapped = segments.wrap(large.toBuffer(), 0, large.size, true)
  for (const size of [1, 7, 9, 10, 100_000]) {
    const pieces: Buffer[] = []
    let heads = 0
    for (let at = 0; at < wrapped.length; at += size === 1 ? 997 : size) {
      const chunk = Buffer.from(wrapped.subarray(at, at + (size === 1 ? 997 : size)))
      play.wire.push(chunk, 0, chunk.length)
      for (let frame = play.wire.next(); frame !== null; frame = play.wire.next()) {
        if (frame.flags & FRAME_HEAD) heads++
        pieces.push(Buffer.from(frame.toBuffer()))
      }
      play.wire.keep()
    }
    assert.equal(heads, 1)
    assert.ok(Buffer.concat(pieces).equals(large.toBuffer()))
  }
  const asked = new Exchange(query(5, 'SELECT 1', 4), noOwner, AT_OWNER, 0)
  const reply = responseFrame(5, 9, RESULT, Buffer.alloc(1000, 'r'))
  const head = responseFrame(5, 9, RESULT, Buffer.alloc(1000, 'r'))
  head.end -= 600
  head.flags = FRAME_HEAD
  const part = responseFrame(5, 9, RESULT, Buffer.alloc(1000, 'r'))
  part.start = head.end
  part.flags = FRAME_LAST
  const left = Buffer.concat([play.leave(head, asked), play.leave(part, asked)])
  const expected = reply.toBuffer()
  expected.writeInt16BE(4, 2)
  assert.equal(left[2]! & 2, 0, 'not self-contained')
  const client = new Play()
  const pair = [left.subarray(6, 6 + 409), left.subarray(6 + 409 + 4 + 6, left.length - 4)]
  assert.ok(Buffer.concat(pair).equals(expected))
  assert.equal(client.wire.pending, 0)
})

test('requests are read on while so many are open, and so many bytes of them', () => {
  const small = new Play()
  const open = small.send(Buffer.concat(Array.from({ length: 2047 }, () => query(4, 'a').toBuffer())))
  assert.equal(small.wire.readsOn, true)
  open.push(...small.send(query(4, 'a').toBuffer()))
  assert.equal(small.wire.readsOn, false)
  const large = new Play()
  const one = query(4, 'x'.repeat(60_000)).toBuffer()
  const many = large.send(...Array.from({ length: 140 }, () => one))
  assert.equal(large.wire.readsOn, false)
  for (const [play, exchanges] of [
    [small, open],
    [large, many],
  ] as const) {
    for (const exchange of exchanges) play.leave(responseFrame(4, 0, RESULT, Buffer.from([0, 0, 0, 1])), exchange)
    assert.equal(play.wire.readsOn, true)
  }
})

test('a session ends behind the error of the protocol that its STARTUP got, as servers end it; other errors it survives', () => {
  for (const [code, ended] of [
    [ERROR_PROTOCOL, true],
    [ERROR_SERVER, false],
  ] as const) {
    const play = new Play()
    const [opening] = play.send(startup(4).toBuffer())
    play.leave(errorFrame(4, 0, code, 'no'), opening!)
    assert.equal(play.wire.ended, ended)
    assert.equal(play.send(startup(4).toBuffer()).length, 1)
  }
})

test('another version than that of STARTUP is refused', () => {
  const play = new Play()
  const [opening] = play.send(startup(4).toBuffer())
  play.leave(ready(4), opening!)
  assert.throws(() => play.send(query(3, 'SELECT 1').toBuffer()), /previous messages on this connection had version 4/)
})

test('random bytes are cut or refused, and never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 }), fc.boolean(), (chunks, started) => {
      const play = new Play(100)
      if (started) play.leave(ready(5), play.send(startup(5).toBuffer())[0]!)
      try {
        for (const chunk of chunks) for (const { request } of play.send(Buffer.from(chunk))) opcodeName(request.kind)
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
      }
    }),
  )
})
