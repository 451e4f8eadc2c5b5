import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startProxy } from './proxy.ts'
import { RawClient } from './raw-client.ts'
import { startRedis, type RedisOptions } from './servers.ts'

// Who a client is: sessions share connections to the server, identities never.

type Ask = (name: string, ...words: string[]) => Promise<string>

/** Runs `play` directly and through the proxy: what it was told must be the same. Clients are opened by their first word. */
async function same(options: RedisOptions, play: (ask: Ask) => Promise<string[]>): Promise<string[]> {
  await using redis = await startRedis(options)
  await using proxy = await startProxy({ upstream: redis.address })
  const transcripts: string[][] = []
  for (const { port } of [redis, proxy]) {
    const clients = new Map<string, RawClient>()
    const told = await play(async (name, ...words) => {
      const client = clients.get(name) ?? (await RawClient.open(port))
      clients.set(name, client)
      return await client.ask(...words)
    })
    for (const client of clients.values()) client.destroy()
    transcripts.push(told.map((line) => line.replaceAll(/"id" :"\d+"/g, '"id" :#')))
  }
  assert.deepEqual(transcripts[1], transcripts[0])
  assert.deepEqual(proxy.complaints, [])
  return transcripts[0]!
}

const USERS = ['alice on >a ~* &* +@all', 'bob on >b ~bob:* &* +@all -flushall', 'eve off >e']

/** Lines `name: words`, one after the other. */
function script(text: string): (ask: Ask) => Promise<string[]> {
  return async (ask) => {
    const told: string[] = []
    for (const line of text.trim().split('\n')) {
      const [name, words] = line.trim().split(': ') as [string, string]
      told.push(await ask(name, ...words.split(' ')))
    }
    return told
  }
}

test('who has not said a password gets nothing, who has gets what is allowed', async () => {
  const told = await same(
    { password: 'secret', users: USERS },
    script(`
      1: PING
      1: GET k
      1: HELLO
      1: HELLO 3
      1: MULTI
      1: SUBSCRIBE c
      1: CLIENT SETNAME x
      1: AUTH wrong
      1: AUTH default wrong
      1: AUTH nobody x
      1: AUTH eve e
      1: GET k
      1: AUTH secret
      1: GET k
      1: ACL WHOAMI
      1: AUTH alice wrong
      1: ACL WHOAMI
      1: AUTH bob b
      1: ACL WHOAMI
      1: SET other x
      1: SET bob:k x
      1: FLUSHALL
      1: HELLO 3 AUTH alice a SETNAME al
      1: ACL WHOAMI
      1: CLIENT GETNAME
      1: HELLO 3 AUTH alice wrong SETNAME no
      1: CLIENT GETNAME
      1: ACL WHOAMI
      1: RESET
      1: GET k
      1: QUIT`),
  )
  assert.match(told[0]!, /NOAUTH/)
  assert.equal(told[14], '$"default"')
  assert.equal(told[16], '$"default"')
})

for (const [name, words] of Object.entries({
  'an option that does not exist': ['HELLO', '3', 'AUTH', 'alice', 'a', 'NONSENSE'],
  'a name that is refused': ['HELLO', '3', 'AUTH', 'alice', 'a', 'SETNAME', 'two words'],
  'a second identity that is refused': ['HELLO', '2', 'AUTH', 'alice', 'a', 'AUTH', 'bob', 'wrong'],
  'a second identity that is granted': ['HELLO', '2', 'AUTH', 'bob', 'b', 'AUTH', 'alice', 'a'],
})) {
  test(`HELLO with ${name} changes nothing for other sessions`, async () => {
    const told = await same({ password: 'secret', users: USERS }, async (ask) => [
      await ask('before', 'ACL', 'WHOAMI'),
      await ask('it', ...words),
      await ask('it', 'ACL', 'WHOAMI'),
      await ask('before', 'ACL', 'WHOAMI'),
      await ask('after', 'ACL', 'WHOAMI'),
      await ask('after', 'AUTH', 'bob', 'b'),
      await ask('after', 'ACL', 'WHOAMI'),
      await ask('it', 'ACL', 'WHOAMI'),
      await ask('it', 'RESET'),
      await ask('it', 'ACL', 'WHOAMI'),
    ])
    assert.match(told[3]!, /NOAUTH/)
    assert.match(told[4]!, /NOAUTH/)
    assert.equal(told[6], '$"bob"')
  })
}

