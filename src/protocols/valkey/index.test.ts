import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from '../../../test/valkey/talk.ts'
import { FRAME_HEAD, Frame } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { argument, argumentCount, argumentIs } from './arguments.ts'
import { argumentsOf, type Body } from './body.ts'
import { codeOf } from './commands.ts'
import { encodeRequest } from './encode.ts'
import { valkey } from './index.ts'
import type { Reply } from './values.ts'

function replyFrame(text: string): Frame {
  const bytes = Buffer.from(text)
  return new Frame(bytes, 0, bytes.length, bytes[0], 0, false)
}

function textOf(frame: Frame): string {
  return frame.toBuffer().toString('latin1')
}

/** Bytes, what they decode to, and how it is told. */
const VALUES: readonly (readonly [bytes: string, value: Body, told: string])[] = [
  ['+OK\r\n', { type: 'simple', text: 'OK' }, 'SimpleString(b"OK")'],
  ['-ERR "no"\r\n', { type: 'error', text: 'ERR "no"' }, 'Error("ERR \\"no\\"")'],
  [':42\r\n', { type: 'integer', value: 42 }, 'Integer(42)'],
  [':9223372036854775807\r\n', { type: 'integer', value: 9223372036854775807n }, 'Integer(9223372036854775807)'],
  ['$2\r\n42\r\n', { type: 'bulk', bytes: Buffer.from('42') }, 'BulkString(b"42")'],
  [
    '$8\r\n\0\t\r\n"\\\x7f~\r\n',
    { type: 'bulk', bytes: Buffer.from('\0\t\r\n"\\\x7f~') },
    'BulkString(b"\\0\\t\\r\\n\\"\\\\\\x7f~")',
  ],
  ['$-1\r\n', { type: 'null', of: 'bulk' }, 'Null'],
  ['*-1\r\n', { type: 'null', of: 'array' }, 'Null'],
  ['_\r\n', { type: 'null', of: 'null' }, 'Null'],
  ['#t\r\n', { type: 'boolean', value: true }, 'Boolean(true)'],
  [',1.5\r\n', { type: 'double', value: 1.5 }, 'Double(1.5)'],
  [',-inf\r\n', { type: 'double', value: -Infinity }, 'Double(-Infinity)'],
  [',nan\r\n', { type: 'double', value: NaN }, 'Double(NaN)'],
  [
    '(12345678901234567890\r\n',
    { type: 'big-number', text: '12345678901234567890' },
    'BigNumber(12345678901234567890)',
  ],
  ['!5\r\nERR x\r\n', { type: 'bulk-error', bytes: Buffer.from('ERR x') }, 'BulkError(b"ERR x")'],
  ['=6\r\ntxt:hi\r\n', { type: 'verbatim', format: 'txt', bytes: Buffer.from('hi') }, 'VerbatimString(txt, b"hi")'],
  ['*0\r\n', { type: 'array', items: [] }, 'Array([])'],
  [
    '*2\r\n:1\r\n~1\r\n#f\r\n',
    {
      type: 'array',
      items: [
        { type: 'integer', value: 1 },
        { type: 'set', items: [{ type: 'boolean', value: false }] },
      ],
    },
    'Array([Integer(1), Set([Boolean(false)])])',
  ],
  [
    '%1\r\n+a\r\n>1\r\n:1\r\n',
    {
      type: 'map',
      entries: [
        [
          { type: 'simple', text: 'a' },
          { type: 'push', items: [{ type: 'integer', value: 1 }] },
        ],
      ],
    },
    'Map({SimpleString(b"a"): Push([Integer(1)])})',
  ],
  [
    '|1\r\n+ttl\r\n:9\r\n*1\r\n|1\r\n+a\r\n_\r\n:1\r\n',
    {
      type: 'array',
      attributes: [
        [
          { type: 'simple', text: 'ttl' },
          { type: 'integer', value: 9 },
        ],
      ],
      items: [
        {
          type: 'integer',
          value: 1,
          attributes: [
            [
              { type: 'simple', text: 'a' },
              { type: 'null', of: 'null' },
            ],
          ],
        },
      ],
    },
    'Array([Integer(1)])',
  ],
]

for (const [bytes, value, told] of VALUES) {
  test(`${JSON.stringify(bytes)} is ${told}, there and back`, () => {
    const frame = replyFrame(bytes)
    assert.deepEqual(valkey.body(frame), value)
    assert.equal(valkey.body(frame), frame.body)
    assert.equal(valkey.describe(frame), `Valkey ${told}`)
    const encoded = valkey.encode(value, -1)
    assert.equal(textOf(encoded), bytes)
    assert.equal(encoded.borrowed, false)
    if (!bytes.startsWith('|')) assert.equal(encoded.kind, bytes.charCodeAt(0))
  })
}

const STREAMED: readonly (readonly [bytes: string, value: Reply])[] = [
  ['$?\r\n;2\r\nab\r\n;1\r\nc\r\n;0\r\n', { type: 'bulk', bytes: Buffer.from('abc') }],
  ['$?\r\n;0\r\n', { type: 'bulk', bytes: Buffer.alloc(0) }],
  ['*?\r\n:1\r\n.\r\n', { type: 'array', items: [{ type: 'integer', value: 1 }] }],
  [
    '%?\r\n:1\r\n~?\r\n.\r\n.\r\n',
    {
      type: 'map',
      entries: [
        [
          { type: 'integer', value: 1 },
          { type: 'set', items: [] },
        ],
      ],
    },
  ],
]

for (const [bytes, value] of STREAMED) {
  test(`${JSON.stringify(bytes)} decodes to what it streams`, () => {
    assert.deepEqual(valkey.body(replyFrame(bytes)), value)
  })
}

