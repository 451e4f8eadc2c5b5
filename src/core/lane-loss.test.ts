import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HardClient, type Reply } from '../../test/hard-protocol/client.ts'
import { BEGIN, DATA, GET, PUT, SLOWLY, STREAM, SUBSCRIBE, USE } from '../../test/hard-protocol/format.ts'
import { HardPlay, nameOf } from '../../test/hard-protocol/play.ts'

const KIB = 1024
const LOST = /^ERROR unavailable: .*The other side of this connection closed the connection/

/** A client whose first request has been answered, so that its upstream stands. */
async function settled(options: Parameters<typeof HardPlay.start>[0] = {}) {
  const play = await HardPlay.start(options)
  const client = await play.client()
  await play.say(client, PUT, 'a=1')
  return { play, client }
}

const names = (play: HardPlay) => play.executed.map((line) => line.split(' ').slice(2).join(' '))

/** The server's processes take nothing: what is sent lies in their kernels. */
function hang(play: HardPlay): void {
  for (const session of play.server.sessions) session.connection.pause()
}

async function outcomes(play: HardPlay, asked: Promise<Reply>[]): Promise<string[]> {
  return (await play.until(Promise.all(asked))).map(nameOf)
}

test('an upstream that dies while nothing is out is noticed by nobody', async () => {
  const { play, client } = await settled()
  const other = await play.client()
  await play.say(other, GET, 'a')
  play.crash()
  await play.restart()
  await play.rest()
  assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
  assert.equal(await play.say(other, GET, 'a'), 'VALUE 1')
  await play.end(client, other)
})

test('written reads go again once, written writes are answered with an error, and the session goes on', async () => {
  const { play, client } = await settled()
  const [reader, writer] = [await play.client(), await play.client()]
  hang(play)
  const reads = [reader.ask(GET, 'a'), reader.ask(SLOWLY, 'a')]
  const write = writer.ask(PUT, 'b=2')
  await play.rest(10)
  play.crash()
  await play.restart()
  assert.deepEqual(await outcomes(play, reads), ['VALUE 1', 'VALUE 1'])
  assert.match(nameOf(await play.until(write)), LOST)
  assert.deepEqual(names(play), ['PUT a=1'])
  assert.equal(await play.say(writer, PUT, 'b=3'), 'OK')
  assert.equal(play.proxy.pool.stats.retries, 2)
  await play.end(client, reader, writer)
})

test('of one session only what stands behind the last that can not go again does', async () => {
  const { play, client } = await settled()
  hang(play)
  const asked = [client.ask(GET, 'a'), client.ask(PUT, 'b=2'), client.ask(GET, 'a'), client.ask(GET, 'b')]
  await play.rest(10)
  play.crash()
  await play.restart()
  const [first, second, ...rest] = await outcomes(play, asked)
  assert.match(first!, LOST)
  assert.match(second!, LOST)
  assert.deepEqual(rest, ['VALUE 1', 'ERROR not found'])
  await play.end(client)
})

test('where replies come in any order each request is judged by itself', async () => {
  const { play, client } = await settled({ order: 'any' })
  hang(play)
  const asked = [client.ask(GET, 'a'), client.ask(PUT, 'b=2'), client.ask(GET, 'a')]
  await play.rest(10)
  play.crash()
  await play.restart()
  const [first, second, third] = await outcomes(play, asked)
  assert.deepEqual([first, third], ['VALUE 1', 'VALUE 1'])
  assert.match(second!, LOST)
  await play.end(client)
})

test('what was not sent goes again, writes as well, in its order', async () => {
  const { play, client } = await settled()
  const other = await play.client()
  play.crash()
  await play.rest(20)
  // The server is away: these wait for the next connection, behind a back-off.
  const asked = [client.ask(PUT, 'b=1'), client.ask(PUT, 'b=2'), other.ask(PUT, 'c=1'), client.ask(PUT, 'b=3')]
  await play.rest(0)
  await play.restart()
  const replies = await outcomes(play, asked)
  assert.deepEqual(replies, ['OK', 'OK', 'OK', 'OK'])
  assert.deepEqual(
    names(play).filter((name) => name.includes('b=')),
    ['PUT b=1', 'PUT b=2', 'PUT b=3'],
  )
  await play.end(client, other)
})

test('a read that was lost twice is answered with an error', async () => {
  const { play, client } = await settled()
  play.server.ignored.add(GET)
  const lost = client.ask(GET, 'a')
  for (let times = 0; times < 2; times++) {
    await play.rest(50)
    assert.equal(play.server.sessions.size, 1)
    play.crash()
    await play.restart()
  }
  assert.match(nameOf(await play.until(lost)), LOST)
  play.server.ignored.clear()
  assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
  await play.end(client)
})

const stateful: [what: string, prepare: (play: HardPlay, client: HardClient) => Promise<unknown>][] = [
  ['a transaction', (play, client) => play.say(client, BEGIN, '')],
  ['a subscription', (play, client) => play.say(client, SUBSCRIBE, 'sport')],
]

