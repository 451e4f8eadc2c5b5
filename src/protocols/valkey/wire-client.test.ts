import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import fc from 'fast-check'
import { cut, tearings } from '../../../test/valkey/cuts.ts'
import { FRAME_HEAD, FRAME_LAST } from '../../core/frame.ts'
import { ProtocolError } from '../../core/protocol.ts'
import { commandName } from './commands.ts'
import { encodeRequest } from './encode.ts'
import { RequestScan } from './request-scan.ts'
import { REQUEST } from './resp.ts'
import { ClientWire } from './wire-client.ts'

const PING = Buffer.from('*1\r\n$4\r\nPING\r\n')
const GET = Buffer.from('*2\r\n$3\r\nget\r\n$3\r\nkey\r\n')

/** What is sent, the command it is, and what it is cut to where that is not what was sent. */
const REQUESTS: readonly (readonly [sent: string, command: string, cut?: string])[] = [
  ['*1\r\n$4\r\nPING\r\n', 'PING'],
  ['*2\r\n$3\r\nGeT\r\n$1\r\nk\r\n', 'GET'],
  ['*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n', 'SET'],
  ['*3\r\n$3\r\nSET\r\n$5\r\n\r\n$1\r\r\n$12\r\n*1\r\n$4\r\nPING\r\n', 'SET'],
  ['*3\r\n$6\r\nclient\r\n$7\r\nSetName\r\n$1\r\nx\r\n', 'CLIENT SETNAME'],
  ['*2\r\n$6\r\nCLIENT\r\n$6\r\nnosuch\r\n', 'CLIENT'],
  ['*1\r\n$6\r\nCLIENT\r\n', 'CLIENT'],
  ['*1\r\n$7\r\nCOMMAND\r\n', 'COMMAND'],
  ['*2\r\n$8\r\nmodule.x\r\n$1\r\nk\r\n', 'unknown'],
  ['*1\r\n$0\r\n\r\n', 'unknown'],
  ['*1\r\n$40\r\n0123456789012345678901234567890123456789\r\n', 'unknown'],
  ['*1\r\n$3\r\nG\x05T\r\n', 'unknown'],
  ['PING\r\n', 'PING', '*1\r\n$4\r\nPING\r\n'],
  ['PING\n', 'PING', '*1\r\n$4\r\nPING\r\n'],
  [' \t set  k "a\\x41\\n\\"b" \r\n', 'SET', '*3\r\n$3\r\nset\r\n$1\r\nk\r\n$5\r\naA\n"b\r\n'],
  ["set k 'it\\'s \\n'\r\n", 'SET', "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$7\r\nit's \\n\r\n"],
  ['"client" id\r\n', 'CLIENT ID', '*2\r\n$6\r\nclient\r\n$2\r\nid\r\n'],
  ['\r\n\n  \r\n*0\r\n*-1\r\n*-7\r\nPING\r\n', 'PING', '*1\r\n$4\r\nPING\r\n'],
]

for (const [sent, command, expected] of REQUESTS) {
  test(`${JSON.stringify(sent)} is ${command} however it is torn`, () => {
    const bytes = Buffer.from(sent, 'latin1')
    for (const chunks of tearings(bytes, GET, PING)) {
      for (const stop of [Infinity, 1]) {
        const cuts = cut(new ClientWire(65536), chunks, stop)
        assert.deepEqual(
          cuts.map(({ kind, code, text }) => [kind, commandName[code], text]),
          [
            [REQUEST, 'GET', GET.toString('latin1')],
            [REQUEST, command, expected ?? sent],
            [REQUEST, 'PING', PING.toString('latin1')],
          ],
        )
      }
    }
  })
}

const REFUSED: readonly (readonly [sent: string, text: string])[] = [
  ['*x\r\n', 'invalid multibulk length'],
  ['*\r\n', 'invalid multibulk length'],
  ['*01\r\n', 'invalid multibulk length'],
  ['*+1\r\n', 'invalid multibulk length'],
  ['*-0\r\n', 'invalid multibulk length'],
  ['*2147483648\r\n', 'invalid multibulk length'],
  ['*9223372036854775808\r\n', 'invalid multibulk length'],
  ['*1\r\n*1\r\n', "expected '$', got '*'"],
  ['*1\r\n:4\r\n', "expected '$', got ':'"],
  ['*1\r\n$\r\n', 'invalid bulk length'],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$04\r\n', 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ['*1\r\n$9223372036854775808\r\n', 'invalid bulk length'],
  ['*1\rX', 'invalid CRLF in request'],
  ['*1\r\n$4\rX', 'invalid CRLF in request'],
  ['*1\r\n$4\r\nPINGXX', 'invalid CRLF in request'],
  ['SET "k v\r\n', 'unbalanced quotes in request'],
  ["SET 'k\r\n", 'unbalanced quotes in request'],
  ['SET "k"v\r\n', 'unbalanced quotes in request'],
]

