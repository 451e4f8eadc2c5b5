import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import maskValues from './mask-values.ts'

const MAIL = { pattern: '[\\w.]+@[\\w.]+' }

test('what matches is masked wherever it stands in a reply, and nowhere in a request', async () => {
  const p = play(maskValues, MAIL)
  await p.send(['SET', 'a', 'x@example.org'], ['GET', 'a'], ['HGETALL', 'h'])
  p.expectForwarded(['SET', 'a', 'x@example.org'], ['GET', 'a'], ['HGETALL', 'h'])
  await p.answer('+OK\r\n', '$13\r\nx@example.org\r\n', '*2\r\n$4\r\nmail\r\n$16\r\nto y@example.org\r\n')
  p.expectReplied('+OK\r\n', '$3\r\n***\r\n', '*2\r\n$4\r\nmail\r\n$6\r\nto ***\r\n')
})

test('published messages are masked too', async () => {
  const p = play(maskValues, MAIL)
  await p.send(['PING'])
  await p.answer('+PONG\r\n')
  await p.push('>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$13\r\nx@example.org\r\n')
  p.expectReplied('+PONG\r\n', '>3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\n***\r\n')
})

conformance(maskValues, MAIL)
