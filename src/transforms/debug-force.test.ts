import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play, type Message } from '../../test/kit.ts'
import type { Protocol } from '../core/protocol.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { debugForceEncode } from './debug-force-encode.ts'
import { debugForceParse } from './debug-force-parse.ts'

/** Valkey, and what of it was asked. */
function watched(): { protocol: Protocol; parsed: string[]; encoded: string[] } {
  const parsed: string[] = []
  const encoded: string[] = []
  const protocol: Protocol = {
    ...(valkey as Protocol),
    body(frame) {
      parsed.push(frame.toBuffer().toString('latin1'))
      return valkey.body(frame)
    },
    encode(body, stream) {
      const frame = valkey.encode(body as never, stream)
      encoded.push(frame.toBuffer().toString('latin1'))
      return frame
    },
  }
  return { protocol, parsed, encoded }
}

const GET = '*2\r\n$3\r\nGET\r\n$1\r\na\r\n'
const REPLY = '*2\r\n$1\r\nx\r\n:7\r\n'
const PUSH = '>2\r\n+a\r\n_\r\n'

for (const requests of [true, false]) {
  for (const responses of [true, false]) {
    test(`requests ${requests}, replies ${responses}: so it is parsed or encoded, and passes as it is`, async () => {
      for (const kind of [debugForceParse, debugForceEncode]) {
        const { protocol, parsed, encoded } = watched()
        const verb = kind === debugForceParse ? 'parse' : 'encode'
        const options = { [`${verb}_requests`]: requests, [`${verb}_responses`]: responses }
        const p = play(kind as typeof debugForceParse, options, { protocol })
        await p.send(GET)
        p.expectForwarded(GET)
        await p.answer(REPLY)
        await p.push(PUSH)
        p.expectReplied(REPLY, PUSH)
        const wanted = [...(requests ? [GET] : []), ...(responses ? [REPLY, PUSH] : [])]
        assert.deepEqual(parsed, wanted)
        assert.deepEqual(encoded, kind === debugForceEncode ? wanted : [])
      }
    })
  }
}

test('what passes in parts stays as it is', async () => {
  const large: Message = ['SET', 'a', 'x'.repeat(1000)]
  for (const [kind, options] of [
    [debugForceParse, { parse_requests: true, parse_responses: true }],
    [debugForceEncode, { encode_requests: true, encode_responses: true }],
  ] as const) {
    const p = play(kind as typeof debugForceParse, options, { limits: { cutThroughBytes: 64 } })
    await p.send(large)
    p.expectForwarded(large)
    await p.answer(`$1000\r\n${'y'.repeat(1000)}\r\n`)
    p.expectReplied(`$1000\r\n${'y'.repeat(1000)}\r\n`)
    assert.equal(p.faults, 0)
  }
})

test('what can not be decoded is logged, and passes', async () => {
  const protocol: Protocol = {
    ...(valkey as Protocol),
    body: () => {
      throw new Error('no')
    },
  }
  for (const [kind, options] of [
    [debugForceParse, { parse_requests: true, parse_responses: false }],
    [debugForceEncode, { encode_requests: true, encode_responses: false }],
  ] as const) {
    const p = play(kind as typeof debugForceParse, options, { protocol })
    await p.send(GET)
    p.expectForwarded(GET)
    assert.deepEqual(p.logged, ['error: Failed to parse frame {"error":"no"}'])
  }
})

test('all fields must be there', () => {
  assert.throws(() => play(debugForceParse, { parse_requests: true }), /parse_responses/)
  assert.throws(() => play(debugForceEncode, { encode_responses: true }), /encode_requests/)
})
