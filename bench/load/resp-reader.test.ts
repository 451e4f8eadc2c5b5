import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyReader, encodeRequest } from './resp-reader.ts'

const STREAM = Buffer.from(
  '+OK\r\n-ERR no such thing\r\n:42\r\n$-1\r\n$0\r\n\r\n$5\r\na\r\nbc\r\n$12\r\n0123456789ab\r\n+PONG\r\n',
)
const EXPECTED = ['+OK', '-ERR no such thing', ':42', '$-1', '$0=', '$5=a\r\nbc', '$12=', '+PONG']

function read(pieces: Buffer[]): { replies: string[]; parts: string } {
  const replies: string[] = []
  let parts = ''
  const reader = new ReplyReader(
    (reply) =>
      replies.push(
        reply.type === '$'
          ? `$${reply.length}${reply.length < 0 ? '' : `=${reply.bytes?.toString() ?? ''}`}`
          : reply.type + reply.text,
      ),
    10,
    (part, offset) => {
      assert.equal(offset, parts.length)
      parts += part.toString()
    },
  )
  for (const piece of pieces) reader.push(piece)
  return { replies, parts }
}

test('replies are the same however the stream is cut in two', () => {
  for (let cut = 0; cut <= STREAM.length; cut++) {
    const { replies, parts } = read([STREAM.subarray(0, cut), STREAM.subarray(cut)])
    assert.deepEqual(replies, EXPECTED, `cut at ${cut}`)
    assert.equal(parts, '0123456789ab')
  }
})

test('replies are the same byte by byte', () => {
  const pieces = Array.from(STREAM, (byte) => Buffer.from([byte]))
  assert.deepEqual(read(pieces).replies, EXPECTED)
})

for (const bytes of ['*1\r\n', '$x\r\n', 'HTTP/1.1 400\r\n', '+OK\rX'])
  test(`what is no reply is refused: ${JSON.stringify(bytes)}`, () => assert.throws(() => read([Buffer.from(bytes)])))

test('requests are arrays of bulks', () => {
  assert.equal(encodeRequest(['SET', 'k', Buffer.from('é')]).toString(), '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$2\r\né\r\n')
})
