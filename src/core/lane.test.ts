import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BEGIN,
  COMMIT,
  DATA,
  END,
  GET,
  HELLO,
  NOTE,
  PUT,
  ROWS,
  SLOWLY,
  SUBSCRIBE,
  SWITCH,
  UNSUBSCRIBE,
  UPLOAD,
  USE,
  WAIT,
} from '../../test/hard-protocol/format.ts'
import { HardPlay, nameOf } from '../../test/hard-protocol/play.ts'

const KIB = 1024

const names = (play: HardPlay) => play.executed.map((line) => line.split(' ').slice(2).join(' '))

test('sessions with equal attributes share one upstream, others have another', async () => {
  const play = await HardPlay.start()
  const clients = [await play.client(), await play.client(), await play.client()]
  for (const client of clients) await play.say(client, PUT, 'a=1')
  assert.equal(play.server.connections, 1)
  await play.say(clients[0]!, USE, '1')
  await play.say(clients[1]!, USE, '1')
  await play.say(clients[0]!, GET, 'a')
  assert.equal(play.server.connections, 2, 'the first change opened one, the second found it')
  const { shared, pinned } = play.proxy.pool.count()
  assert.deepEqual([shared, pinned], [2, 0])
  assert.deepEqual(Object.fromEntries(play.proxy.pool.stats.pins), { attributes: 1 })
  await play.end(...clients)
})

test('attributes that the sink changes by an answer of its own hold for what comes behind it', async () => {
  const play = await HardPlay.start()
  const client = await play.client()
  await play.say(client, PUT, 'a=0')
  const asked = [client.ask(GET, 'a'), client.ask(HELLO, '1'), client.ask(PUT, 'a=1'), client.ask(GET, 'a')]
  const replies = await play.until(Promise.all(asked))
  assert.deepEqual(
    replies.map(({ text }) => text),
    ['0', replies[1]!.text, '', '1'],
  )
  assert.equal(play.server.connections, 2)
  await play.end(client)
})

test('what leaves state gets an upstream of its own, once what was asked before is answered', async () => {
  const play = await HardPlay.start()
  const [client, other] = [await play.client(), await play.client()]
  await play.say(other, PUT, 'x=0')
  const asked = [
    client.ask(SLOWLY, 'x'),
    client.ask(PUT, 'a=1'),
    client.ask(BEGIN, ''),
    client.ask(PUT, 'b=2'),
    client.ask(PUT, 'c=3'),
    client.ask(COMMIT, ''),
    client.ask(PUT, 'd=4'),
  ]
  await play.until(Promise.all(asked))
  assert.deepEqual(names(play), ['PUT x=0', 'PUT a=1', 'PUT b=2 in', 'PUT c=3 in', 'PUT d=4'])
  const connections = play.executed.map((line) => line[0])
  assert.notEqual(connections[1], connections[2], 'the transaction went elsewhere')
  assert.equal(play.proxy.pool.stats.pins.get('BEGIN'), 1)
  await play.end(client, other)
})

test('a pin ends when the connection is clean and owes nothing, and its upstream serves again', async () => {
  const play = await HardPlay.start()
  const client = await play.client()
  client.onPush = () => {}
  await play.say(client, GET, 'a')
  for (let round = 0; round < 3; round++) {
    await play.say(client, SUBSCRIBE, 'sport')
    assert.equal(play.proxy.pool.count().pinned, 1)
    await play.say(client, UNSUBSCRIBE, 'sport')
    await play.say(client, GET, 'a')
  }
  assert.equal(play.server.connections, 2)
  assert.equal(play.proxy.pool.stats.pins.get('SUBSCRIBE'), 3)
  await play.end(client)
  assert.equal(play.server.sessions.size, 2, 'both wait for whoever comes next')
})

test('a session that ends with state on its upstream closes it; one that ends clean hands it back', async () => {
  const play = await HardPlay.start()
  const [dirty, clean] = [await play.client(), await play.client()]
  await play.say(dirty, BEGIN, '')
  const waiting = clean.ask(WAIT, '5')
  await play.until(waiting)
  assert.equal(play.server.sessions.size, 2)
  await play.end(dirty, clean)
  assert.equal(play.server.sessions.size, 1)
})

test('what a session sent last arrives, though the session and its upstream end at once', async () => {
  const play = await HardPlay.start()
  const client = await play.client()
  client.say(NOTE, 'a=1')
  client.say(NOTE, `b=${'x'.repeat(300 * KIB)}`)
  await play.end(client)
  assert.deepEqual(names(play), ['NOTE a=1', `NOTE b=${'x'.repeat(28)}`])
  assert.equal(play.server.sessions.size, 0)
})