test('an identity changes in a transaction as it does outside', async () => {
  const told = await same(
    { password: 'secret', users: USERS },
    script(`
      1: AUTH bob b
      1: MULTI
      1: AUTH alice a
      1: ACL WHOAMI
      1: EXEC
      1: ACL WHOAMI
      2: ACL WHOAMI
      1: MULTI
      1: AUTH bob wrong
      1: AUTH bob b
      1: EXEC
      1: ACL WHOAMI
      2: AUTH alice a
      2: ACL WHOAMI
      3: AUTH bob b
      3: ACL WHOAMI
      1: MULTI
      1: AUTH alice a
      1: DISCARD
      1: ACL WHOAMI`),
  )
  assert.equal(told[5], '$"alice"')
})

test('a hundred users at once are each who they say they are', async () => {
  const users = Array.from({ length: 100 }, (_, i) => `user${i} on >pass${i} ~key${i}:* +@all`)
  await using redis = await startRedis({ password: 'secret', users })
  await using proxy = await startProxy({ upstream: redis.address })
  const clients = await Promise.all(users.map(() => RawClient.open(proxy.port)))
  for (let round = 0; round < 3; round++) {
    await Promise.all(
      clients.map(async (client, i) => {
        // Each client is another user every round.
        const user = (i + round * 37) % users.length
        client.send('AUTH', `user${user}`, `pass${user}`)
        for (let k = 0; k < 5; k++) client.send('SET', `key${user}:${k}`, `${user}`)
        const before = client.replies.length
        await client.until(before + 6)
        assert.equal(await client.ask('ACL', 'WHOAMI'), `$"user${user}"`)
        assert.equal(await client.ask('GET', `key${user}:1`), `$"${user}"`)
        assert.match(await client.ask('GET', `key${(user + 1) % users.length}:1`), /NOPERM/)
        assert.match(await client.ask('AUTH', `user${user}`, 'wrong'), /WRONGPASS/)
        assert.equal(await client.ask('ACL', 'WHOAMI'), `$"user${user}"`)
      }),
    )
  }
  const stranger = await RawClient.open(proxy.port)
  assert.match(await stranger.ask('GET', 'key1:1'), /NOAUTH/)
  for (const client of [...clients, stranger]) client.destroy()
  assert.deepEqual(proxy.complaints, [])
})

test('a password that was changed lets nobody in any more', async () => {
  await same({ password: 'secret', users: USERS }, async (ask) => {
    const told = [await ask('1', 'AUTH', 'alice', 'a'), await ask('1', 'GET', 'k')]
    told.push(await ask('admin', 'AUTH', 'secret'), await ask('admin', 'ACL', 'SETUSER', 'alice', 'resetpass', '>new'))
    told.push(await ask('2', 'AUTH', 'alice', 'a'), await ask('2', 'GET', 'k'), await ask('2', 'AUTH', 'alice', 'new'))
    told.push(await ask('2', 'ACL', 'WHOAMI'), await ask('1', 'ACL', 'WHOAMI'))
    // As it was, for the other way round.
    told.push(await ask('admin', 'ACL', 'SETUSER', 'alice', 'resetpass', '>a'))
    return told
  })
})

