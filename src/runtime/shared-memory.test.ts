import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startProxy, type Proxy } from '../../test/real/proxy.ts'
import { SharedMemory } from './shared-memory.ts'

test('the same key and size have the same memory, others have others', () => {
  const memory = new SharedMemory()
  const one = memory.get('a', 8)
  assert.equal(one.byteLength, 8)
  assert.equal(memory.get('a', 8), one)
  assert.notEqual(memory.get('a', 16), one)
  assert.notEqual(memory.get('b', 8), one)
})

const COUNTS = `import { threadId } from 'node:worker_threads'
import { transform } from 'shotover'
import { z } from 'zod'
export default transform({
  type: 'Counts',
  doc: 'Answers with its thread, and how many requests there were on all; ends the thread that reads DIE.',
  terminating: true,
  options: z.strictObject({}),
  sharedBytes: () => 4,
  create(_options, { shared }) {
    const count = new Int32Array(shared)
    return ({ protocol }) => ({
      onRequests(batch, link) {
        for (const exchange of batch) {
          if (/DIE/.test(exchange.request.toBuffer().latin1Slice())) process.exit(1)
          exchange.response = protocol.textReply!(exchange.request, threadId + ' ' + (Atomics.add(count, 0, 1) + 1))
        }
        link.reply(batch)
      },
    })
  },
})
`

/** Of a new client, which stays. */
async function ask(proxy: Proxy, word: string): Promise<string> {
  const socket = connect(proxy.port, proxy.host).setEncoding('utf8')
  let reply = ''
  socket.on('error', () => {}).on('data', (text) => (reply += String(text)))
  socket.write(`${word}\r\n`)
  const closed = once(socket, 'close').catch(() => {})
  while (!/\r\n.*\r\n/.test(reply)) {
    const more = once(socket, 'data').catch(() => {})
    if ((await Promise.race([more, closed.then(() => 'closed')])) === 'closed') return 'closed'
  }
  return reply.split('\r\n')[1]
}

const LIMIT = { timeout: 60_000 }

test('what a transform shares is one for all threads, and stays when one dies and another comes', LIMIT, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'shotover-shared-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const module = join(folder, 'counts.ts')
  writeFileSync(module, COUNTS)
  const topology = (listen: string) =>
    `sources:\n  - Valkey: {name: valkey, listen_addr: "${listen}", chain: [{${module}: {}}]}\n`
  await using proxy = await startProxy({ topology, coreThreads: 2 })
  const threads = new Set<string>()
  let asked = 0
  const askAll = async (count: number) => {
    // One who comes when a thread is dying is not served.
    for (let reply = ''; threads.size < count;) {
      reply = await ask(proxy, 'PING')
      if (reply === 'closed') continue
      const [thread, number] = reply.split(' ')
      assert.equal(Number(number), ++asked)
      threads.add(thread)
    }
  }
  await askAll(2)
  assert.equal(await ask(proxy, 'DIE'), 'closed')
  await askAll(3)
})
