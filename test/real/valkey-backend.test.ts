import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { CHAIN, startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { drawPort, startRedis, type RedisServer } from './servers.ts'

// What an operator meets: servers that are not there, die, come back, are slow or close what is idle.

/** What a client is told when its server can't be had; `closing` where its connection ends with it. */
function failureText(causes: readonly string[], closing: boolean): string {
  const rest = closing ? ', the connection will now be closed.' : '.'
  const numbered = [`Transform ValkeySinkSingle named sink failed in chain ${CHAIN}`, ...causes].map(
    (cause, index) => `     ${index}: ${cause}`,
  )
  return `-ERR Internal shotover (or custom transform) bug (chain: ${CHAIN}): Failed to send and/or receive messages${rest}  Caused by:${numbered.join('')}\r\n`
}

const refused = (address: string) => [
  `Failed to connect to destination ${address}`,
  'Connection refused (os error 111)',
]

/** Asks until the answer is what is wanted; the last one. */
async function askUntil(client: RawClient, wanted: string, words: string[], timeoutMs = 5000): Promise<string> {
  let told = ''
  for (const deadline = Date.now() + timeoutMs; told !== wanted && Date.now() < deadline;) {
    told = await client.ask(...words)
    if (told !== wanted) await wait(5)
  }
  return told
}

test('a server that is down: clients are told so and closed, the proxy goes on, and serves once the server is there', async () => {
  const port = drawPort()
  const upstream = `127.0.0.1:${port}`
  await using proxy = await startProxy({ upstream })
  for (let times = 0; times < 3; times++) {
    const client = await RawClient.open(proxy.port)
    client.write('PING\r\nGET k\r\n')
    await client.untilClosed()
    const expected = failureText(refused(upstream), true)
    assert.deepEqual(
      client.replies.map(({ bytes }) => bytes.toString()),
      [expected, expected],
    )
  }
  await using redis = await startRedis({ port })
  assert.ok(redis.running)
  const client = await RawClient.open(proxy.port)
  assert.equal(await client.ask('PING'), '+"PONG"')
  client.destroy()
  assert.equal(await proxy.stop(), 0)
  assert.equal(proxy.complaints.length, 3)
  for (const line of proxy.complaints) assert.match(line, /^ERROR connection was unexpectedly terminated\n\nCaused by:/)
})

/** A client that asks for what only it knows, several at a time, until it is told to stop. */
class Asker {
  readonly client: RawClient
  readonly #name: string
  readonly #depth: number
  answers = 0
  failures = 0
  lastAnswer = 0
  #stopped = false

  constructor(client: RawClient, name: string, depth: number) {
    this.client = client
    this.#name = name
    this.#depth = depth
  }

  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<void> {
    for (let round = 0; !this.#stopped; round++) {
      const before = this.client.replies.length
      for (let i = 0; i < this.#depth; i++) {
        const value = `${this.#name}:${round}:${i}`
        if (i % 2 === 0) this.client.send('ECHO', value)
        else this.client.send('GETSET', this.#name, value)
      }
      await this.client.until(before + this.#depth)
      assert.ok(!this.client.closed, `${this.#name} was closed in round ${round}`)
      for (let i = 0; i < this.#depth; i++) this.#check(this.client.replies[before + i]!.bytes.toString(), round, i)
      // Kept replies would only cost memory.
      this.client.replies.length = 0
      await wait(1)
    }
  }

  #check(reply: string, round: number, i: number): void {
    if (reply.startsWith('-ERR Internal shotover')) {
      assert.doesNotMatch(reply, /will now be closed/)
      this.failures++
      return
    }
    const text = reply.split('\r\n')[1] ?? ''
    if (i % 2 === 0) assert.equal(text, `${this.#name}:${round}:${i}`)
    // A server that came back knows nothing; else it is a value of this client's own.
    else assert.ok(reply === '$-1\r\n' || text.startsWith(`${this.#name}:`), `${this.#name} was told ${reply}`)
    this.answers++
    this.lastAnswer = Date.now()
  }
}

async function underLoad(proxyPort: number, during: (askers: readonly Asker[]) => Promise<void>): Promise<Asker[]> {
  const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(proxyPort)))
  const askers = clients.map((client, i) => new Asker(client, `client${i}`, 1 + (i % 5) * 4))
  const runs = Promise.all(askers.map((asker) => asker.run()))
  await Promise.race([runs, during(askers)])
  for (const asker of askers) asker.stop()
  await runs
  for (const client of clients) client.destroy()
  return askers
}

for (const coreThreads of [1, 2]) {
  test(`a server killed under load and started again: no reply is crossed or missing, nobody is closed, within a second all are served (${coreThreads} core threads)`, async () => {
    await using redis = await startRedis()
    await using proxy = await startProxy({ upstream: redis.address, coreThreads })
    const back: number[] = []
    const askers = await underLoad(proxy.port, async (all) => {
      for (let times = 0; times < 3; times++) {
        await served(all, Date.now())
        await redis.kill()
        await wait(300)
        await redis.restart()
        const since = Date.now()
        await served(all, since)
        back.push(Date.now() - since)
      }
    })
    assert.equal(back.length, 3)
    for (const took of back) assert.ok(took < 1000, `served again after ${took} ms`)
    assert.ok(askers.some(({ failures }) => failures > 0))
    assert.ok(proxy.complaints.length > 0 && proxy.complaints.length <= 3 * coreThreads, proxy.complaints.join('\n'))
    for (const line of proxy.complaints) assert.match(line, /^WARN requests to .* are answered with errors/)
  })
}

/** Waits until each has had an answer since then. */
async function served(askers: readonly Asker[], since: number): Promise<void> {
  const deadline = Date.now() + 5000
  while (askers.some(({ lastAnswer }) => lastAnswer <= since)) {
    assert.ok(Date.now() < deadline, 'not all were served again')
    await wait(2)
  }
}

test('what a lost server knew of a session is not silently forgotten: such sessions end, the others stay', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const open = () => RawClient.open(proxy.port)
  const states: Record<string, string[][]> = {
    watch: [['WATCH', 'k']],
    transaction: [['MULTI'], ['SET', 'k', 'v']],
    subscriber: [['SUBSCRIBE', 'c']],
    tracking: [
      ['HELLO', '3'],
      ['CLIENT', 'TRACKING', 'ON'],
    ],
    monitor: [['MONITOR']],
  }
  const holders = await Promise.all(
    Object.values(states).map(async (requests) => {
      const client = await open()
      for (const words of requests) await client.ask(...words)
      return client
    }),
  )
  const plain = await open()
  await plain.ask('SELECT', '3')
  const blocked = await open()
  blocked.send('BLPOP', 'nothing', '0')
  await untilBlocked(redis, 1)
  await redis.kill()
  for (const [at, client] of holders.entries())
    await client.untilClosed().catch(() => assert.fail(`${Object.keys(states)[at]} was not closed`))
  assert.match(await blocked.shown(0), /Internal shotover/)
  await redis.restart()
  assert.equal(await askUntil(plain, '+"OK"', ['SET', 'k', 'three']), '+"OK"')
  assert.equal(await redis.cli('-n', '3', 'GET', 'k'), 'three')
  for (const client of [...holders, plain, blocked]) client.destroy()
})

