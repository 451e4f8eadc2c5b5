import { test } from 'node:test'
import { play } from '../../test/kit.ts'
import { loopback } from './loopback.ts'

test('the reply is the request, as an array of its words', async () => {
  const p = play(loopback, {})
  await p.send(['SET', 'a', '1'], 'get  "b c"\r\n')
  p.expectReplied('*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n', '*2\r\n$3\r\nget\r\n$3\r\nb c\r\n')
})

test('a large request comes back whole', async () => {
  const p = play(loopback, {}, { limits: { cutThroughBytes: 64 } })
  const set = ['SET', 'a', 'x'.repeat(1000)]
  for (const word of ['PING', 'PONG']) {
    await p.send(set, [word])
    p.expectReplied(set, [word])
  }
})