const NO_VALUES = [
  '',
  '+OK',
  '$3\r\nab',
  '*2\r\n:1\r\n',
  ':1x\r\n',
  ',x\r\n',
  '=2\r\nab\r\n',
  '.\r\n',
  '*x\r\n',
  'x\r\n',
]

for (const bytes of NO_VALUES) {
  test(`${JSON.stringify(bytes)} is refused by the decoder`, () => {
    assert.throws(() => valkey.body(replyFrame(bytes)), ProtocolError)
  })
}

test('line ends inside a text do not end the reply', () => {
  assert.equal(textOf(valkey.encode({ type: 'simple', text: 'a\r\nb' }, -1)), '+a  b\r\n')
})

test('a failure is one line', () => {
  const reply = valkey.failure(request('GET k'), 'unavailable', 'no server\n\nCaused by:\n    refused')!
  assert.equal(textOf(reply), '-ERR no server  Caused by:     refused\r\n')
})

test('the buffers of a body stay as they are when the read buffer is overwritten', () => {
  const lent = Buffer.from('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n')
  const { kind, code } = request('GET k')
  const frame = new Frame(lent, 0, lent.length, kind, code, true)
  const args = argumentsOf(frame)
  lent.fill(0xee)
  assert.deepEqual(args.map(String), ['GET', 'k'])
})

test('the head of a request has the arguments that are complete, and says that there are more', () => {
  const whole = request('SET key value')
  const head = new Frame(whole.bytes, 0, whole.end - 4, whole.kind, whole.code, false)
  head.flags = FRAME_HEAD
  const body = valkey.body(head)
  assert.deepEqual(body, { type: 'request', args: [Buffer.from('SET'), Buffer.from('key')], complete: false })
  assert.equal(valkey.describe(head), 'Valkey Array([BulkString(b"SET"), BulkString(b"key"), ..])')
})

test('the head of a reply is its bytes so far', () => {
  const head = replyFrame('$100\r\nabc')
  head.flags = FRAME_HEAD
  assert.deepEqual(valkey.body(head), { type: 'partial', bytes: Buffer.from('$100\r\nabc') })
})

test('a request is told as an array of bulk strings', () => {
  assert.equal(
    valkey.describe(request('SET k "\\xff"')),
    'Valkey Array([BulkString(b"SET"), BulkString(b"k"), BulkString(b"\\xff")])',
  )
})

const SPLICES: readonly (readonly [splices: readonly (readonly [index: number, bytes: string])[], line: string])[] = [
  [[[1, 'longer-key']], 'SET longer-key value'],
  [[[1, 'KEY']], 'SET KEY value'],
  [[[1, '']], 'SET "" value'],
  [[[2, 'x'.repeat(100)]], `SET key ${'x'.repeat(100)}`],
  [[[2, 'second'], [1, 'first']], 'SET first second'], // prettier-ignore
  [[[1, 'once'], [1, 'twice'], [2, 'v'], [1, 'key']], 'SET key v'], // prettier-ignore
]

for (const [splices, line] of SPLICES) {
  test(`${JSON.stringify(splices)} turns the request into ${line}`, () => {
    for (const isDecoded of [true, false]) {
      const frame = request('SET key value')
      const { bytes } = frame
      if (isDecoded) valkey.body(frame)
      for (const [index, text] of splices) valkey.splice(frame, index, Buffer.from(text))
      const expected = request(line)
      assert.equal(textOf(frame), textOf(expected))
      assert.equal(frame.size, expected.end)
      assert.deepEqual(valkey.body(frame), valkey.body(expected))
      assert.equal(frame.bytes, bytes)
      assert.equal(String(argument(frame, 1)), String(argument(expected, 1)))
    }
  })
}

test('a spliced command is the command that it became', () => {
  const frame = request('GETDEL k')
  valkey.splice(frame, 0, Buffer.from('get'))
  assert.equal(frame.code, codeOf('get'))
})

test('a megabyte is not copied for a change of its key', () => {
  const value = Buffer.alloc(1024 * 1024)
  const frame = encodeRequest(['SET', 'k', value])
  const before = frame.bytes
  valkey.splice(frame, 1, Buffer.from('other'))
  assert.equal(frame.bytes, before)
  assert.deepEqual(
    frame.edits!.map(({ bytes }) => String(bytes)),
    ['$5\r\n', 'other'],
  )
})

test('there is no splicing of arguments that are not there, nor of replies', () => {
  assert.throws(() => valkey.splice(request('GET k'), 2, Buffer.alloc(1)), RangeError)
  assert.throws(() => valkey.splice(replyFrame('+OK\r\n'), 0, Buffer.alloc(1)), TypeError)
})

test('single arguments are found without decoding', () => {
  const frame = request('CLIENT reply "" oFf')
  assert.equal(argumentCount(frame), 4)
  assert.deepEqual(argument(frame, 2), Buffer.alloc(0))
  assert.equal(argument(frame, 4), null)
  assert.equal(argumentIs(frame, 3, 'off'), true)
  assert.equal(argumentIs(frame, 3, 'on'), false)
  assert.equal(argumentIs(frame, 9, 'off'), false)
  assert.equal(frame.body, null)
})

test('replies that are errors are told from others', () => {
  for (const text of ['-ERR x\r\n', '!3\r\nERR\r\n', '-MOVED 1 a:1\r\n'])
    assert.equal(valkey.isError(replyFrame(text)), true, text)
  for (const text of ['+OK\r\n', '$-1\r\n', '*1\r\n-ERR x\r\n', '_\r\n'])
    assert.equal(valkey.isError(replyFrame(text)), false, text)
})