async function untilBlocked(redis: RedisServer, count: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const info = await redis.cli('INFO', 'clients')
    if (Number(/blocked_clients:(\d+)/.exec(info)?.[1]) >= count) return
  }
  assert.fail(`no ${count} clients blocked`)
}

test('a transaction that the server’s death cut in two leaves nothing of itself behind', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const client = await RawClient.open(proxy.port)
  assert.equal(await client.ask('MULTI'), '+"OK"')
  assert.equal(await client.ask('SET', 'k', 'half'), '+"QUEUED"')
  await redis.restart()
  client.send('SET', 'k', 'other half')
  client.send('EXEC')
  await client.untilClosed()
  assert.equal(await redis.cli('EXISTS', 'k'), '0')
})

test('connections that a server closes because they were idle are not noticed by clients', async () => {
  await using redis = await startRedis({ extraArgs: ['--timeout', '1'] })
  await using proxy = await startProxy({ upstream: redis.address })
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.open(proxy.port)))
  assert.equal(await clients[1]!.ask('SELECT', '5'), '+"OK"')
  assert.match(await clients[2]!.ask('HELLO', '3'), /proto/)
  for (let round = 0; round < 2; round++) {
    for (const [at, client] of clients.entries()) assert.equal(await client.ask('SET', `k${at}`, `${round}`), '+"OK"')
    for (let tries = 0; tries < 1000 && (await others(redis)) !== 0; tries++) await wait(20)
    assert.equal(await others(redis), 0)
  }
  for (const [at, client] of clients.entries()) assert.equal(await client.ask('GET', `k${at}`), '$"1"')
  assert.equal(await redis.cli('-n', '5', 'GET', 'k1'), '1')
  assert.deepEqual(proxy.complaints, [])
  for (const client of clients) client.destroy()
})

