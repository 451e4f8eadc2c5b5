import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { request } from './lines.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis, type RedisServer } from './servers.ts'

// Clients that are broken, or mean no good: they get the protocol's error or are closed, and nobody else notices.

// One proxy for all of them: it has to outlive every one.
let redis: RedisServer
let proxy: Proxy
before(async () => {
  redis = await startRedis()
  proxy = await startProxy({ upstream: redis.address })
})
after(async () => {
  await proxy.kill()
  await redis.stop()
})

/** Resident memory of the proxy in MiB. */
function rss(): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${proxy.pid}/status`, 'utf8'))![1]) / 1024
}

/** A client asks while something goes on: every answer is right, and none takes longer than `limitMs`. */
async function othersAreServed(limitMs: number, during: () => Promise<void>): Promise<void> {
  const client = await RawClient.open(proxy.port)
  let going = true
  let worst = 0
  const asking = (async () => {
    for (let i = 0; going; i++) {
      const since = performance.now()
      assert.equal(await client.ask('ECHO', `${i}`), `$"${i}"`)
      worst = Math.max(worst, performance.now() - since)
      await wait(5)
    }
  })()
  try {
    await during()
  } finally {
    going = false
    await asking
    client.destroy()
  }
  assert.ok(worst < limitMs, `an answer took ${Math.round(worst)} ms`)
}

const nesting = (depth: number) => '*1\r\n'.repeat(depth)

for (const [name, bytes, answer] of [
  ['a length of 2^63', '*1\r\n$9223372036854775808\r\n', /^-ERR Protocol error: invalid bulk length/],
  ['nesting 10,000 deep', nesting(10_000), /^-ERR Protocol error: expected '\$', got '\*'/],
  ['a line of 1 MB', 'x'.repeat(1024 * 1024), /^-ERR Protocol error: too big inline request/],
  ['a count without end', `*${'1'.repeat(100_000)}`, /^-ERR Protocol error: too big mbulk count string/],
  ['an HTTP request', 'GET / HTTP/1.1\r\nHost: example.org\r\n\r\n', /^-ERR /],
  ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n', /^-ERR unknown command/],
] as const) {
  test(`${name}: the client gets an error, the others are served`, async () => {
    await othersAreServed(1000, async () => {
      const client = await RawClient.open(proxy.port)
      client.write(Buffer.from(bytes, 'latin1'))
      await client.until(1)
      assert.match(client.replies[0]!.bytes.toString(), answer)
      client.destroy()
    })
  })
}

test('random bytes hurt nobody', async () => {
  await othersAreServed(1000, async () => {
    for (let round = 0; round < 60; round++) {
      const client = connect(proxy.port, '127.0.0.1')
      client.on('error', () => {}) // closed on us in mid-write
      client.resume()
      client.end(Buffer.concat([Buffer.from(['*', '$', '*2\r\n$3\r\nGET\r\n', ''][round % 4]!), randomBytes(2000)]))
      await wait(2)
      client.destroy()
    }
  })
})

test('a hundred clients that connect and reset are worth no warning', async () => {
  const before = proxy.complaints.length
  for (let round = 0; round < 100; round++) {
    const client = connect(proxy.port, '127.0.0.1')
    client.on('error', () => {}) // reset is what is wanted
    client.write('*2\r\n$3\r\nGET\r\n$1')
    await wait(1)
    client.resetAndDestroy()
  }
  await othersAreServed(1000, () => wait(50))
  // What the clients before sent may be told late.
  const complaints = proxy.complaints.slice(before).filter((line) => !line.includes(`expected '$', got`))
  assert.deepEqual(complaints, [])
})

test('a torn request, then silence: the client may stay, the others are served', async () => {
  const torn = await RawClient.open(proxy.port)
  torn.write('*3\r\n$3\r\nSET\r\n$5\r\ntorn1\r\n$100000000\r\nabc')
  await othersAreServed(1000, () => wait(100))
  assert.ok(!torn.closed)
  torn.destroy()
})

test('a client that closes its writing end gets what it asked for', async () => {
  for (const [bytes, replies] of [
    ['PING\r\n', 1],
    ['PING\r\nPING\r\nSET half v\r\nGET half\r\n', 4],
    ['MULTI\r\nINCR n\r\nEXEC\r\n', 3],
    ['SUBSCRIBE c\r\n', 1],
    ['EVAL "return ARGV[1]" 0 x\r\nSELECT 3\r\nGET k\r\n', 3],
  ] as const) {
    const client = await RawClient.open(proxy.port)
    client.write(bytes)
    client.end()
    await client.untilClosed()
    assert.equal(client.replies.length, replies, bytes)
  }
})

test('a client that never reads stops itself and nobody else, and finds every reply when it does', async () => {
  const size = 1024 * 1024
  const count = 100
  await redis.cli('SETRANGE', 'large', String(size - 1), 'x')
  const reader = connect(proxy.port, '127.0.0.1')
  let received = 0
  try {
    const before = rss()
    await othersAreServed(2500, async () => {
      reader.pause()
      const all = Buffer.concat(Array.from({ length: count }, () => request(['GET', 'large'])))
      reader.write(all)
      await wait(1500)
    })
    assert.ok(rss() - before < 80, `the proxy grew by ${Math.round(rss() - before)} MiB`)
    reader.on('data', (bytes: Buffer) => (received += bytes.length))
    reader.resume()
    const whole = count * (size + `$${size}\r\n\r\n`.length)
    for (let tries = 0; tries < 2000 && received < whole; tries++) await wait(5)
    assert.equal(received, whole)
  } finally {
    reader.destroy()
  }
})

test('a client that writes all before it reads gets every reply', async () => {
  await redis.cli('SET', 'small', 'v'.repeat(1000))
  const client = connect(proxy.port, '127.0.0.1')
  client.pause()
  const requests = 20_000
  const chunk = Buffer.concat(Array.from({ length: 1000 }, () => request(['GET', 'small'])))
  for (let sent = 0; sent < requests; sent += 1000)
    await new Promise<void>((resolve, reject) => client.write(chunk, (error) => (error ? reject(error) : resolve())))
  let received = 0
  client.on('data', (bytes: Buffer) => (received += bytes.length))
  client.resume()
  const whole = requests * (1000 + '$1000\r\n\r\n'.length)
  for (let tries = 0; tries < 2000 && received < whole; tries++) await wait(5)
  client.destroy()
  assert.equal(received, whole)
})

test('five hundred clients that wait do not starve the one that frees them', async () => {
  const waiting = await Promise.all(Array.from({ length: 500 }, () => RawClient.open(proxy.port)))
  for (const client of waiting) client.send('BLPOP', 'queue', '0')
  for (let tries = 0; ; tries++) {
    assert.ok(tries < 500, 'they do not all wait')
    const info = await redis.cli('INFO', 'clients')
    if (/blocked_clients:500/.test(info)) break
  }
  const pusher = await RawClient.open(proxy.port)
  const since = performance.now()
  assert.equal(await pusher.ask('PING'), '+"PONG"')
  assert.ok(performance.now() - since < 500)
  for (let i = 0; i < 500; i++) pusher.send('RPUSH', 'queue', `${i}`)
  const got = await Promise.all(waiting.map((client) => client.shown(0)))
  assert.equal(new Set(got).size, 500)
  assert.equal(await redis.cli('LLEN', 'queue'), '0')
  for (const client of [...waiting, pusher]) client.destroy()
})
