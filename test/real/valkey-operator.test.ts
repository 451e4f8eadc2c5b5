import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startProxy, type LogLine, type Proxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { drawPort, startRedis, type RedisOptions, type RedisServer } from './servers.ts'

// What an operator is called for at night: the log says what is wrong and what to look at, in a few lines.

/** Something that listens and is no Valkey server. */
class Stranger {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  static async listen(talk: (socket: Socket) => void): Promise<Stranger> {
    const stranger = new Stranger(talk)
    stranger.#server.listen(0, '127.0.0.1')
    await once(stranger.#server, 'listening')
    return stranger
  }

  private constructor(talk: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}) // the proxy gave it up
      talk(socket)
    })
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const says = (text: RegExp) => (line: LogLine) => text.test(line.message)

/** A client asks one thing; what it is told. */
async function askOnce(proxy: Proxy, ...words: string[]): Promise<string> {
  const client = await RawClient.open(proxy.port)
  const told = await client.ask(...words)
  const { bytes } = client.replies.at(-1) ?? { bytes: Buffer.from(told) }
  client.destroy()
  return bytes.toString()
}

test('a web server in the place of the server: clients get an error, the log says what it looks like', async () => {
  await using web = await Stranger.listen((socket) =>
    socket.on('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')),
  )
  await using proxy = await startProxy({ upstream: web.address })
  assert.match(await askOnce(proxy, 'PING'), /^-ERR Internal shotover.*unknown type byte 72 of a reply/)
  const { level, fields } = await proxy.logged(says(new RegExp(`^requests to ${web.address} are answered with errors`)))
  assert.equal(level, 'WARN')
  assert.match(String(fields.hint), /is it such a server, and does it want TLS/)
  const client = await RawClient.open(proxy.port)
  for (let i = 0; i < 200; i++) assert.match(await client.ask('GET', 'k'), /Internal shotover/)
  client.destroy()
  assert.ok(proxy.logs.filter(says(/are answered with errors/)).length <= 2)
})

test('a server that takes connections and never answers: the log says so after ten seconds, and that it answers again', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  redis.pause()
  const client = await RawClient.open(proxy.port)
  client.send('GET', 'k')
  client.send('GET', 'k')
  const { level, fields } = await proxy.logged(says(/does not answer/), 20_000)
  assert.equal(level, 'WARN')
  assert.equal(fields.requests, 2)
  redis.resume()
  assert.equal(await client.shown(1), '$nil')
  await proxy.logged(says(/answers again/))
  assert.equal(proxy.logs.filter(says(/does not answer/)).length, 1)
  client.destroy()
})

test('three hundred clients that meet no server are worth eleven lines', async () => {
  await using proxy = await startProxy({ upstream: `127.0.0.1:${drawPort()}` })
  await Promise.all(
    Array.from({ length: 300 }, async () => assert.match(await askOnce(proxy, 'PING'), /Connection refused/)),
  )
  assert.equal(await proxy.stop(), 0)
  assert.equal(proxy.complaints.length, 11)
  assert.match(proxy.complaints.at(-1)!, /290 more like it/)
})

test('a name that nobody knows is named', async () => {
  await using proxy = await startProxy({ upstream: 'no-such-host.invalid:6379' })
  assert.match(await askOnce(proxy, 'PING'), /destination no-such-host\.invalid:6379/)
  await proxy.logged(says(/destination no-such-host\.invalid:6379/))
})

test('a server that takes no more clients: who shares a connection is served, who needs one of its own is told why', async () => {
  await using redis = await startRedis({ extraArgs: ['--maxclients', '3'] })
  await using proxy = await startProxy({ upstream: redis.address })
  const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.open(proxy.port)))
  for (const client of clients) assert.equal(await client.ask('PING'), '+"PONG"')
  const last = clients.pop()!
  await last.ask('CLIENT', 'SETNAME', 'last')
  for (const client of [clients.pop()!, last]) {
    const own = await Promise.all([clients[0]!, clients[1]!].map((one) => one.ask('MULTI')))
    assert.ok(own.every((told) => /OK|nested/.test(told)))
    await client.ask('MULTI')
    assert.match(
      client.replies.at(-1)!.bytes.toString(),
      /does not take the connection: ERR max number of clients reached/,
    )
  }
  await proxy.logged(says(/does not take the connection: ERR max number of clients reached/))
  assert.equal(await clients[2]!.ask('SET', 'k', 'v'), '+"OK"')
  for (const client of [...clients, last]) client.destroy()
})

test('a server that closes what is idle is worth no line, and no request', async () => {
  await using redis = await startRedis({ extraArgs: ['--timeout', '1'] })
  await using proxy = await startProxy({ upstream: redis.address })
  const client = await RawClient.open(proxy.port)
  for (let count = 1; count < 4; count++) {
    assert.equal(await client.ask('INCR', 'n'), `:"${count}"`)
    for (let tries = 0; (await connected(redis)) > 1; tries++) {
      assert.ok(tries < 1000, 'it is not closed')
      await wait(10)
    }
  }
  client.destroy()
  assert.deepEqual(proxy.complaints, [])
})

/** The server's clients, this one included. */
async function connected(redis: RedisServer): Promise<number> {
  return (await redis.cli('CLIENT', 'LIST')).split('\n').length
}

/** What a server that is in trouble says is passed on, byte by byte, and harms nothing. */
async function asWithout(options: RedisOptions, trouble: (redis: RedisServer) => Promise<void>): Promise<string[]> {
  await using redis = await startRedis(options)
  await using proxy = await startProxy({ upstream: redis.address })
  await redis.cli('SET', 'k', 'v')
  await trouble(redis)
  const told: string[][] = []
  for (const port of [redis.port, proxy.port]) {
    const client = await RawClient.open(port)
    for (const words of [
      ['SET', 'k', 'w'],
      ['GET', 'k'],
      ['MULTI'],
      ['SET', 'k', 'w'],
      ['GET', 'k'],
      ['EXEC'],
      ['EVAL', 'return redis.call("set", "k", "w")', '1', 'k'],
      ['PING'],
    ])
      await client.ask(...words)
    told.push(client.replies.map(({ bytes }) => bytes.toString()))
    client.destroy()
  }
  assert.deepEqual(told[1], told[0])
  assert.deepEqual(proxy.complaints, [])
  return told[0]!
}

test('a server without memory, or with a disk that it can’t write to, says so itself', async () => {
  const full = await asWithout({ extraArgs: ['--maxmemory-policy', 'noeviction'] }, async (redis) => {
    await redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  })
  assert.match(full[0]!, /^-OOM /)
  const folder = mkdtempSync(join(tmpdir(), 'shotover-full-'))
  const misconfigured = await asWithout({ extraArgs: ['--dir', folder, '--save', '3600 1'] }, async (redis) => {
    rmSync(folder, { recursive: true })
    await redis.cli('BGSAVE')
    for (let tries = 0; !/rdb_last_bgsave_status:err/.test(await redis.cli('INFO', 'persistence')); tries++) {
      assert.ok(tries < 1000, 'saving does not fail')
      await wait(5)
    }
  })
  assert.match(misconfigured[0]!, /^-MISCONF /)
})
