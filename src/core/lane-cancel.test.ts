import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ABANDON, BEGIN, CANCEL, COMMIT, GET, HELLO, PUT, USE, WAIT } from '../../test/hard-protocol/format.ts'
import { HardPlay, nameOf } from '../../test/hard-protocol/play.ts'

test('what waits behind a request goes on when that is given up', async () => {
  const play = await HardPlay.start({ order: 'any' })
  const client = await play.client()
  play.server.ignored.add(GET)
  const given = client.begin(GET, 'a')
  // Its upstream of its own is had once the session owes nothing.
  const begun = client.ask(BEGIN, '')
  await play.rest()
  client.say(ABANDON, '', given.stream)
  client.forget(given.stream)
  assert.equal(nameOf(await play.until(begun)), 'OK')
  assert.equal(await play.say(client, COMMIT, ''), 'OK 0')
  client.connection.destroy()
  await play.rest(10_000)
  assert.equal(play.proxy.source.sessions.size, 0)
})

for (const kept of [false, true]) {
  test(`a change of attributes that is given up holds for what follows, if the server made it (${kept ? 'on an upstream of its own' : 'shared'})`, async () => {
    const play = await HardPlay.start({ order: 'any' })
    const [client, other] = [await play.client(), await play.client()]
    await play.say(client, PUT, 'a=0')
    await play.say(other, USE, '1')
    await play.say(other, PUT, 'a=1')
    if (kept) await play.say(client, BEGIN, '')
    for (const { connection } of play.server.sessions) connection.pause()
    const change = client.begin(USE, '1')
    await play.rest()
    client.say(ABANDON, '', change.stream)
    client.forget(change.stream)
    // On the stream that is free again.
    const read = client.begin(GET, 'a')
    assert.equal(read.stream, change.stream)
    await play.rest()
    for (const { connection } of play.server.sessions) connection.resume()
    assert.equal(nameOf(await play.until(read.reply)), 'VALUE 1')
    if (kept) await play.say(client, COMMIT, '')
    await play.end(client, other)
  })
}

test('word that cancels what a session waited for reaches nobody who has its connection next', async () => {
  const play = await HardPlay.start()
  const [waiter, canceller, next] = [await play.client(), await play.client(), await play.client()]
  await play.say(next, PUT, 'a=1')
  await play.say(canceller, BEGIN, '')
  const [, own] = play.server.sessions
  const key = (await play.until(waiter.ask(HELLO, ''))).text
  const waited = waiter.ask(WAIT, '40')
  await play.rest(10)
  // It is on its way, and late.
  own!.connection.pause()
  canceller.say(CANCEL, key)
  assert.equal(nameOf(await play.until(waited)), 'OK')
  const waits = next.ask(WAIT, '40')
  await play.rest(10)
  own!.connection.resume()
  assert.equal(nameOf(await play.until(waits)), 'OK')
  await play.end(waiter, canceller, next)
})
