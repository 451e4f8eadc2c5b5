import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { cut, tearings } from '../../../test/valkey/cuts.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { body } from './body.ts'
import { encodeReply } from './encode-reply.ts'
import { ReplyScan } from './reply-scan.ts'
import type { Reply } from './values.ts'
import { ServerWire } from './wire-server.ts'

const OK = Buffer.from('+OK\r\n')
const BULK = Buffer.from('$3\r\nabc\r\n')

const REPLIES: readonly string[] = [
  '+OK\r\n',
  '+\r\n',
  '+a \n b\r\n',
  '-ERR no\r\n',
  ':1\r\n',
  ':-9223372036854775808\r\n',
  '$0\r\n\r\n',
  '$-1\r\n',
  '$11\r\n+OK\r\n*9\r\n$1\r\n',
  '*-1\r\n',
  '*0\r\n',
  '*3\r\n:1\r\n$-1\r\n*2\r\n+a\r\n$1\r\nb\r\n',
  '*1\r\n*1\r\n*1\r\n*0\r\n',
  '_\r\n',
  '#t\r\n',
  ',1.5\r\n',
  ',inf\r\n',
  '(3492890328409238509324850943850943825024385\r\n',
  '!21\r\nSYNTAX invalid syntax\r\n',
  '=15\r\ntxt:Some string\r\n',
  '%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n_\r\n',
  '%0\r\n',
  '~2\r\n+a\r\n#f\r\n',
  '>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n',
  '|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n|1\r\n+x\r\n+y\r\n:2\r\n',
  '|0\r\n+OK\r\n',
  '$?\r\n;4\r\nHell\r\n;6\r\no worl\r\n;1\r\nd\r\n;0\r\n',
  '*?\r\n:1\r\n*2\r\n:2\r\n:3\r\n*?\r\n.\r\n$?\r\n;1\r\nx\r\n;0\r\n.\r\n',
  '%?\r\n+a\r\n:1\r\n.\r\n',
  '~?\r\n.\r\n',
  '*2\r\n*?\r\n:1\r\n.\r\n:2\r\n',
  `+${'x'.repeat(60)}\n${'y'.repeat(60)}\r\n`,
]

for (const reply of REPLIES) {
  test(`${JSON.stringify(reply).slice(0, 60)} is one reply however it is torn`, () => {
    const bytes = Buffer.from(reply, 'latin1')
    const kind = reply.startsWith('|1') ? 0x2a : reply.startsWith('|0') ? 0x2b : bytes[0]
    for (const chunks of tearings(bytes, BULK, OK)) {
      for (const bound of [65536, 16, 1]) {
        const cuts = cut(new ServerWire(bound), chunks, bound === 1 ? 1 : Infinity)
        assert.deepEqual(
          cuts.map(({ text }) => text),
          [BULK.toString('latin1'), reply, OK.toString('latin1')],
        )
        if (bound === 65536) assert.equal(cuts[1].kind, kind)
      }
    }
  })
}

const MALFORMED: readonly string[] = [
  'x\r\n',
  '\r\n',
  '$x\r\n',
  '$\r\n',
  '$-2\r\n',
  '*-2\r\n',
  '%-1\r\n',
  '>?\r\n',
  '|?\r\n',
  '!?\r\n',
  '$1\rX',
  '$1\r\nabc\r\n',
  '$99999999999999999999\r\n',
  '*9223372036854775808\r\n',
  '.\r\n',
  ';1\r\na\r\n',
  '$?\r\n+a\r\n',
  '*1\r\n.\r\n',
  '*?\r\n'.repeat(1001),
]

for (const reply of MALFORMED) {
  test(`${JSON.stringify(reply).slice(0, 40)} from a server is a protocol error`, () => {
    const bytes = Buffer.from(reply, 'latin1')
    const cutsOfAll = bytes.length > 100 ? [[bytes]] : tearings(bytes, OK, Buffer.alloc(0))
    for (const chunks of cutsOfAll) assert.throws(() => cut(new ServerWire(65536), chunks), ProtocolError)
  })
}

test('nesting of any depth is cut without a stack, and its decoding is bounded', () => {
  const bytes = Buffer.from('*1\r\n'.repeat(100_000) + ':1\r\n')
  const wire = new ServerWire(Infinity)
  wire.push(bytes, 0, bytes.length)
  const frame = wire.next()!
  assert.equal(frame.end, bytes.length)
  assert.throws(() => body(frame), ProtocolError)
})

