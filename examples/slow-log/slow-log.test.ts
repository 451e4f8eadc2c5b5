import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import slowLog from './slow-log.ts'

test('a request whose reply comes late is logged, one whose reply comes in time is not', async () => {
  const p = play(slowLog, { slower_than_ms: 100 })
  await p.send(['GET', 'fast'])
  await p.advance(100)
  await p.answer('$1\r\n1\r\n')
  await p.send(['GET', 'slow'])
  await p.advance(101)
  await p.answer('$1\r\n2\r\n')
  p.expectReplied('$1\r\n1\r\n', '$1\r\n2\r\n')
  assert.deepEqual(p.logged, ['warn: 101 ms: Valkey Array([BulkString(b"GET"), BulkString(b"slow")]) of 127.0.0.1'])
})

conformance(slowLog, { slower_than_ms: 1 })
