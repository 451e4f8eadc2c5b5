import assert from 'node:assert/strict'
import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import denyCommands from './deny-commands.ts'

test('what is denied is answered in its place, and the server never sees it', async () => {
  const p = play(denyCommands, { commands: ['flushall'] })
  await p.send(['GET', 'a'], ['FLUSHALL'], ['GET', 'b'])
  p.expectForwarded(['GET', 'a'], ['GET', 'b'])
  await p.answer('$1\r\n1\r\n', '$1\r\n2\r\n')
  p.expectReplied('$1\r\n1\r\n', '-ERR FLUSHALL is not allowed here\r\n', '$1\r\n2\r\n')
  assert.deepEqual(p.logged, ['info: 127.0.0.1 may not FLUSHALL'])
})

conformance(denyCommands, { commands: ['FLUSHALL'] })
