import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { ReplyParser, showReply, type Reply } from '../../src/protocols/valkey/model/reply-parser.ts'
import { ValkeyModel } from '../../src/protocols/valkey/model/server.ts'
import { nodeWorld } from '../../src/world/node.ts'
import { lineOf, linesOf } from './lines.ts'
import { SCENARIOS } from './model-scenarios.ts'
import { startRedis } from './servers.ts'

async function replies(port: number, request: Buffer): Promise<Reply[]> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const parser = new ReplyParser()
  const found: Reply[] = []
  socket.on('data', (bytes: Buffer) => {
    parser.push(bytes, 0, bytes.length)
    for (let reply = parser.next(); reply !== null; reply = parser.next()) found.push(reply)
  })
  socket.write(request)
  const late = setTimeout(() => socket.destroy(), 5000)
  await once(socket, 'close')
  clearTimeout(late)
  return found
}

/** What a line's replies are compared by. */
function comparable(reply: Reply, how: string): string {
  if (how === '?') return reply.type
  if (how === '~') return `${reply.type}${(reply.items ?? []).map(showReply).sort().join(' ')}`
  return reply.items === null ? `${reply.type}${reply.text}` : showReply(reply)
}

const QUIT = Buffer.from('*1\r\n$4\r\nQUIT\r\n')
/** Replies of the first line: to FLUSHALL. */
const FLUSH = lineOf('FLUSHALL')

test('the model answers as a real server does, byte for byte', async (t) => {
  const model = new ValkeyModel(nodeWorld())
  const listener = await model.listen({ host: '127.0.0.1', port: 0 })
  await using redis = await startRedis()
  let compared = 0
  for (const [name, text] of Object.entries(SCENARIOS)) {
    await t.test(name, async () => {
      const lines = [FLUSH, ...linesOf(text)]
      const request = Buffer.concat([...lines.map(({ bytes }) => bytes), QUIT])
      const [expected, actual] = await Promise.all([
        replies(redis.port, request),
        replies(listener.address.port, request),
      ])
      const hows = new Map(lines.map(({ how }, at) => [at, how]))
      const plain = lines.every(({ how }) => how === '')
      // Lines with several replies, or none, shift the others: those scenarios hold no line that varies but at their start.
      const show = (all: Reply[]) => all.map((reply, at) => comparable(reply, plain ? '' : (hows.get(at) ?? '')))
      for (const [at, line] of show(expected).entries())
        assert.equal(show(actual)[at], line, `reply ${at}, about ${lines[at]?.shown}`)
      assert.equal(actual.length, expected.length)
      compared += expected.length
    })
  }
  model.close()
  assert.ok(compared > 400, `${compared} replies were compared`)
})
