import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { ReplyParser, showReply, type Reply } from '../../src/protocols/valkey/model/reply-parser.ts'
import { ValkeyModel } from '../../src/protocols/valkey/model/server.ts'
import { nodeWorld } from '../../src/world/node.ts'
import { startRedis } from './servers.ts'

/** Several clients, a step a line: `A PING` sends and reads one reply, `A< ` reads one more, `A! ` sends what blocks. */
const SCENARIOS: Record<string, string[]> = {
  'a blocked pop is served by a push': ['A! BLPOP q 0', 'B RPUSH q x y', 'A<', 'B LRANGE q 0 -1'],
  'the longest waiting client is served first': ['A! BLPOP q 0', 'B! BRPOP q 0', 'C RPUSH q 1 2', 'A<', 'B<'],
  'a client that waits for several keys gets the one that came': ['A! BLPOP a b c 0', 'B RPUSH b x', 'A<'],
  'a value of another type wakes nobody': ['A! BLPOP q 0', 'B SET q x', 'B DEL q', 'B RPUSH q y', 'A<'],
  'a transaction wakes who waits when it is over': [
    'A! BLPOP q 0',
    'B MULTI',
    'B RPUSH q x',
    'B DEL q',
    'B RPUSH q z',
    'B EXEC',
    'A<',
    'B EXISTS q',
  ],
  'a blocked move hands on to who waits for its target': [
    'A! BLPOP t 0',
    'B! BLMOVE s t LEFT LEFT 0',
    'C RPUSH s x',
    'B<',
    'A<',
  ],
  'a blocked move to a key of another type fails': [
    'A SET t x',
    'B! BLMOVE s t LEFT LEFT 0',
    'C RPUSH s x',
    'B<',
    'C LLEN s',
  ],
  'a sorted set serves who waits for it': [
    'A! BZPOPMIN z 0',
    'B ZADD z 5 m 3 n',
    'A<',
    'B! BZMPOP 0 1 y MAX COUNT 5',
    'A ZADD y 1 p 2 q',
    'B<',
  ],
  'a stream serves who waits for it': ['A! XREAD BLOCK 0 STREAMS s $', 'B XADD s 5-1 f v', 'A<'],
  'what was sent behind a blocking command runs after it': ['A! BLPOP q 0', 'A+ PING', 'B RPUSH q x', 'A<', 'A<'],
  'SWAPDB serves who waits': ['B SELECT 1', 'B RPUSH q x', 'A! BLPOP q 0', 'B SWAPDB 0 1', 'A<'],
  'RENAME serves who waits': ['B RPUSH other x', 'A! BLPOP q 0', 'B RENAME other q', 'A<'],
  'messages reach channel, pattern and shard listeners': [
    'A SUBSCRIBE c',
    'B PSUBSCRIBE c*',
    'C SSUBSCRIBE c',
    'D PUBLISH c hello',
    'A<',
    'B<',
    'D SPUBLISH c shard',
    'C<',
    'D PUBLISH cc x',
    'B<',
    'D PUBSUB NUMSUB c cc',
    'D PUBSUB SHARDNUMSUB c',
    'D PUBSUB NUMPAT',
  ],
  'RESP3 listeners get pushes and may go on': [
    'A HELLO 3',
    'A SUBSCRIBE c',
    'B PUBLISH c x',
    'A<',
    'A SET k v',
    'A PING',
  ],
  'a watched key that another client changes aborts': [
    'A SET k 1',
    'A WATCH k',
    'B SET k 2',
    'A MULTI',
    'A GET k',
    'A EXEC',
    'A MULTI',
    'A GET k',
    'A EXEC',
  ],
  'a watched key is not broken by a read, nor by another database': [
    'A SET k 1',
    'A WATCH k',
    'B GET k',
    'B SELECT 1',
    'B SET k 2',
    'A MULTI',
    'A GET k',
    'A EXEC',
  ],
  'FLUSHALL breaks a watch on a key that existed': ['A SET k 1', 'A WATCH k', 'B FLUSHALL', 'A MULTI', 'A EXEC'],
  'FLUSHALL does not break a watch on a missing key': ['A WATCH k', 'B FLUSHALL', 'A MULTI', 'A EXEC'],
  'a watched key is broken by EXPIRE and by RENAME onto it': [
    'A SET k 1',
    'A WATCH k',
    'B EXPIRE k 100',
    'A MULTI',
    'A EXEC',
    'A WATCH k',
    'B SET o 1',
    'B RENAME o k',
    'A MULTI',
    'A EXEC',
  ],
  'tracking tells of a change, once per read': [
    'A HELLO 3',
    'A CLIENT TRACKING ON',
    'A GET k',
    'B SET k 1',
    'A<',
    'B SET k 2',
    'A GET k',
    'B DEL k',
    'A<',
    'A PING',
  ],
  'tracking tells the writer itself, after its reply': [
    'A HELLO 3',
    'A CLIENT TRACKING ON',
    'A GET k',
    'A SET k 1',
    'A<',
    'A PING',
  ],
  'tracking with NOLOOP spares the writer': [
    'A HELLO 3',
    'A CLIENT TRACKING ON NOLOOP',
    'A GET k',
    'A SET k 1',
    'A PING',
  ],
  'broadcast tracking tells of a prefix': [
    'A HELLO 3',
    'A CLIENT TRACKING ON BCAST PREFIX a',
    'B SET b 1',
    'B SET ab 1',
    'A<',
    'A PING',
  ],
  'opt-in tracking wants to be told': [
    'A HELLO 3',
    'A CLIENT TRACKING ON OPTIN',
    'A GET x',
    'A CLIENT CACHING YES',
    'A GET k',
    'B SET x 1',
    'B SET k 1',
    'A<',
    'A PING',
  ],
}