test('a large array in small chunks is scanned once', () => {
  const item = `*3\r\n:12345\r\n$100\r\n${'x'.repeat(100)}\r\n+${'y'.repeat(200)}\r\n`
  const count = 20_000
  const bytes = Buffer.from(`*${count}\r\n${item.repeat(count)}`)
  let reads = 0
  const counted = new Proxy(bytes, {
    get(target, name) {
      reads++
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const scan = new ReplyScan()
  let isWhole = false
  for (let end = 16384; !isWhole; end += 16384) isWhole = scan.resume(counted, Math.min(end, bytes.length))
  assert.equal(scan.at, bytes.length)
  assert.ok(reads < 140 * count, `${reads} reads`)
})

test('a long line is searched once for its end', () => {
  const bytes = Buffer.from(`+${'x'.repeat(10_000)}\r\n`)
  const search = mock.method(Buffer.prototype, 'indexOf')
  const scan = new ReplyScan()
  for (let end = 1; !scan.resume(bytes, end); end++);
  const searched = search.mock.calls.length
  let total = 0
  for (const call of search.mock.calls) total += (call.this as Buffer).length - Number(call.arguments[1])
  search.mock.restore()
  assert.ok(searched < 10_100 && total < 20_000, `${searched} searches of ${total} bytes`)
})

test('a line that never ends is passed on, not searched again and again', () => {
  const wire = new ServerWire(1000)
  let frames = 0
  wire.push(Buffer.from('+'), 0, 1)
  for (let i = 0; i < 1000; i++) {
    const chunk = Buffer.alloc(100, 'x')
    while (wire.next() !== null) frames++
    wire.keep()
    wire.push(chunk, 0, 100)
    assert.ok(wire.pending <= 1300)
  }
  assert.ok(frames > 900)
})

/** Random values of RESP2 and RESP3. */
function replies(): fc.Arbitrary<Reply> {
  const text = fc.string({ maxLength: 20 }).map((random) => random.replace(/[\r\n]/g, ''))
  const bytes = fc.uint8Array({ maxLength: 60 }).map((random) => Buffer.from(random))
  return fc.letrec<{ value: Reply; leaf: Reply }>((tie) => ({
    leaf: fc.oneof(
      text.map((line): Reply => ({ type: 'simple', text: line })),
      text.map((line): Reply => ({ type: 'error', text: line })),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value): Reply => {
        const number = Number(value)
        return { type: 'integer', value: Number.isSafeInteger(number) ? number : value }
      }),
      fc.integer().map((value): Reply => ({ type: 'integer', value })),
      bytes.map((buffer): Reply => ({ type: 'bulk', bytes: buffer })),
      bytes.map((buffer): Reply => ({ type: 'bulk-error', bytes: buffer })),
      bytes.map((buffer): Reply => ({ type: 'verbatim', format: 'txt', bytes: buffer })),
      fc.constantFrom<'null' | 'bulk' | 'array'>('null', 'bulk', 'array').map((of): Reply => ({ type: 'null', of })),
      fc.boolean().map((value): Reply => ({ type: 'boolean', value })),
      fc.double().map((value): Reply => ({ type: 'double', value })),
      fc.bigInt().map((value): Reply => ({ type: 'big-number', text: String(value) })),
    ),
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('leaf'),
      fc.array(tie('value'), { maxLength: 4 }).map((items): Reply => ({ type: 'array', items })),
      fc.array(tie('value'), { maxLength: 4 }).map((items): Reply => ({ type: 'set', items })),
      fc.array(tie('value'), { maxLength: 4 }).map((items): Reply => ({ type: 'push', items })),
      fc
        .array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 })
        .map((entries): Reply => ({ type: 'map', entries })),
      fc
        .tuple(tie('leaf'), fc.array(fc.tuple(tie('leaf'), tie('value')), { minLength: 1, maxLength: 2 }))
        .map(([value, attributes]): Reply => ({ ...value, attributes })),
    ),
  })).value
}

/** Pieces of random sizes. */
function pieces(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let at = 0
  for (let i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length]
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

test('random replies are cut and decoded to what was encoded, however they are torn', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 6 })
  const values = fc.array(replies(), { minLength: 1, maxLength: 4 })
  const check = fc.property(values, sizes, fc.integer({ min: 4, max: 300 }), (sent, cuts, bound) => {
    const frames = sent.map(encodeReply)
    const texts = frames.map((frame) => frame.toBuffer().toString('latin1'))
    const stream = Buffer.concat(frames.map((frame) => frame.toBuffer()))
    assert.deepEqual(
      cut(new ServerWire(bound), pieces(stream, cuts)).map(({ text }) => text),
      texts,
    )
    assert.deepEqual(frames.map(body), sent)
    assert.deepEqual(
      frames.map((frame) =>
        encodeReply(body(frame) as Reply)
          .toBuffer()
          .toString('latin1'),
      ),
      texts,
    )
  })
  fc.assert(check, { numRuns: 500 })
})

test('random bytes end in replies or a protocol error, the same however they are torn', () => {
  const piece = fc.constantFrom(
    '*2\r\n',
    '*?\r\n',
    '.\r\n',
    '$3\r\n',
    '$?\r\n',
    ';2\r\n',
    ';0\r\n',
    'ab\r\n',
    '%1\r\n',
    '|1\r\n',
    '+x\r\n',
    '_\r\n',
    '\r',
    '\n',
    ':',
    '-',
    '$-1\r\n',
    '>1\r\n',
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((random) => Buffer.from(random)),
    fc.array(piece, { maxLength: 30 }).map((list) => Buffer.from(list.join(''))),
  )
  const check = fc.property(bytes, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }), (sent, sizes) => {
    assert.deepEqual(outcome(pieces(sent, sizes)), outcome([sent]))
  })
  fc.assert(check, { numRuns: 3000 })
})

function outcome(chunks: readonly Buffer[]): string[] {
  const found: string[] = []
  const wire = new ServerWire(65536)
  try {
    for (const chunk of chunks) {
      const lent = Buffer.from(chunk)
      wire.push(lent, 0, lent.length)
      for (let frame = wire.next(); frame !== null; frame = wire.next()) {
        found.push(frame.toBuffer().toString('latin1'))
        decodes(() => body(frame))
      }
      wire.keep()
      lent.fill(0xee)
    }
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    found.push('refused')
  }
  return found
}

/** What was cut may still be refused when it is decoded, but in no other way. */
function decodes(run: () => void): void {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
  }
}
