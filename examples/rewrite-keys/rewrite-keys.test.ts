import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import rewriteKeys from './rewrite-keys.ts'

test('every key has the prefix when it reaches the server, and nothing else has', async () => {
  const p = play(rewriteKeys, { prefix: 'app1:' })
  await p.send(['SET', 'a', 'a'], ['MGET', 'a', 'b'], ['PING'])
  p.expectForwarded(['SET', 'app1:a', 'a'], ['MGET', 'app1:a', 'app1:b'], ['PING'])
  await p.answer('+OK\r\n', '*2\r\n$1\r\na\r\n$-1\r\n', '+PONG\r\n')
  p.expectReplied('+OK\r\n', '*2\r\n$1\r\na\r\n$-1\r\n', '+PONG\r\n')
})

conformance(rewriteKeys, { prefix: 'app1:' })