/** Connections to the server besides the one that asks. */
async function others(redis: RedisServer): Promise<number> {
  return (await redis.cli('CLIENT', 'LIST')).split('\n').length - 1
}

test('a connection that the server kills is replaced, and its session lives on', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const client = await RawClient.open(proxy.port)
  for (let round = 0; round < 5; round++) {
    assert.equal(await client.ask('SET', 'k', `${round}`), '+"OK"')
    await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal')
    assert.equal(await client.ask('GET', 'k'), `$"${round}"`)
  }
  assert.deepEqual(proxy.complaints, [])
  client.destroy()
})

test('a server that stands still holds up its requests, and nothing is lost', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const clients = await Promise.all(Array.from({ length: 10 }, () => RawClient.open(proxy.port)))
  await Promise.all(clients.map((client) => client.ask('PING')))
  redis.pause()
  for (const [at, client] of clients.entries()) for (let i = 0; i < 50; i++) client.send('ECHO', `${at}:${i}`)
  // A client that comes meanwhile is accepted and waits as well.
  const late = await RawClient.open(proxy.port)
  late.send('PING')
  await wait(200)
  assert.ok(clients.every((client) => client.replies.length === 1))
  redis.resume()
  for (const [at, client] of clients.entries()) {
    await client.until(51)
    for (let i = 0; i < 50; i++) assert.equal(await client.shown(i + 1), `$"${at}:${i}"`)
  }
  assert.equal(await late.shown(0), '+"PONG"')
  for (const client of [...clients, late]) client.destroy()
  assert.deepEqual(proxy.complaints, [])
})

test('a port that is taken is told, and the exit code is 1', async () => {
  await using redis = await startRedis()
  const attempt = startProxy({ upstream: redis.address, port: redis.port })
  await assert.rejects(attempt, (error: Error) => {
    assert.match(error.message, /exit code 1/)
    assert.match(error.message, new RegExp(`address=127.0.0.1:${redis.port}`))
    return true
  })
})

test('nothing that was sent before a client left is lost, though it waited for no reply', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  for (let round = 0; round < 20; round++) {
    const socket = connect(proxy.port, '127.0.0.1')
    const silence = round % 2 === 0 ? 'CLIENT REPLY OFF\r\n' : ''
    socket.end(`${silence}INCR counter\r\nRPUSH l ${round}\r\n`)
    socket.resume()
    await once(socket, 'close')
  }
  const client = await RawClient.open(proxy.port)
  assert.equal(await askUntil(client, '$"20"', ['GET', 'counter'], 2000), '$"20"')
  assert.equal(await client.ask('LLEN', 'l'), ':"20"')
  client.destroy()
})

test('SHUTDOWN has a reply where it fails, else only an end, as clients expect', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const [boss, other] = [await RawClient.open(proxy.port), await RawClient.open(proxy.port)]
  await other.ask('PING')
  assert.match(await boss.ask('SHUTDOWN', 'NONSENSE'), /syntax error/)
  assert.match(await boss.ask('SHUTDOWN', 'ABORT'), /No shutdown in progress/)
  assert.equal(await boss.ask('ECHO', 'still here'), '$"still here"')
  assert.equal(await boss.ask('SHUTDOWN', 'NOSAVE'), 'closed')
  await redis.restart()
  assert.equal(await askUntil(other, '+"OK"', ['SET', 'k', 'v']), '+"OK"')
  for (const client of [boss, other]) client.destroy()
})