test('what a password opened is opened again after the server came back', async () => {
  await using redis = await startRedis({ password: 'secret', users: USERS })
  await using proxy = await startProxy({ upstream: redis.address })
  const alice = await RawClient.open(proxy.port)
  const bob = await RawClient.open(proxy.port)
  assert.equal(await alice.ask('AUTH', 'alice', 'a'), '+"OK"')
  assert.match(await bob.ask('HELLO', '3', 'AUTH', 'bob', 'b'), /"proto" :"3"/)
  assert.equal(await bob.ask('SELECT', '4'), '+"OK"')
  await redis.restart()
  let told = ''
  for (let tries = 0; tries < 100 && told !== '$"alice"'; tries++) told = await alice.ask('ACL', 'WHOAMI')
  assert.equal(told, '$"alice"')
  for (let tries = 0; tries < 100 && told !== '$"bob"'; tries++) told = await bob.ask('ACL', 'WHOAMI')
  assert.equal(told, '$"bob"')
  assert.equal(await bob.ask('GET', 'bob:nothing'), '_nil')
  assert.equal(await bob.ask('SET', 'bob:k', 'four'), '+"OK"')
  assert.match(await redis.cli('-n', '4', 'GET', 'bob:k'), /four/)
  alice.destroy()
  bob.destroy()
})

for (const [what, change] of [
  ['that is deleted', ['ACL', 'DELUSER', 'alice']],
  [
    'whose password changes, once the server has closed its connections',
    ['ACL', 'SETUSER', 'alice', 'resetpass', '>new'],
  ],
] as const) {
  test(`the sessions of a user ${what} end, instead of being told errors for ever`, async () => {
    await using redis = await startRedis({ users: USERS })
    await using proxy = await startProxy({ upstream: redis.address })
    const [shared, own, bob] = await Promise.all([0, 1, 2].map(() => RawClient.open(proxy.port)))
    for (const client of [shared!, own!]) assert.equal(await client.ask('AUTH', 'alice', 'a'), '+"OK"')
    assert.equal(await own!.ask('WATCH', 'k'), '+"OK"')
    assert.equal(await bob!.ask('AUTH', 'bob', 'b'), '+"OK"')
    await redis.cli(...change)
    if (change[1] === 'SETUSER') await redis.cli('CLIENT', 'KILL', 'USER', 'alice')
    await own!.untilClosed()
    shared!.send('GET', 'k')
    await shared!.untilClosed()
    assert.match(shared!.replies.at(-1)!.bytes.toString(), /refused what a session had been granted before.*WRONGPASS/)
    assert.match(await bob!.ask('ACL', 'WHOAMI'), /bob/)
    for (const client of [shared, own, bob]) client!.destroy()
  })
}

test('a server that is not ready to say who a session is costs no session', async () => {
  await using redis = await startRedis({ users: USERS, extraArgs: ['--busy-reply-threshold', '50'] })
  await using proxy = await startProxy({ upstream: redis.address })
  const client = await RawClient.open(proxy.port)
  assert.equal(await client.ask('HELLO', '3', 'AUTH', 'alice', 'a').then((told) => told[0]), '%')
  assert.equal(await client.ask('SELECT', '3'), '+"OK"')
  assert.equal(await client.ask('SET', 'k', 'v'), '+"OK"')
  const runner = await RawClient.open(redis.port)
  await redis.cli('CLIENT', 'KILL', 'USER', 'alice')
  runner.send('EVAL', 'while true do end', '0')
  let told = ''
  for (let tries = 0; tries < 500 && !/BUSY/.test(told); tries++)
    told = (await client.ask('GET', 'k').then(() => client.replies.at(-1)?.bytes.toString())) ?? 'closed'
  assert.match(told, /BUSY/)
  assert.equal(await redis.cli('SCRIPT', 'KILL'), 'OK')
  for (let tries = 0; tries < 500 && told !== '$"v"'; tries++) told = await client.ask('GET', 'k')
  assert.equal(told, '$"v"')
  client.destroy()
  runner.destroy()
})