for (const [sent, text] of REFUSED) {
  test(`${JSON.stringify(sent)} is refused as a server does, after what came before`, () => {
    const bytes = Buffer.from(sent, 'latin1')
    for (const chunks of tearings(bytes, GET, Buffer.alloc(0))) {
      const wire = new ClientWire(65536)
      assert.throws(() => cut(wire, chunks), { name: 'ProtocolError', message: text })
    }
    const wire = new ClientWire(65536)
    wire.push(Buffer.concat([GET, bytes]), 0, GET.length + bytes.length)
    assert.equal(wire.next()!.toBuffer().toString('latin1'), GET.toString('latin1'))
    const error = thrown(() => wire.next())
    assert.equal(error.reply!.toBuffer().toString('latin1'), `-ERR Protocol error: ${text}\r\n`)
  })
}

const TOO_LONG: readonly (readonly [start: string, fill: string, text: string])[] = [
  ['*', '1', 'too big mbulk count string'],
  ['*1\r\n$', '1', 'too big bulk count string'],
  ['*1\r\n', 'x', 'too big bulk count string'],
  ['', 'x', 'too big inline request'],
]

for (const [start, fill, text] of TOO_LONG) {
  test(`a line that begins with ${JSON.stringify(start + fill)} and does not end is refused at 64 KiB`, () => {
    const wire = new ClientWire(1024)
    const pieces = [Buffer.from(start), ...Array.from({ length: 65 }, () => Buffer.alloc(1024, fill))]
    assert.throws(() => cut(wire, pieces), { name: 'ProtocolError', message: text })
  })
}

test('an inline request of more than 64 KiB is refused though its line ends', () => {
  const line = Buffer.from(`SET k ${'x'.repeat(70000)}\r\n`)
  assert.throws(() => cut(new ClientWire(65536), [line]), { message: 'too big inline request' })
})

test('a request larger than the bound comes as a head and parts no larger than what was pushed', () => {
  const value = Buffer.alloc(300_000, 'v')
  const bytes = Buffer.concat([encodeRequest(['SET', 'key', value, 'EX', '10']).toBuffer(), PING])
  const wire = new ClientWire(65536)
  let largest = 0
  const frames: number[] = []
  for (let at = 0; at < bytes.length; at += 1000) {
    const lent = Buffer.from(bytes.subarray(at, at + 1000))
    wire.push(lent, 0, lent.length)
    for (let frame = wire.next(); frame !== null; frame = wire.next()) {
      largest = Math.max(largest, frame.end - frame.start)
      frames.push(frame.flags)
      if (frames.length === 1) {
        assert.equal(commandName[frame.code], 'SET')
        assert.equal(frame.announced, Buffer.byteLength('*5\r\n$3\r\nSET\r\n$3\r\nkey\r\n$300000\r\n') + 300_002)
      }
    }
    wire.keep()
    assert.ok(wire.pending < 32)
  }
  assert.ok(largest <= 1000)
  assert.deepEqual(frames.slice(0, 2), [FRAME_HEAD, 0])
  assert.deepEqual(frames.slice(-2), [FRAME_LAST, FRAME_HEAD | FRAME_LAST])
})

test('a large request loses nothing wherever its parts are torn', () => {
  const bytes = encodeRequest(['MSET', 'a', 'x'.repeat(90), 'b', 'y'.repeat(70), 'c', 'z']).toBuffer()
  for (const chunks of tearings(bytes, GET, PING)) {
    const cuts = cut(new ClientWire(64), chunks)
    assert.deepEqual(
      cuts.map(({ text }) => text),
      [GET, bytes, PING].map((message) => message.toString('latin1')),
    )
  }
})

test('a head leaves only when its command and first key are known', () => {
  const bytes = encodeRequest(['MIGRATE', 'h'.repeat(200), '6379', 'the-key', '0', '5000', 'REPLACE']).toBuffer()
  let heads = 0
  for (let at = 1; at < bytes.length; at++) {
    const wire = new ClientWire(100)
    wire.push(bytes, 0, at)
    const frame = wire.next()
    if (frame === null) continue
    heads++
    assert.ok(frame.toBuffer().includes('the-key\r\n'))
  }
  assert.ok(heads > 10)
})

test('a key of megabytes goes on unrouted instead of being held', () => {
  const bytes = encodeRequest(['SET', 'k'.repeat(100_000), 'v']).toBuffer()
  const wire = new ClientWire(1000)
  let pending = 0
  let frames = 0
  for (let at = 0; at < bytes.length; at += 500) {
    const lent = Buffer.from(bytes.subarray(at, at + 500))
    wire.push(lent, 0, lent.length)
    while (wire.next() !== null) frames++
    wire.keep()
    pending = Math.max(pending, wire.pending)
  }
  assert.ok(frames > 100)
  assert.ok(pending <= 5000)
})

test('a whole request larger than the bound comes whole', () => {
  const bytes = encodeRequest(['SET', 'k', 'v'.repeat(1000)]).toBuffer()
  assert.deepEqual(
    cut(new ClientWire(100), [bytes]).map(({ frames }) => frames),
    [1],
  )
})

