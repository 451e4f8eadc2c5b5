import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GET, PUBLISH, PUT, STREAM, DATA, END, SUBSCRIBE } from '../../test/hard-protocol/format.ts'
import { HardPlay, nameOf } from '../../test/hard-protocol/play.ts'

const KIB = 1024
const MIB = 1024 * KIB
const TIGHT = { bufferBytesMin: 16 * KIB, bufferBytesMax: 16 * KIB, tearChance: 0 }
const LIMITS = { sessionUnsentBytes: 32 * KIB, sessionBytesMax: 256 * KIB, stallMs: 200 }

/** Two clients on one upstream, of which the first does not read the large value that it asked for. */
async function slow(bytes: number, limits = LIMITS) {
  const play = await HardPlay.start({ sim: TIGHT, limits })
  const [reader, other] = [await play.client(), await play.client()]
  await play.say(other, PUT, `large=${'x'.repeat(bytes)}`)
  await play.say(other, PUT, 'small=1')
  await play.say(reader, GET, 'small')
  reader.connection.pause()
  const large = reader.ask(GET, 'large')
  return { play, reader, other, large }
}

for (const bytes of [600 * KIB, 3 * MIB]) {
  test(`others are served while a client does not read its ${bytes / KIB} KiB, which it gets whole when it does`, async () => {
    const { play, reader, other, large } = await slow(bytes)
    await play.rest(5)
    const sinceMs = play.sim.nowMs
    for (let i = 0; i < 20; i++) assert.equal(await play.say(other, GET, 'small'), 'VALUE 1')
    assert.equal(await play.say(other, PUT, 'b=1'), 'OK')
    assert.ok(play.sim.nowMs - sinceMs < 1000, `${play.sim.nowMs - sinceMs} ms for 21 requests`)
    assert.equal(play.proxy.pool.stats.isolations, 1)
    await play.rest(2000)
    assert.ok(play.proxy.source.budget.used <= LIMITS.sessionBytesMax + 200 * KIB, `${play.proxy.source.budget.used}`)
    assert.equal(reader.closed, false, 'nobody waits for it: it may take its time')
    reader.connection.resume()
    assert.equal((await play.until(large)).text.length, bytes)
    assert.equal(await play.say(reader, GET, 'small'), 'VALUE 1')
    await play.end(reader, other)
  })
}

test('reads that wait behind a slow reply move elsewhere; a write waits for the stall time at most, then the reader is closed', async () => {
  const { play, reader, other, large: first } = await slow(10)
  const third = await play.client()
  await play.say(other, PUT, `large=${'x'.repeat(3 * MIB)}`)
  reader.connection.resume()
  await play.until(first)
  reader.connection.pause()
  // All three are on the upstream before the first reply begins.
  const [session] = play.server.sessions
  session!.connection.pause()
  const large = reader.ask(GET, 'large')
  await play.rest(5)
  const read = third.ask(GET, 'small')
  const write = other.ask(PUT, 'b=1')
  await play.rest(5)
  session!.connection.resume()
  const sinceMs = play.sim.nowMs
  assert.equal(nameOf(await play.until(read)), 'VALUE 1')
  assert.ok(play.sim.nowMs - sinceMs < 150)
  assert.equal(nameOf(await play.until(write)), 'OK')
  assert.ok(play.sim.nowMs - sinceMs < LIMITS.stallMs + 300, `${play.sim.nowMs - sinceMs} ms`)
  reader.connection.resume()
  await assert.rejects(play.until(large))
  assert.equal(play.proxy.source.stats.closed.get('slow-reader'), 1)
  await play.end(reader, other, third)
})

test('a client that was slow once gets its further replies on an upstream of its own', async () => {
  const { play, reader, other, large } = await slow(3 * MIB)
  await play.rest(100)
  reader.connection.resume()
  await play.until(large)
  reader.connection.pause()
  const again = reader.ask(GET, 'large')
  await play.rest(50)
  assert.equal(play.proxy.pool.stats.isolations, 1, 'nobody else was on it')
  assert.equal(play.proxy.pool.stats.pins.get('bulk-replies'), 1)
  assert.equal(await play.say(other, PUT, 'b=1'), 'OK')
  reader.connection.resume()
  assert.equal((await play.until(again)).text.length, 3 * MIB)
  await play.end(reader, other)
})

test('a subscriber that does not read is closed when it owes more than its bound, and memory stays within it', async () => {
  const { play, reader, other, large } = await slow(10)
  reader.connection.resume()
  await play.until(large)
  const subscriber = await play.client()
  let news = 0
  subscriber.onPush = () => news++
  await play.say(subscriber, SUBSCRIBE, 'sport')
  subscriber.connection.pause()
  let most = 0
  for (let i = 0; i < 200; i++) {
    await play.say(other, PUBLISH, `sport=${'n'.repeat(8 * KIB)}`)
    most = Math.max(most, play.proxy.source.budget.used)
  }
  assert.ok(most <= LIMITS.sessionBytesMax + 64 * KIB, `${most} bytes were held`)
  subscriber.connection.resume()
  await play.until(subscriber.over)
  assert.ok(news > 0 && news < 200)
  assert.equal(play.proxy.source.stats.closed.get('slow-reader'), 1)
  await play.end(reader, other, subscriber)
})

test('an echo of 64 MiB flows through both ways within a few hundred KiB', async () => {
  const play = await HardPlay.start({ sim: { tearChance: 0 } })
  const client = await play.client()
  let echoed = 0
  const { reply } = client.begin(STREAM, '', 0, (text) => (echoed += text.length))
  const chunk = 'x'.repeat(MIB)
  let most = 0
  for (let sent = 1; sent <= 64; sent++) {
    client.say(DATA, chunk, 0, sent === 64 ? END : 0)
    await play.sim.run(() => {
      most = Math.max(most, play.proxy.source.budget.used)
      return client.connection.unsentBytes === 0
    })
  }
  await play.until(reply)
  assert.equal(echoed, 64 * MIB)
  assert.ok(most < MIB, `${most} bytes were held`)
  await play.end(client)
})
