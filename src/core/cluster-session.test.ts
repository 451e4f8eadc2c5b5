import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HardClient } from '../../test/hard-protocol/client.ts'
import { BEGIN, GET, PUT, USE, WAIT } from '../../test/hard-protocol/format.ts'
import { HardPlay, nameOf } from '../../test/hard-protocol/play.ts'

// Three servers of the hard protocol. At home on the first is what begins with c or f, on the second a or d, on the third b or e.

const LOST = 'ERROR unavailable: Internal shotover error: The other side of this connection closed the connection'
const NOBODY = 'ERROR unavailable: nobody is there'

for (const order of ['request-order', 'any', 'streams'] as const) {
  const start = () => HardPlay.start({ order, servers: 3 })

  async function outcomes(play: HardPlay, client: HardClient, ...asked: [kind: number, text: string][]) {
    const replies = asked.map(([kind, text]) => client.ask(kind, text))
    return (await play.until(Promise.all(replies))).map(nameOf)
  }
  const has = (play: HardPlay, server: number, key: string) => play.servers[server]!.spaces[0]!.get(key)

  test(`${order}: each request goes where it is at home, and each reply to its own`, async () => {
    const play = await start()
    const client = await play.client()
    const asked = Array.from('abcdef', (key, i): [number, string] => [PUT, `${key}=${i}`])
    assert.deepEqual(
      await outcomes(play, client, ...asked),
      asked.map(() => 'OK'),
    )
    assert.deepEqual(
      [0, 1, 2].map((server) => [...play.servers[server]!.spaces[0]!.keys()].sort().join('')),
      ['cf', 'ad', 'be'],
    )
    const read = Array.from('fedcba', (key): [number, string] => [GET, key])
    assert.deepEqual(await outcomes(play, client, ...read), [
      'VALUE 5',
      'VALUE 4',
      'VALUE 3',
      'VALUE 2',
      'VALUE 1',
      'VALUE 0',
    ])
    await play.end(client)
  })

  test(`${order}: what can't be had of one server goes to another, and all sessions know it`, async () => {
    const play = await start()
    const [client, other] = [await play.client(), await play.client()]
    play.crash(1)
    assert.deepEqual(await outcomes(play, client, [PUT, 'a=1'], [PUT, 'b=2'], [GET, 'a']), ['OK', 'OK', 'VALUE 1'])
    assert.equal(has(play, 0, 'a'), '1')
    const { connectFailures } = play.proxy.cluster!.stats
    assert.equal(await play.say(other, PUT, 'a=2'), 'OK')
    assert.equal(play.proxy.cluster!.stats.connectFailures, connectFailures, 'nobody tries what is known to be down')
    await play.end(client, other)
  })

  test(`${order}: a server that is back is found, in nobody's way`, async () => {
    const play = await start()
    const client = await play.client()
    play.crash(1)
    assert.equal(await play.say(client, PUT, 'a=1'), 'OK')
    const up: string[] = []
    play.proxy.cluster!.onUp = ({ name }) => up.push(name)
    await play.restart(1)
    for (let i = 2; has(play, 1, 'a') === undefined; i++) {
      assert.ok(i < 20, 'it is never found')
      await play.rest(100)
      assert.equal(await play.say(client, PUT, `a=${i}`), 'OK')
    }
    assert.equal(play.proxy.cluster!.stats.failedRequests, 0)
    assert.deepEqual(up, [play.proxy.cluster!.member(play.address(1)).name])
    await play.end(client)
  })

  test(`${order}: of what a server dies with reads go elsewhere and writes are answered with an error`, async () => {
    const play = await start()
    const client = await play.client()
    for (const key of 'abc') assert.equal(await play.say(client, PUT, `${key}=1`), 'OK')
    play.servers[2]!.spaces[0]!.set('a', 'copy')
    for (const session of play.servers[1]!.sessions) session.connection.pause()
    const written = client.ask(PUT, 'd=2')
    const other = client.ask(PUT, 'c=2')
    await play.rest(10)
    const reader = await play.client()
    const read = reader.ask(GET, 'a')
    await play.rest(10)
    play.crash(1)
    assert.equal(nameOf(await play.until(written)), LOST)
    assert.equal(nameOf(await play.until(other)), 'OK')
    assert.equal(nameOf(await play.until(read)), 'VALUE copy')
    assert.equal(await play.say(client, GET, 'c'), 'VALUE 2')
    await play.end(client, reader)
  })

  test(`${order}: what changes the session waits for what came before, holds what comes after, and holds everywhere`, async () => {
    const play = await start()
    const client = await play.client()
    const asked: [number, string][] = [[PUT, 'a=1'], [PUT, 'b=1'], [USE, '1'], [PUT, 'a=2'], [PUT, 'b=2'], [PUT, 'c=2']] // prettier-ignore
    assert.deepEqual(
      await outcomes(play, client, ...asked),
      asked.map(() => 'OK'),
    )
    const spaces = play.executed.map((line) => line.split(' ').slice(1).join(' ')).sort()
    assert.deepEqual(spaces, ['0 PUT a=1', '0 PUT b=1', '1 PUT a=2', '1 PUT b=2', '1 PUT c=2'])
    await play.end(client)
  })

  test(`${order}: where nobody can be reached requests are answered with an error, and the session goes on`, async () => {
    const play = await start()
    const client = await play.client()
    for (const server of [0, 1, 2]) play.crash(server)
    assert.deepEqual(await outcomes(play, client, [PUT, 'a=1'], [GET, 'b']), [NOBODY, NOBODY])
    for (const server of [0, 1, 2]) await play.restart(server)
    await play.rest(1000)
    assert.equal(await play.say(client, PUT, 'a=1'), 'OK')
    await play.end(client)
  })

  test(`${order}: a server's error can send the request on, once to each`, async () => {
    const play = await start()
    const client = await play.client()
    play.servers[2]!.spaces[0]!.set('a', 'far')
    assert.deepEqual(await outcomes(play, client, [GET, 'a'], [GET, 'd']), ['VALUE far', 'ERROR not found'])
    await play.end(client)
  })

  test(`${order}: what waits behind a change is not sent for a client that is gone`, async () => {
    const play = await start()
    const client = await play.client()
    const gone = [client.ask(WAIT, '500'), client.ask(USE, '1'), client.ask(PUT, 'a=1')]
    await play.rest(20)
    client.connection.destroy()
    await play.until(Promise.allSettled(gone))
    await play.rest(10_000)
    assert.deepEqual(play.executed, [])
    play.proxy.checkEmpty()
  })
}