test('a peer that announces much and sends little is given little memory', () => {
  const allocate = mock.method(Buffer, 'allocUnsafe')
  const wire = new ClientWire(Infinity)
  cut(wire, [Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n'), Buffer.alloc(100)])
  const most = Math.max(...allocate.mock.calls.map((call) => Number(call.arguments[0])))
  allocate.mock.restore()
  assert.ok(most <= 1024 * 1024)
})

/** Bytes copied while `run` cuts. */
function countCopies(run: () => void, timesMax: number): number {
  const copy = mock.method(Buffer.prototype, 'copy')
  run()
  let copied = 0
  for (const call of copy.mock.calls) copied += Number(call.result)
  assert.ok(copy.mock.calls.length <= timesMax, `${copy.mock.calls.length} copies`)
  copy.mock.restore()
  return copied
}

test('a 4 MB MSET in chunks of 64 KB is scanned once', () => {
  const words = ['MSET']
  for (let i = 0; i < 20_000; i++) words.push(`key:${i}`, 'v'.repeat(180))
  const bytes = encodeRequest(words).toBuffer()
  let reads = 0
  const counted = new Proxy(bytes, {
    get(target, name) {
      reads++
      return Reflect.get(target, name, target)
    },
  })
  const scan = new RequestScan()
  let isWhole = false
  for (let end = 65536; !isWhole; end += 65536) isWhole = scan.resume(counted, Math.min(end, bytes.length))
  assert.equal(scan.at, bytes.length)
  // Of each argument its header of at most 6 bytes, a few of them twice, and its line end.
  assert.ok(reads < 14 * words.length, `${reads} reads`)
})

test('a torn request is copied once, and little of what follows it', () => {
  const bytes = encodeRequest(['MSET', ...Array.from({ length: 20_000 }, () => 'x'.repeat(200))]).toBuffer()
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 65536) chunks.push(bytes.subarray(at, at + 65536))
  const copied = countCopies(() => {
    const wire = new ClientWire(Infinity)
    for (const chunk of chunks) {
      wire.push(chunk, 0, chunk.length)
      wire.next()
      wire.keep()
    }
  }, 400)
  assert.ok(copied < 4 * bytes.length, `${copied} of ${bytes.length} bytes`)
  const many = Buffer.concat(Array.from({ length: 1000 }, () => GET))
  const tornCopies = countCopies(() => {
    const wire = new ClientWire(65536)
    wire.push(GET, 0, 5)
    wire.next()
    wire.keep()
    wire.push(Buffer.concat([GET.subarray(5), many]), 0, GET.length - 5 + many.length)
    let frames = 0
    while (wire.next() !== null) frames++
    assert.equal(frames, 1001)
  }, 3)
  assert.ok(tornCopies < 2 * 512, `${tornCopies} bytes`)
})

test('a client that leaves inside a request tore it; between requests it did not', () => {
  const wire = new ClientWire(65536)
  wire.push(GET, 0, GET.length)
  wire.next()
  assert.equal(wire.next(), null)
  assert.equal(wire.eof(), null)
  wire.push(GET, 0, 7)
  assert.equal(wire.next(), null)
  assert.throws(() => wire.eof(), ProtocolError)
})

function thrown(run: () => void): ProtocolError {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error
  }
  return assert.fail('nothing was thrown')
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

test('random requests come out as they went in, however they are torn', () => {
  const word = fc.uint8Array({ maxLength: 40 })
  const requests = fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 })
  const sizes = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 6 })
  const check = fc.property(requests, sizes, fc.integer({ min: 16, max: 200 }), (sent, cuts, bound) => {
    const messages = sent.map((words) => encodeRequest(words).toBuffer())
    const found = cut(new ClientWire(bound), pieces(Buffer.concat(messages), cuts))
    assert.deepEqual(
      found.map(({ text }) => text),
      messages.map((message) => message.toString('latin1')),
    )
  })
  fc.assert(check, { numRuns: 400 })
})

test('random bytes end in requests or a protocol error, the same however they are torn', () => {
  const piece = fc.constantFrom(
    '*1\r\n',
    '*2\r\n',
    '$3\r\n',
    '$0\r\n',
    'GET\r\n',
    '\r\n',
    '*',
    '$',
    '\r',
    '\n',
    '"',
    ' x',
    '9',
    '-',
  )
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((random) => Buffer.from(random)),
    fc.array(piece, { maxLength: 30 }).map((list) => Buffer.from(list.join(''))),
  )
  const check = fc.property(bytes, fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }), (sent, sizes) => {
    assert.deepEqual(outcome(pieces(sent, sizes)), outcome([sent]))
  })
  fc.assert(check, { numRuns: 2000 })
})

function outcome(chunks: readonly Buffer[]): unknown {
  const found: string[] = []
  const wire = new ClientWire(65536)
  try {
    for (const chunk of chunks) found.push(...cut(wire, [chunk]).map(({ text }) => text))
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error.message
  }
  return found
}
