import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { startProxy, type Proxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis, type RedisServer } from './servers.ts'

// What docs/valkey.md says of shared connections, tried.

interface Place {
  readonly redis: RedisServer
  readonly proxy: Proxy
  open(): Promise<RawClient>
  /** The server's connections from the proxy, a line of CLIENT LIST each. */
  connections(): Promise<string[]>
}

/** `complaint`: the one that it is worth; null: none. */
async function inPlace(
  coreThreads: number,
  play: (place: Place) => Promise<void>,
  complaint: RegExp | null = null,
): Promise<void> {
  await using redis = await startRedis({ users: ['alice on >a ~* &* +@all', 'bob on >b ~* &* +@all'] })
  await using proxy = await startProxy({ upstream: redis.address, coreThreads })
  const clients: RawClient[] = []
  await play({
    redis,
    proxy,
    async open() {
      const client = await RawClient.open(proxy.port)
      clients.push(client)
      return client
    },
    async connections() {
      const lines = (await redis.cli('CLIENT', 'LIST')).split('\n')
      return lines.filter((line) => !line.includes('cmd=client|list'))
    },
  })
  for (const client of clients) client.destroy()
  // The log comes by a pipe of its own.
  if (complaint !== null) await eventually(async () => proxy.complaints.length > 0, 'nothing was complained of')
  assert.equal(proxy.complaints.length, complaint === null ? 0 : 1, proxy.complaints.join('\n'))
  if (complaint !== null) assert.match(proxy.complaints[0]!, complaint)
}

async function eventually(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (await holds()) return
    await wait(10)
  }
  assert.fail(what)
}

for (const coreThreads of [1, 2]) {
  test(`clients that are alike share one connection per core thread (${coreThreads})`, () =>
    inPlace(coreThreads, async ({ open, connections }) => {
      const clients = await Promise.all(Array.from({ length: 40 }, open))
      await Promise.all(
        clients.map(async (client, at) => {
          assert.match(await client.ask('CLIENT', 'SETINFO', 'LIB-NAME', 'x'), /OK|unknown subcommand/i)
          assert.equal(await client.ask('CLIENT', 'SETNAME', `name${at}`), '+"OK"')
          for (let i = 0; i < 20; i++) assert.equal(await client.ask('ECHO', `${at} ${i}`), `$"${at} ${i}"`)
          assert.equal(await client.ask('CLIENT', 'GETNAME'), `$"name${at}"`)
        }),
      )
      assert.equal((await connections()).length, coreThreads)
    }))
}

test('another database, version or identity is another connection, for all that are alike in it', () =>
  inPlace(1, async ({ open, connections }) => {
    const kinds = [
      [['PING']],
      [['SELECT', '1']],
      [['HELLO', '3']],
      [
        ['HELLO', '3'],
        ['SELECT', '1'],
      ],
      [['AUTH', 'alice', 'a']],
      [
        ['HELLO', '2', 'AUTH', 'bob', 'b'],
        ['SELECT', '1'],
      ],
    ]
    for (const requests of kinds) {
      const alike = await Promise.all(Array.from({ length: 5 }, open))
      for (const client of alike) for (const words of requests) assert.doesNotMatch(await client.ask(...words), /^-/)
      await Promise.all(alike.map((client) => client.ask('GET', 'k')))
    }
    // Those that came about on the way, RESP3 in database 0 and bob in database 0, serve as well.
    const lines = await connections()
    assert.ok(lines.length <= kinds.length + 1, lines.join('\n'))
    for (const user of ['alice', 'bob']) assert.ok(lines.some((line) => line.includes(`user=${user}`)))
  }))

test('a connection that is shared bears nobody’s name, one that is not its session’s', () =>
  inPlace(1, async ({ open, connections }) => {
    const [one, two, three] = [await open(), await open(), await open()]
    const names = async () => (await connections()).map((line) => /\bname=(\S*)/.exec(line)![1]).sort()
    assert.equal(await one.ask('CLIENT', 'SETNAME', 'one'), '+"OK"')
    assert.match(await two.ask('HELLO', '3', 'SETNAME', 'two'), /proto/)
    assert.match(await three.ask('HELLO', '3', 'SETNAME', 'three'), /proto/)
    await eventually(async () => (await names()).join() === ',', 'a name was left behind')
    await one.ask('MULTI')
    await two.ask('WATCH', 'k')
    assert.deepEqual(await names(), ['', '', 'one', 'two'])
    await one.ask('EXEC')
    await two.ask('UNWATCH')
    await eventually(async () => (await names()).join() === ',,,', 'a name was left behind')
    assert.equal(await two.ask('CLIENT', 'GETNAME'), '$"two"')
  }))