for (const order of ['any', 'streams'] as const) {
  test(`${order}: a server that says nothing is asked whether it is there, then left alone, then given up with what it owes`, async () => {
    const play = await HardPlay.start({ order, servers: 3 })
    const [client, other] = [await play.client(), await play.client()]
    assert.equal(await play.say(client, PUT, 'a=1'), 'OK')
    for (const session of play.servers[1]!.sessions) session.connection.pause()
    const owed = client.ask(PUT, 'd=1')
    await play.rest(3000)
    const since = play.sim.nowMs
    assert.equal(await play.say(other, PUT, 'a=2'), 'OK')
    assert.ok(play.sim.nowMs - since < 100, 'what comes later does not wait for it')
    assert.match(nameOf(await play.until(owed)), /did not respond within 10s$/)
    await play.end(client, other)
  })

  test(`${order}: a server that takes its time and says that it is there is left to it`, async () => {
    const play = await HardPlay.start({ order, servers: 3 })
    const client = await play.client()
    assert.equal(await play.say(client, WAIT, '30000'), 'OK')
    assert.equal(play.proxy.cluster!.stats.deaths, 0)
    assert.ok(play.proxy.cluster!.member(play.address(0)).isUp)
    await play.end(client)
  })
}

test('a session that loses state with one server is closed', async () => {
  const play = await HardPlay.start({ servers: 3 })
  const client = await play.client()
  assert.equal(await play.say(client, PUT, 'b=1'), 'OK')
  await play.say(client, BEGIN, 'a')
  play.crash(1)
  await play.until(client.over)
  play.proxy.checkEmpty()
})

test('a server that leaves the cluster gets nothing more, and its connections end', async () => {
  const play = await HardPlay.start({ servers: 3 })
  const client = await play.client()
  assert.equal(await play.say(client, PUT, 'a=1'), 'OK')
  const cluster = play.proxy.cluster!
  const [first, second, third] = [0, 1, 2].map((server) => cluster.member(play.address(server)))
  cluster.keep(new Set([first!, third!]))
  assert.equal(second!.hasLeft, true)
  await play.rest(10)
  assert.equal(play.servers[1]!.sessions.size, 0)
  assert.equal(await play.say(client, PUT, 'a=2'), 'OK')
  assert.equal(play.servers[0]!.spaces[0]!.get('a'), '2')
  await play.end(client)
})