for (const [what, prepare] of stateful) {
  test(`a session that loses ${what} with its upstream is closed, and nothing of it lands elsewhere`, async () => {
    const { play, client } = await settled()
    await prepare(play, client)
    play.crash()
    await play.restart()
    const late = [client.ask(PUT, 'b=2'), client.ask(PUT, 'c=3')]
    await play.until(client.over)
    // An error comes where they were sent before the loss was known.
    for (const one of await Promise.allSettled(late))
      if (one.status === 'fulfilled') assert.match(nameOf(one.value), LOST)
    assert.deepEqual(names(play), ['PUT a=1'])
    await play.end(client)
  })
}

test('nothing of a transaction whose beginning was lost lands outside it', async () => {
  const { play, client } = await settled()
  const begun = client.ask(BEGIN, '')
  await play.sim.run(() => play.server.sessions.size === 2)
  hang(play)
  await play.rest(10)
  const writes = [client.ask(PUT, 'b=2'), client.ask(PUT, 'c=3')]
  play.crash()
  await play.restart()
  await play.until(client.over)
  await Promise.allSettled([begun, ...writes])
  assert.deepEqual(names(play), ['PUT a=1'])
  await play.end(client)
})

test('a reply that was received in part can not be mended: its session is closed, the others go on', async () => {
  const { play, client } = await settled({ limits: { cutThroughBytes: KIB } })
  const other = await play.client()
  await play.say(other, GET, 'a')
  const stream = client.ask(STREAM, 'first', 0)
  client.say(DATA, 'more', 0, 0)
  await play.rest()
  play.crash()
  await play.restart()
  await assert.rejects(play.until(stream), /mid-reply|closed/)
  assert.equal(client.closed, true)
  assert.equal(await play.say(other, GET, 'a'), 'VALUE 1')
  await play.end(client, other)
})

test('a session whose attributes may or may not have changed is closed', async () => {
  const { play, client } = await settled()
  const used = client.ask(USE, '1')
  await play.sim.run(() => play.server.sessions.size === 2)
  hang(play)
  await play.rest(10)
  play.crash()
  await play.restart()
  assert.match(nameOf(await play.until(used)), LOST)
  await play.until(client.over)
  await play.end(client)
})

test('a session that never reached a server ends with an error; one that did gets it as a reply and goes on', async () => {
  const { play, client } = await settled()
  play.crash()
  const fresh = await play.client()
  const never = fresh.ask(GET, 'a')
  assert.match(nameOf(await play.until(never)), /^ERROR .*Failed to connect to destination.*Connection refused/)
  await play.until(fresh.over)
  assert.match(await play.say(client, GET, 'a'), /^ERROR unavailable: .*Failed to connect/)
  assert.equal(client.closed, false)
  await play.restart()
  await play.rest(600)
  assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
  await play.end(client, fresh)
})

test('attempts to connect come no faster than a back-off that ends at 500 ms, and service resumes within it', async () => {
  const { play, client } = await settled()
  play.crash()
  const { net } = play.sim.world
  const attempts: number[] = []
  const connect = net.connect.bind(net)
  net.connect = (address, timeoutMs, done) => {
    if (address.port !== play.proxy.address.port) attempts.push(play.sim.nowMs)
    connect(address, timeoutMs, done)
  }
  const deadlineMs = play.sim.nowMs + 5000
  while (play.sim.nowMs < deadlineMs) assert.match(await play.say(client, GET, 'a'), /^ERROR unavailable/)
  const waits = attempts.slice(1).map((at, index) => at - attempts[index]!)
  assert.ok(Math.max(...waits) <= 510, `${Math.max(...waits)} ms between attempts`)
  assert.ok(waits.slice(-5).every((wait) => wait >= 490))
  assert.ok(waits[0]! < 30)
  await play.restart()
  const sinceMs = play.sim.nowMs
  assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
  assert.ok(play.sim.nowMs - sinceMs < 600)
  await play.end(client)
})

test('a greeting that is refused is a failure to connect', async () => {
  const { play, client } = await settled()
  await play.say(client, USE, '2')
  play.crash()
  // The server comes back with fewer spaces.
  play.server.spaces.length = 1
  await play.restart()
  assert.match(await play.say(client, GET, 'a'), /^ERROR unavailable: .*refused what a session had been granted before/)
  assert.equal(play.proxy.pool.stats.connectFailures, 1)
  await play.end(client)
})

test('a large write that was given to a connection which dies in the same moment is never sent as nothing', async () => {
  const { play, client } = await settled({ sim: { latencyMs: 0.05, turnEvents: 64, turnMs: 5 } })
  for (let i = 0; i < 30; i++) {
    const write = client.ask(PUT, `b=${'x'.repeat(2000)}`)
    play.sim.schedule.add(play.sim.nowMs + play.sim.random.next() * 2, () => {
      for (const session of play.server.sessions) session.connection.destroy()
    })
    const reply = nameOf(await play.until(write))
    assert.ok(reply === 'OK' || LOST.test(reply), reply)
  }
  await play.end(client)
})

test('what waits behind a change of attributes that is lost gets no reply: the session ends because of the upstream', async () => {
  const { play, client } = await settled()
  await play.say(client, BEGIN, '')
  hang(play)
  const [change, later] = [client.ask(USE, '1'), client.ask(PUT, 'b=2')]
  await play.rest()
  play.crash()
  assert.match(nameOf(await play.until(change)), LOST)
  await assert.rejects(play.until(later))
  await play.end(client)
  assert.deepEqual(Object.fromEntries(play.proxy.source.stats.closed), { 'upstream-lost': 1 })
})