test('a session that keeps a shared connection to itself has its own name there', () =>
  inPlace(1, async ({ open }) => {
    const [named, nameless] = [await open(), await open()]
    await nameless.ask('PING')
    for (let round = 0; round < 20; round++) {
      named.send('CLIENT', 'SETNAME', `round${round}`)
      const before = nameless.replies.length
      for (const words of [['GET', 'k'], ['WAIT', '0', '1'], ['MULTI'], ['CLIENT', 'GETNAME'], ['EXEC'], ['GET', 'k']])
        nameless.send(...words)
      await nameless.until(before + 6)
      assert.equal(await nameless.shown(before + 4), '*[$nil]')
    }
  }))

for (const [what, words] of [
  ['CONFIG SET requirepass', [['CONFIG', 'SET', 'requirepass', 'secret']]],
  ['ACL SETUSER default', [['ACL', 'SETUSER', 'default', 'resetpass', '>secret']]],
  ['the same in a transaction', [['MULTI'], ['CONFIG', 'SET', 'appendonly', 'no', 'REQUIREPASS', 'secret'], ['EXEC']]],
] as const) {
  test(`a password set through the proxy, by ${what}, is asked of those who come later, and of nobody else`, () =>
    inPlace(1, async ({ open }) => {
      const [before, other, third] = [await open(), await open(), await open()]
      for (const client of [before, other]) assert.equal(await client.ask('SET', 'k', 'v'), '+"OK"')
      const count = before.replies.length
      for (const request of words) before.send(...request)
      await before.until(count + words.length)
      for (const { reply } of before.replies) assert.notEqual(reply.type, '-')
      const after = await open()
      assert.match(await after.ask('GET', 'k'), /NOAUTH/)
      assert.equal(await other.ask('GET', 'k'), '$"v"')
      // It had connected in time, though it asks only now.
      assert.equal(await third.ask('GET', 'k'), '$"v"')
      assert.equal(await third.ask('RESET'), '+"RESET"')
      assert.match(await third.ask('GET', 'k'), /NOAUTH/)
      assert.equal(await after.ask('RESET'), '+"RESET"')
      assert.equal(await other.ask('GET', 'k'), '$"v"')
      assert.equal(await after.ask('AUTH', 'secret'), '+"OK"')
      assert.equal(await after.ask('GET', 'k'), '$"v"')
    }))
}

test('a password set through one core thread is asked of those who come to another', () =>
  inPlace(2, async ({ open }) => {
    const before = await Promise.all(Array.from({ length: 6 }, open))
    for (const client of before) assert.equal(await client.ask('SET', 'k', 'v'), '+"OK"')
    assert.equal(await before[0]!.ask('CONFIG', 'SET', 'requirepass', 'secret'), '+"OK"')
    const after = await Promise.all(Array.from({ length: 6 }, open))
    for (const client of after) assert.match(await client.ask('GET', 'k'), /NOAUTH/)
    for (const client of before) assert.equal(await client.ask('GET', 'k'), '$"v"')
  }))

test('RESET logs out nobody else, whoever has set a password', () =>
  inPlace(1, async ({ open, redis }) => {
    const [one, other] = [await open(), await open()]
    for (const client of [one, other]) assert.equal(await client.ask('SET', 'k', 'v'), '+"OK"')
    assert.equal(await redis.cli('CONFIG', 'SET', 'requirepass', 'secret'), 'OK')
    assert.equal(await one.ask('RESET'), '+"RESET"')
    assert.equal(await other.ask('GET', 'k'), '$"v"')
  }))

for (const [what, begin, end] of [
  ['a transaction', [['MULTI']], [['EXEC']]],
  ['a watch', [['WATCH', 'k']], [['UNWATCH']]],
  ['a subscription', [['SUBSCRIBE', 'c']], [['UNSUBSCRIBE', 'c']]],
  ['a wish not to be touched', [['CLIENT', 'NO-EVICT', 'ON']], [['CLIENT', 'NO-EVICT', 'OFF']]],
  ['a time-out', [['BLPOP', 'nothing', '0.01']], []],
] as const) {
  test(`${what} costs a connection while it lasts, which then serves others`, () =>
    inPlace(1, async ({ open, connections }) => {
      const [one, other] = [await open(), await open()]
      for (const client of [one, other]) {
        if (begin.length > 1) await client.ask(...begin[0])
        await client.ask('PING')
      }
      const before = (await connections()).length
      for (let round = 0; round < 5; round++) {
        for (const client of [one, other]) {
          for (const words of begin.slice(-1)) await client.ask(...words)
          for (const words of end) await client.ask(...words)
          assert.equal(await client.ask('ECHO', 'x'), '$"x"')
        }
      }
      assert.ok((await connections()).length <= before + 1)
    }))
}

