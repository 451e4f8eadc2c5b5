import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolFault, RequestParser } from './parser.ts'

const REQUESTS: [name: string, bytes: string, expected: string[][]][] = [
  ['an array', '*2\r\n$3\r\nGET\r\n$1\r\nk\r\n', [['GET', 'k']]],
  ['an empty argument', '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n', [['ECHO', '']]],
  ['bytes that look like RESP', '*2\r\n$4\r\nECHO\r\n$6\r\n\r\n$1\r\n\r\n', [['ECHO', '\r\n$1\r\n']]],
  ['inline, CRLF and LF', 'PING\r\nGET  k \n', [['PING'], ['GET', 'k']]],
  ['inline with quotes', `SET k "a \\x41\\n\\"" 'it\\'s'\r\n`, [['SET', 'k', 'a A\n"', "it's"]]],
  ['empty arrays and lines are no requests', '*0\r\n\r\n*-1\r\n \r\nPING\r\n', [['PING']]],
  ['pipelined', '*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nQUIT\r\n', [['PING'], ['PING'], ['QUIT']]],
  [
    'a big argument',
    `*2\r\n$4\r\nECHO\r\n$40000\r\n${'x'.repeat(40_000)}\r\nPING\r\n`,
    [['ECHO', 'x'.repeat(40_000)], ['PING']],
  ],
]

function parse(parser: RequestParser, pieces: Buffer[]): string[][] {
  const found: string[][] = []
  for (const piece of pieces) {
    const lent = Buffer.from(piece)
    parser.push(lent, 0, lent.length)
    lent.fill(0xee)
    for (let args = parser.next(); args !== null; args = parser.next())
      found.push(args.map((argument) => argument.toString('latin1')))
  }
  return found
}

for (const [name, text, expected] of REQUESTS)
  test(`${name}: whole, torn once anywhere, and byte by byte`, () => {
    const bytes = Buffer.from(text, 'latin1')
    const step = bytes.length > 1000 ? 997 : 1
    for (let cut = 0; cut <= bytes.length; cut += step)
      assert.deepEqual(parse(new RequestParser(1 << 20), [bytes.subarray(0, cut), bytes.subarray(cut)]), expected)
    const single = [...bytes].map((byte) => Buffer.from([byte]))
    if (bytes.length < 1000) assert.deepEqual(parse(new RequestParser(1 << 20), single), expected)
  })

const FAULTS: [bytes: string, message: RegExp][] = [
  ['*x\r\n', /^invalid multibulk length$/],
  ['*1\r\n:1\r\n', /^expected '\$', got ':'$/],
  ['*1\r\n$-1\r\n', /^invalid bulk length$/],
  ['*1\r\n$2000000\r\n', /^invalid bulk length$/],
  ['*1\r\n$01\r\n', /^invalid bulk length$/],
  ['ECHO "x\r\n', /^unbalanced quotes in request$/],
  ['x'.repeat(70_000), /^too big inline request$/],
  [`*${'1'.repeat(70_000)}`, /^too big mbulk count string$/],
]
for (const [text, message] of FAULTS)
  test(`a fault is told: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(
      () => parse(new RequestParser(1 << 20), [Buffer.from(text)]),
      (error) => error instanceof ProtocolFault && message.test(error.message),
    )
  })

test('who is not authenticated may send little', () => {
  for (const text of ['*11\r\n', '*1\r\n$20000\r\n']) {
    const parser = new RequestParser(1 << 20)
    parser.trusted = false
    assert.throws(() => parse(parser, [Buffer.from(text)]), /^Error: unauthenticated/)
  }
})
