import { test } from 'node:test'
import { conformance } from 'shotover/conformance'
import { play, type Play } from 'shotover/kit'
import cacheReads from './cache-reads.ts'

/** The client asks, the server answers. */
async function ask(p: Play, words: string[], reply: string): Promise<void> {
  await p.send(words)
  p.expectForwarded(words)
  await p.answer(reply)
  p.expectReplied(reply)
}

/** The client is answered without the server. */
async function recall(p: Play, words: string[], reply: string): Promise<void> {
  await p.send(words)
  p.expectForwarded()
  p.expectReplied(reply)
}

test('a value is read once, for every client, until its time is over', async () => {
  const p = play(cacheReads, { keep_ms: 100 })
  await ask(p, ['GET', 'a'], '$1\r\n1\r\n')
  await recall(p, ['GET', 'a'], '$1\r\n1\r\n')
  await recall(p.connect(), ['GET', 'a'], '$1\r\n1\r\n')
  await p.advance(100)
  await ask(p, ['GET', 'a'], '$1\r\n2\r\n')
})

test('what is written is forgotten at once, and so is a reply that was under way then', async () => {
  const p = play(cacheReads, { keep_ms: 100 })
  const other = p.connect()
  await ask(p, ['GET', 'a'], '$1\r\n1\r\n')
  await ask(other, ['SET', 'a', '2'], '+OK\r\n')
  await p.send(['GET', 'a'])
  p.expectForwarded(['GET', 'a'])
  await ask(other, ['DEL', 'a'], ':1\r\n')
  await p.answer('$1\r\n2\r\n')
  p.expectReplied('$1\r\n2\r\n')
  await ask(other, ['GET', 'a'], '$-1\r\n')
  await ask(other, ['GET', 'a'], '$1\r\n3\r\n')
  await ask(p, ['FLUSHALL'], '+OK\r\n')
  await ask(p, ['GET', 'a'], '$-1\r\n')
})

test('who may see other data than the others is not answered from memory', async () => {
  for (const words of [['SELECT', '1'], ['AUTH', 'me', 'word'], ['MULTI']]) {
    const p = play(cacheReads, { keep_ms: 100 })
    await ask(p, ['GET', 'a'], '$1\r\n1\r\n')
    const other = p.connect()
    await ask(other, words, '+OK\r\n')
    await ask(other, ['GET', 'a'], '$-1\r\n')
    // Nor after the file was saved.
    await p.reload(cacheReads, { keep_ms: 100 })
    await ask(p, ['GET', 'a'], '$1\r\n1\r\n')
    await ask(other, ['GET', 'a'], '$-1\r\n')
  }
})

conformance(cacheReads, { keep_ms: 100 })