test('what a session leaves on its connection goes with it', () =>
  inPlace(1, async ({ open, connections }) => {
    const before = async () => (await connections()).length
    const plain = await open()
    await plain.ask('PING')
    const count = await before()
    for (const words of [['MULTI'], ['WATCH', 'k'], ['SUBSCRIBE', 'c'], ['MONITOR']]) {
      const client = await open()
      await client.ask(...words)
      assert.equal(await before(), count + 1)
      client.destroy()
      await eventually(async () => (await before()) === count, `${words[0]} left its connection behind`)
    }
  }))

for (const coreThreads of [1, 3])
  test(`ids are the proxy’s: they are told, and they name the session that has a connection of its own, on ${coreThreads} core threads`, () =>
    inPlace(
      coreThreads,
      async ({ open, redis }) => {
        const [waiter, boss, subscriber, reader] = await Promise.all([open(), open(), open(), open()])
        const idOf = async (client: RawClient) => /^:"(\d+)"$/.exec(await client.ask('CLIENT', 'ID'))![1]!
        const ids = await Promise.all([waiter, boss, subscriber, reader].map(idOf))
        assert.equal(new Set(ids).size, 4)
        for (const id of ids) assert.ok(Number(id) >= 2 ** 40)
        assert.match(await boss.ask('HELLO'), new RegExp(`"id" :"${ids[1]}"`))
        const before = waiter.replies.length
        waiter.send('BLPOP', 'nothing', '0')
        await eventually(async () => /blocked_clients:1/.test(await redis.cli('INFO', 'clients')), 'it does not wait')
        let told = ''
        for (let tries = 0; tries < 200 && told !== ':"1"'; tries++) told = await boss.ask('CLIENT', 'UNBLOCK', ids[0]!)
        assert.equal(told, ':"1"')
        assert.equal(await waiter.shown(before), '*nil')
        // Invalidations of a RESP2 client, by way of another one's connection.
        assert.match(await subscriber.ask('SUBSCRIBE', '__redis__:invalidate'), /subscribe/)
        assert.equal(await reader.ask('CLIENT', 'TRACKING', 'ON', 'REDIRECT', ids[2]!), '+"OK"')
        await reader.ask('GET', 'k')
        const heard = subscriber.replies.length
        await boss.ask('SET', 'k', 'v')
        assert.match(await subscriber.shown(heard), /__redis__:invalidate.*"k"/)
        assert.equal(await boss.ask('CLIENT', 'KILL', 'ID', ids[2]!), ':"1"')
        await subscriber.untilClosed()
        // One that shares is not to be killed: the server does not know it.
        assert.equal(await boss.ask('CLIENT', 'KILL', 'ID', ids[0]!), ':"0"')
        assert.equal(await waiter.ask('PING'), '+"PONG"')
      },
      /unexpectedly terminated.*closed the connection/s,
    ))

test('CLIENT KILL of what is shared: sessions go on', () =>
  inPlace(1, async ({ open, redis, connections }) => {
    const clients = await Promise.all(Array.from({ length: 10 }, open))
    await Promise.all(clients.map((client) => client.ask('PING')))
    for (let round = 0; round < 3; round++) {
      await redis.cli('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
      for (const client of clients) assert.equal(await client.ask('ECHO', 'x'), '$"x"')
    }
    assert.equal((await connections()).length, 1)
  }))

test('a password that is set later holds for new connections to the server, so the old ones are to be killed', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  const before = await RawClient.open(proxy.port)
  assert.equal(await before.ask('SET', 'k', 'v'), '+"OK"')
  const admin = await RawClient.open(redis.port)
  assert.equal(await admin.ask('CONFIG', 'SET', 'requirepass', 'secret'), '+"OK"')
  assert.match(await admin.ask('CLIENT', 'KILL', 'TYPE', 'normal'), /^:/)
  const after = await RawClient.open(proxy.port)
  assert.match(await after.ask('GET', 'k'), /NOAUTH/)
  assert.equal(await after.ask('AUTH', 'secret'), '+"OK"')
  assert.equal(await after.ask('GET', 'k'), '$"v"')
  for (const client of [before, admin, after]) client.destroy()
})
