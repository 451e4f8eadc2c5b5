import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../test/kit.ts'
import { debugPrinter } from './debug-printer.ts'

test('requests, replies and pushes are logged, decoded, and pass as they are', async () => {
  const p = play(debugPrinter, {})
  await p.send(['SET', 'a', '42'], ['GET', 'a'])
  p.expectForwarded(['SET', 'a', '42'], ['GET', 'a'])
  await p.answer('+OK\r\n', '$2\r\n42\r\n')
  await p.push('>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n')
  p.expectReplied('+OK\r\n', '$2\r\n42\r\n', '>2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n')
  assert.deepEqual(p.logged, [
    'info: Request: Valkey Array([BulkString(b"SET"), BulkString(b"a"), BulkString(b"42")])',
    'info: Request: Valkey Array([BulkString(b"GET"), BulkString(b"a")])',
    'info: Response: Valkey SimpleString(b"OK")',
    'info: Response: Valkey BulkString(b"42")',
    'info: Response: Valkey Push([BulkString(b"invalidate"), Array([BulkString(b"a")])])',
  ])
})

test('of a large message the beginning is logged, and all of it passes', async () => {
  const p = play(debugPrinter, {}, { limits: { cutThroughBytes: 64 } })
  const value = 'x'.repeat(1000)
  await p.send(['SET', 'a', value])
  p.expectForwarded(['SET', 'a', value])
  await p.answer(`$1000\r\n${value}\r\n`)
  p.expectReplied(`$1000\r\n${value}\r\n`)
  assert.equal(p.logged.length, 2)
  assert.match(p.logged[0]!, /^info: Request: Valkey Array\(\[BulkString\(b"SET"\), BulkString\(b"a"\), /)
  assert.match(p.logged[1]!, /^info: Response: Valkey Partial\(b"/)
})
