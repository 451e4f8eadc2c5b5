import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate, int, query, ready, startup, string } from '../../../test/cassandra.ts'
import { cut, tearings } from '../../../test/valkey/cuts.ts'
import { AT_OWNER, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import { noOwner } from '../../core/handshake.ts'
import {
  MATCH_DROP,
  MATCH_PART,
  MATCH_PUSH,
  MATCH_REPLY,
  ProtocolError,
  WIRE_CLEAN,
  WIRE_DIRTY,
} from '../../core/protocol.ts'
import { errorFrame, requestFrame, responseFrame, USES_KEYSPACE } from './envelope.ts'
import {
  AUTH_CHALLENGE,
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  ERROR_PROTOCOL,
  EVENT,
  EXECUTE,
  PREPARE,
  QUERY,
  REGISTER,
  RESULT,
  SUPPORTED,
} from './opcodes.ts'
import { SegmentFormat } from './segment.ts'
import { ServerWire } from './wire-server.ts'

const EMPTY = Buffer.alloc(0)
const VOID = int(1)

const REPLIES: readonly (readonly [name: string, frame: Frame])[] = [
  ['a READY', ready(4)],
  ['a RESULT', responseFrame(4, 3, RESULT, VOID)],
  [
    'a RESULT with a warning',
    responseFrame(3, 32767, RESULT, Buffer.concat([Buffer.from([0, 1]), string('slow'), VOID]), 8),
  ],
  ['an ERROR', errorFrame(5, 5, ERROR_PROTOCOL, 'no')],
  ['an EVENT', responseFrame(4, -1, EVENT, string('STATUS_CHANGE'))],
]

for (const [name, frame] of REPLIES) {
  test(`${name} is the same however it is torn`, () => {
    const before = responseFrame(4, 1, SUPPORTED, Buffer.from([0, 0]))
    const behind = responseFrame(4, 2, RESULT, VOID)
    for (const chunks of tearings(frame.toBuffer(), before.toBuffer(), behind.toBuffer())) {
      for (const stop of [Infinity, 1]) {
        const texts = cut(new ServerWire(65536), chunks, stop).map(({ text }) => text)
        assert.deepEqual(
          texts,
          [before, frame, behind].map((one) => one.toBuffer().toString('latin1')),
        )
      }
    }
  })
}

/** A server's connection, as an upstream has it. */
class Play {
  readonly wire: ServerWire
  constructor(cutThroughBytes = 65536) {
    this.wire = new ServerWire(cutThroughBytes)
  }

  /** Sends a request; returns its exchange, and the stream that it left with. */
  ask(request: Frame): { exchange: Exchange; stream: number; left: Buffer } {
    const exchange = new Exchange(request, noOwner, AT_OWNER, 0)
    const leaving = Buffer.from(this.wire.leave(request, exchange).toBuffer())
    const stream = leaving.readInt16BE(2)
    const left = this.wire.enclosure?.enclose(leaving, 0, leaving.length) ?? leaving
    this.wire.sent(exchange)
    return { exchange, stream, left }
  }

  /** What came is matched: the exchange and the verdict of each frame. */
  answer(bytes: Buffer): (readonly [Exchange | null, number])[] {
    const found: (readonly [Exchange | null, number])[] = []
    this.wire.push(Buffer.from(bytes), 0, bytes.length)
    for (let frame = this.wire.next(); frame !== null; frame = this.wire.next()) {
      const exchange = this.wire.match(frame)
      found.push([exchange, this.wire.matched])
    }
    this.wire.keep()
    return found
  }

  /** STARTUP and its answer. */
  start(version: number, options: Record<string, string> = {}, granted: Frame = ready(version)): void {
    const { stream } = this.ask(startup(version, options))
    granted.bytes.writeInt16BE(stream, 2)
    this.answer(granted.toBuffer())
  }
}

test('requests of many sessions with the same stream get streams of their own, and replies find them in any order', () => {
  const play = new Play()
  const asked = Array.from({ length: 300 }, () => play.ask(query(4, 'SELECT 1', 5)))
  assert.equal(new Set(asked.map(({ stream }) => stream)).size, 300)
  assert.equal(play.wire.inFlight, 300)
  assert.deepEqual(
    play.wire.waiting(),
    asked.map(({ exchange }) => exchange),
  )
  for (const { exchange, stream } of asked.toReversed())
    assert.deepEqual(play.answer(responseFrame(4, stream, RESULT, VOID).toBuffer()), [[exchange, MATCH_REPLY]])
  assert.equal(play.wire.inFlight, 0)
  const again = play.ask(query(4, 'SELECT 1', 5))
  assert.ok(again.stream < 300, 'a stream is used again')
  assert.equal(again.exchange.request.stream, 5)
})

for (const lent of [false, true])
  test(`the stream of a request, ${lent ? 'lent' : 'owned'}, that was given up is not used before its reply came`, () => {
    const play = new Play()
    const ask = (text: string) => {
      const request = query(4, text, 1)
      request.borrowed = lent
      return play.ask(request)
    }
    const [first, second] = [ask('a'), ask('b')]
    play.wire.abandon(second.exchange)
    play.wire.abandon(first.exchange)
    assert.deepEqual(play.wire.waiting(), [])
    assert.ok(![first.stream, second.stream].includes(ask('c').stream))
    for (const { stream } of [first, second])
      assert.deepEqual(play.answer(responseFrame(4, stream, RESULT, VOID).toBuffer()), [[null, MATCH_DROP]])
    assert.equal(ask('d').stream, second.stream)
    assert.equal(play.wire.takeAll().length, 2)
    assert.equal(play.wire.inFlight, 0)
  })

test('events are pushes, in parts too, and a large reply comes as its head and parts', () => {
  const play = new Play(100)
  const { exchange, stream } = play.ask(query(4, 'a'))
  const event = responseFrame(4, -1, EVENT, Buffer.alloc(200, 'e')).toBuffer()
  const reply = responseFrame(4, stream, RESULT, Buffer.concat([int(2), Buffer.alloc(200, 'r')])).toBuffer()
  const verdicts = [
    event.subarray(0, 120),
    event.subarray(120),
    reply.subarray(0, 120),
    reply.subarray(120, 140),
    reply.subarray(140),
  ]
  assert.deepEqual(
    verdicts.flatMap((bytes) => play.answer(bytes)),
    [
      [null, MATCH_PUSH],
      [null, MATCH_PUSH],
      [exchange, MATCH_REPLY],
      [exchange, MATCH_PART],
      [exchange, MATCH_PART],
    ],
  )
  assert.equal(play.wire.inFlight, 0)
})

test('a reply on a stream that is not in use is refused; an error there is about the connection', () => {
  const play = new Play()
  assert.deepEqual(play.answer(errorFrame(4, 0, ERROR_PROTOCOL, 'closing').toBuffer()), [[null, MATCH_DROP]])
  assert.equal(play.wire.state(), WIRE_DIRTY)
  assert.throws(() => play.answer(responseFrame(4, 9, RESULT, VOID).toBuffer()), ProtocolError)
})

test('a connection is a client’s while that proves who it is, and for good where it was asked more than once', () => {
  const play = new Play()
  assert.equal(play.wire.state(), WIRE_CLEAN)
  play.start(4, {}, authenticate(4))
  assert.equal(play.wire.state(), WIRE_DIRTY)
  const token = () => play.ask(requestFrame(4, 0, AUTH_RESPONSE, int(-1)))
  play.answer(responseFrame(4, token().stream, AUTH_SUCCESS, int(-1)).toBuffer())
  assert.equal(play.wire.state(), WIRE_CLEAN)
  play.answer(responseFrame(4, token().stream, AUTH_CHALLENGE, int(-1)).toBuffer())
  play.answer(responseFrame(4, token().stream, AUTH_SUCCESS, int(-1)).toBuffer())
  assert.equal(play.wire.state(), WIRE_DIRTY)
})

test('a connection that events were asked for on is its client’s from then on', () => {
  const play = new Play()
  play.start(4)
  const { stream } = play.ask(requestFrame(4, 0, REGISTER, Buffer.from([0, 0])))
  assert.equal(play.wire.state(), WIRE_DIRTY)
  play.answer(ready(4, stream).toBuffer())
  assert.equal(play.wire.state(), WIRE_DIRTY)
})

const SET_KEYSPACE = Buffer.concat([int(3), string('ks')])

test('a keyspace may only be changed by what is known to change it', () => {
  const play = new Play()
  const use = query(4, 'USE ks')
  use.code |= USES_KEYSPACE
  const { exchange, stream } = play.ask(use)
  const granted = responseFrame(4, stream, RESULT, SET_KEYSPACE).toBuffer()
  assert.deepEqual(play.answer(granted), [[exchange, MATCH_REPLY]])
  for (const opcode of [QUERY, EXECUTE]) {
    play.ask(requestFrame(4, 0, opcode, EMPTY))
    assert.throws(() => play.answer(granted), /changed the keyspace of a connection unexpectedly/)
  }
  const prepared = new Play()
  prepared.ask(requestFrame(4, 0, PREPARE, EMPTY))
  assert.equal(prepared.answer(responseFrame(4, 0, RESULT, SET_KEYSPACE).toBuffer()).length, 1)
})

for (const lz4 of [false, true]) {
  test(`version 5${lz4 ? ' with LZ4' : ''}: after STARTUP was granted both directions speak outer frames`, () => {
    const segments = new SegmentFormat(lz4)
    const play = new Play()
    play.start(5, lz4 ? { COMPRESSION: 'lz4' } : {})
    const { exchange, left } = play.ask(query(5, 'SELECT 1', 9))
    const expected = query(5, 'SELECT 1', 0).toBuffer()
    assert.deepEqual(left, segments.wrap(expected, 0, expected.length, true))
    const large = Buffer.concat([
      responseFrame(5, 0, RESULT, Buffer.concat([VOID, Buffer.alloc(3000, 'row ')])).toBuffer(),
    ])
    const event = responseFrame(5, -1, EVENT, EMPTY).toBuffer()
    const both = Buffer.concat([event, large])
    const wrapped = segments.wrap(both, 0, both.length, true)
    const found = Array.from(wrapped, (_, at) => play.answer(wrapped.subarray(at, at + 1))).flat()
    assert.deepEqual(found, [
      [null, MATCH_PUSH],
      [exchange, MATCH_REPLY],
    ])
  })
}

test('a refused STARTUP leaves a connection that is of no use to others', () => {
  const play = new Play()
  play.start(5, {}, errorFrame(4, 0, ERROR_PROTOCOL, 'Invalid or unsupported protocol version (5)'))
  assert.equal(play.wire.state(), WIRE_DIRTY)
})