test('a session that ends does not wait for what may never come, and its upstream is closed', async () => {
  const play = await HardPlay.start()
  const [client, other] = [await play.client(), await play.client()]
  await play.say(other, PUT, 'a=1')
  const asked = [client.ask(GET, 'a'), client.ask(WAIT, '3600000'), client.ask(GET, 'a')]
  client.end()
  assert.equal(nameOf(await play.until(asked[0]!)), 'VALUE 1')
  await play.until(client.over)
  assert.ok(play.sim.nowMs < 10_000)
  await play.end(other)
})

test('the server gets the requests of a session in their order, whatever upstreams they take', async () => {
  const play = await HardPlay.start({ limits: { cutThroughBytes: KIB } })
  const client = await play.client()
  const large = 'x'.repeat(40 * KIB)
  const kinds = [PUT, BEGIN, PUT, COMMIT, PUT, SWITCH, PUT, USE, PUT, NOTE, PUT]
  const expected: string[] = []
  const replies: Promise<unknown>[] = []
  for (const [index, kind] of kinds.entries()) {
    const text = kind === USE ? '1' : `k=${index}:${index === 4 ? large : ''}`
    if (kind === NOTE) client.say(NOTE, text)
    else replies.push(client.ask(kind, kind === PUT || kind === USE ? text : ''))
    // Nothing can follow a switch before it is granted.
    if (kind === SWITCH) await play.until(Promise.all(replies))
    if (kind === PUT || kind === NOTE) expected.push(`k=${index}`)
  }
  await play.until(Promise.all(replies))
  assert.deepEqual(
    play.executed.map((line) => /k=\d+/.exec(line)![0]),
    expected,
  )
  await play.end(client)
})

test('a large request has an upstream of its own while it arrives, and the others never wait for it', async () => {
  const play = await HardPlay.start({ limits: { cutThroughBytes: KIB } })
  const [client, other] = [await play.client(), await play.client()]
  await play.say(client, PUT, 'a=0')
  const upload = client.ask(UPLOAD, 'yes', 0)
  for (let i = 0; i < 5; i++) {
    client.say(DATA, 'x'.repeat(10 * KIB), 0, 0)
    assert.equal(await play.say(other, PUT, `a=${i}`), 'OK')
  }
  client.say(DATA, 'x'.repeat(200 * KIB), 0, END)
  const behind = client.ask(PUT, 'behind=1')
  assert.equal(nameOf(await play.until(upload)), `OK ${3 + 250 * KIB}`)
  assert.equal(nameOf(await play.until(behind)), 'OK')
  assert.equal(play.proxy.pool.stats.pins.get('large-request'), 1)
  await play.end(client, other)
})

test('a request broken off half-way costs its upstream, and nobody else anything', async () => {
  const play = await HardPlay.start({ limits: { cutThroughBytes: KIB } })
  const [client, other] = [await play.client(), await play.client()]
  await play.say(client, PUT, 'a=0')
  const upload = client.ask(UPLOAD, 'yes', 0)
  client.say(DATA, 'x'.repeat(10 * KIB), 0, 0)
  await play.rest()
  assert.equal(play.server.sessions.size, 2)
  client.connection.destroy()
  await assert.rejects(play.until(upload))
  await play.rest(100)
  assert.equal(play.server.sessions.size, 1)
  assert.equal(await play.say(other, GET, 'a'), 'VALUE 0')
  assert.deepEqual(play.proxy.errors, [])
  await play.end(other)
})

test('a client that leaves with requests out leaves tombstones: late replies are dropped, and nobody gets them', async () => {
  const play = await HardPlay.start()
  const [client, other] = [await play.client(), await play.client()]
  await play.say(other, PUT, 'a=1')
  const asked = [client.ask(SLOWLY, 'a'), client.ask(ROWS, '3'), client.ask(GET, 'a')]
  await play.rest(1)
  client.connection.destroy()
  const mine = [other.ask(GET, 'a'), other.ask(ROWS, '2')]
  assert.deepEqual((await play.until(Promise.all(mine))).map(nameOf), ['VALUE 1', 'DONE 012'])
  await Promise.allSettled(asked)
  assert.ok(play.proxy.pool.stats.lateReplies > 0)
  await play.end(other)
})

test('a session waits while its upstream takes no more, and goes on when it does', async () => {
  const play = await HardPlay.start({ sim: { bufferBytesMin: 4 * KIB, bufferBytesMax: 4 * KIB } })
  const client = await play.client()
  await play.say(client, PUT, 'a=0')
  const [session] = play.server.sessions
  session!.connection.pause()
  const count = 400
  const asked = Array.from({ length: count }, (_, i) => client.ask(PUT, `k${i}=${'x'.repeat(10 * KIB)}`))
  await play.rest(3000)
  const { stats, budget } = play.proxy.source
  assert.ok(stats.bytesRead < 2000 * KIB, `${stats.bytesRead} bytes were taken`)
  assert.ok(budget.used < 500 * KIB)
  session!.connection.resume()
  const replies = await play.until(Promise.all(asked))
  assert.ok(replies.every((reply) => nameOf(reply) === 'OK'))
  assert.equal(play.executed.length, count + 1)
  await play.end(client)
})