class Client {
  readonly #socket: Socket
  readonly #parser = new ReplyParser()
  #wake = () => {}

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('error', () => {}) // a late reply destroys it; `closed` shows in the transcript
    this.#socket.on('data', (bytes: Buffer) => {
      this.#parser.push(bytes, 0, bytes.length)
      this.#wake()
    })
  }

  send(words: string[]): void {
    this.#socket.write(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`)
  }

  async read(): Promise<string> {
    const reply = await this.#next()
    return reply === null ? 'closed' : showReply(reply)
  }

  async readText(): Promise<string> {
    return (await this.#next())?.text ?? ''
  }

  async #next(): Promise<Reply | null> {
    for (;;) {
      const reply = this.#parser.next()
      if (reply !== null) return reply
      const late = setTimeout(() => this.#socket.destroy(new Error('no reply within 5 s')), 5000)
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), once(this.#socket, 'close')])
      clearTimeout(late)
      if (this.#socket.destroyed) return null
    }
  }

  close(): void {
    this.#socket.destroy()
  }
}

async function play(port: number, steps: readonly string[]): Promise<string[]> {
  const clients = new Map<string, Client>()
  const control = new Client(port)
  control.send(['FLUSHALL'])
  await control.read()
  let blocked = 0
  const transcript: string[] = []
  for (const step of steps) {
    const [name, how] = [step[0]!, step[1]]
    const words = step.slice(2).trim().split(' ')
    const client = clients.get(name) ?? new Client(port)
    clients.set(name, client)
    if (how !== '<') client.send(words)
    if (how === '!') await untilBlocked(control, ++blocked)
    else if (how === '<' || how === ' ') transcript.push(`${step}: ${mask(await client.read())}`)
    if (how === '<' && blocked > 0) blocked--
  }
  for (const client of [...clients.values(), control]) client.close()
  return transcript
}

/** HELLO tells of versions and ids. */
function mask(reply: string): string {
  return reply.includes('"server"') ? reply[0]! : reply
}

async function untilBlocked(control: Client, count: number): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    control.send(['INFO', 'clients'])
    if (Number(/blocked_clients:(\d+)/.exec(await control.readText())?.[1]) >= count) return
    await wait(2)
  }
  throw new Error(`no ${count} clients blocked`)
}

test('several clients see of the model what they see of a real server', async (t) => {
  const model = new ValkeyModel(nodeWorld())
  const listener = await model.listen({ host: '127.0.0.1', port: 0 })
  await using redis = await startRedis()
  for (const [name, steps] of Object.entries(SCENARIOS))
    await t.test(name, async () => {
      const expected = await play(redis.port, steps)
      assert.deepEqual(await play(listener.address.port, steps), expected)
      assert.ok(!expected.join().includes('closed'))
    })
  model.close()
})
