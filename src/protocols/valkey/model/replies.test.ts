import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDouble, Replies } from './replies.ts'

test('doubles are shown as C shows them, shortest first', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [0.1, '0.1'],
    [1e20, '100000000000000000000'],
    [1e21, '1e+21'],
    [1e-7, '1e-07'],
    [1.5e-10, '1.5e-10'],
    [Infinity, 'inf'],
    [-Infinity, '-inf'],
  ]
  for (const [value, text] of cases) assert.equal(formatDouble(value), text)
})

test('a big value is not copied, and stands between the small ones around it', () => {
  const replies = new Replies()
  const big = Buffer.alloc(20_000, 'x')
  replies.ok()
  replies.bulk(big)
  replies.integer(5)
  const size = replies.bytes
  const chunks = replies.take()
  assert.equal(chunks[1], big)
  assert.equal(Buffer.concat(chunks).toString(), `+OK\r\n$20000\r\n${big.toString()}\r\n:5\r\n`)
  assert.equal(Buffer.concat(chunks).length, size)
  assert.equal(replies.bytes, 0)
})

test('a muted session still gets pushes', () => {
  const replies = new Replies()
  replies.muted = true
  replies.ok()
  replies.push(1, () => replies.bulk('x'))
  replies.ok()
  assert.equal(Buffer.concat(replies.take()).toString(), '*1\r\n$1\r\nx\r\n')
})
