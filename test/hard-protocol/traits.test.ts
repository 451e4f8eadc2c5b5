import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HardClient } from './client.ts'
import {
  ABANDON,
  BEGIN,
  CANCEL,
  COMMIT,
  DATA,
  END,
  GET,
  HEAD,
  HELLO,
  NOTE,
  PUBLISH,
  PUT,
  ROWS,
  SLOWLY,
  STEP,
  STREAM,
  SUBSCRIBE,
  SWITCH,
  SYNC,
  TAIL,
  UNSUBSCRIBE,
  UPLOAD,
  USE,
  WAIT,
} from './format.ts'
import { HardPlay, nameOf } from './play.ts'

const ORDERS = ['request-order', 'any', 'streams'] as const

for (const order of ORDERS) {
  const start = (options: object = {}) => HardPlay.start({ order, ...options })

  test(`a reply whose length only the request tells is told from one that has a body (${order})`, async () => {
    const play = await start()
    const client = await play.client()
    await play.say(client, PUT, 'a=12345')
    const asked = [HEAD, GET, HEAD, HEAD, GET].map((kind) => client.ask(kind, 'a'))
    const replies = await play.until(Promise.all(asked))
    assert.deepEqual(replies.map(nameOf), ['VALUE', 'VALUE 12345', 'VALUE', 'VALUE', 'VALUE 12345'])
    assert.deepEqual(new Set(replies.map(({ length }) => length)), new Set([5]))
    await play.end(client)
  })

  test(`one request with many replies is one exchange, whatever stands around it (${order})`, async () => {
    const play = await start({ limits: { cutThroughBytes: 20 } })
    const client = await play.client()
    const asked = [client.ask(ROWS, '5'), client.ask(PUT, 'a=1'), client.ask(ROWS, '1'), client.ask(ROWS, '0')]
    const replies = await play.until(Promise.all(asked))
    assert.deepEqual(replies.map(nameOf), ['DONE 012345', 'OK', 'DONE 01', 'DONE 0'])
    assert.deepEqual(
      replies.map(({ frames }) => frames),
      [6, 1, 2, 1],
    )
    await play.end(client)
  })

  test(`interim replies leave before the reply, each behind what was asked before (${order})`, async () => {
    const play = await start()
    const [client, other] = [await play.client(), await play.client()]
    await play.say(client, PUT, 'a=1')
    const asked = [client.ask(SLOWLY, 'a'), client.ask(GET, 'a'), client.ask(SLOWLY, 'a'), other.ask(SLOWLY, 'a')]
    const replies = await play.until(Promise.all(asked))
    assert.deepEqual(new Set(replies.map(nameOf)), new Set(['VALUE 1']))
    assert.ok([0, 2, 3].every((index) => replies[index]!.interims > 0))
    assert.equal(replies[1]!.interims, 0)
    await play.end(client, other)
  })

  test(`a request without a reply is done when it was written (${order})`, async () => {
    const play = await start()
    const client = await play.client()
    client.say(NOTE, 'a=1')
    client.say(NOTE, 'b=2', 9)
    const put = client.ask(PUT, 'c=3')
    assert.equal(nameOf(await play.until(put)), 'OK')
    await play.rest()
    assert.deepEqual(play.executed.map((line) => line.slice(4)).toSorted(), ['NOTE a=1', 'NOTE b=2', 'PUT c=3'])
    client.say(NOTE, 'd=4')
    await play.end(client)
    assert.ok(play.executed.some((line) => line.endsWith('NOTE d=4')))
  })

  test(`a reply that is a push is told from pushes, which come at any time (${order})`, async () => {
    const play = await start()
    const [client, other] = [await play.client(), await play.client()]
    const news: string[] = []
    client.onPush = (text) => news.push(text)
    assert.equal(await play.say(client, SUBSCRIBE, 'sport'), 'NEWS sub sport')
    assert.equal(await play.say(other, PUBLISH, 'sport=1'), 'OK 1')
    const asked = [client.ask(PUBLISH, 'sport=2'), client.ask(SUBSCRIBE, 'art'), client.ask(PUT, 'a=1')]
    assert.deepEqual((await play.until(Promise.all(asked))).map(nameOf), ['OK 1', 'NEWS sub art', 'OK'])
    await play.say(other, PUBLISH, 'art=3')
    await play.rest()
    assert.deepEqual(news, ['sport: 1', 'sport: 2', 'art: 3'])
    await play.say(client, UNSUBSCRIBE, 'art')
    assert.equal(play.proxy.pool.count().pinned, 1)
    await play.say(client, UNSUBSCRIBE, 'sport')
    assert.equal(await play.say(other, PUBLISH, 'sport=4'), 'OK 0')
    assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
    await play.end(client, other)
  })

  test(`both directions switch in mid-stream, for one session and its upstreams alone (${order})`, async () => {
    const play = await start()
    const [client, other] = [await play.client(), await play.client()]
    await play.say(client, PUT, 'a=1')
    assert.equal(await play.say(client, SWITCH, ''), 'OK')
    assert.equal(client.isWrapped, true)
    const asked = [client.ask(GET, 'a'), client.ask(ROWS, '3'), client.ask(HEAD, 'a'), client.ask(SWITCH, '')]
    assert.deepEqual((await play.until(Promise.all(asked))).map(nameOf), ['VALUE 1', 'DONE 0123', 'VALUE', 'OK'])
    assert.equal(await play.say(other, GET, 'a'), 'VALUE 1')
    assert.equal(play.proxy.pool.count().shared, 2, 'one of each kind')
    assert.equal(await play.say(other, SWITCH, ''), 'OK')
    assert.equal(play.server.connections, 2, 'it found one that had been switched')
    const large = `b=${'x'.repeat(300_000)}`
    await play.say(client, PUT, large)
    assert.equal((await play.say(other, GET, 'b')).length, 'VALUE '.length + 300_000)
    await play.end(client, other)
  })

  test(`a session's attributes go with it to any upstream, and a refused change changes nothing (${order})`, async () => {
    const play = await start()
    const client = await play.client()
    await play.say(client, SWITCH, '')
    await play.say(client, USE, '2')
    await play.say(client, PUT, 'a=2')
    assert.equal(await play.say(client, USE, '9'), 'ERROR no such space')
    assert.equal(await play.say(client, GET, 'a'), 'VALUE 2')
    await play.say(client, BEGIN, '')
    await play.say(client, PUT, 'b=22')
    assert.equal(await play.say(client, COMMIT, ''), 'OK 1')
    assert.equal(await play.say(client, USE, '0'), 'OK')
    assert.equal(await play.say(client, GET, 'a'), 'ERROR not found')
    assert.deepEqual(
      play.executed.map((line) => line.slice(2)),
      ['2 PUT a=2', '2 PUT b=22 in'],
    )
    await play.end(client)
  })

  test(`what one connection waits for is cancelled on another (${order})`, async () => {
    const play = await start()
    const [client, other] = [await play.client(), await play.client()]
    const key = (await play.say(client, HELLO, '')).slice('KEY '.length)
    const waiting = client.ask(WAIT, '60000')
    await play.rest()
    other.say(CANCEL, 'nobody')
    other.say(CANCEL, key)
    assert.equal(nameOf(await play.until(waiting)), 'ERROR cancelled')
    assert.ok(play.sim.nowMs < 10_000)
    assert.equal(await play.say(other, PUT, 'a=1'), 'OK')
    assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
    await play.end(client, other)
  })

  // Where frames of several messages alternate, no message can end with the connection.
  if (order === 'streams') continue
  test(`a body that the end of the connection ends comes whole, and ends the client's connection too (${order})`, async () => {
    const play = await start()
    const [client, other] = [await play.client(), await play.client()]
    await play.say(client, PUT, `a=${'x'.repeat(200_000)}`)
    const tail = client.ask(TAIL, 'a')
    assert.equal((await play.until(tail)).text.length, 200_000)
    await play.until(client.over)
    assert.equal(await play.say(other, PUT, 'b=1'), 'OK', 'nobody else lost anything')
    await play.end(other)
    assert.equal(play.proxy.source.stats.closed.get('stream-ended'), 1)
  })
}

test('of a group the last has a reply, and one that fails; what is skipped has none', async () => {
  const play = await HardPlay.start()
  const client = await play.client()
  const say = (...texts: string[]) => {
    for (const text of texts) client.say(STEP, text)
  }
  say('1', '2')
  const first = client.ask(SYNC, '')
  say('3', 'bad')
  const error = client.expect(STEP)
  say('never')
  const second = client.ask(SYNC, '')
  const third = client.ask(SYNC, '')
  say('4')
  const last = client.ask(SYNC, '')
  const get = client.ask(GET, 'a')
  const replies = await play.until(Promise.all([first, error, second, third, last, get]))
  assert.deepEqual(replies.map(nameOf), [
    'DONE 2',
    'ERROR step 1 is bad',
    'DONE 0',
    'DONE 0',
    'DONE 1',
    'ERROR not found',
  ])
  assert.deepEqual(
    play.executed.map((line) => line.slice(4)),
    ['STEP 1 in', 'STEP 2 in', 'STEP 3 in', 'STEP 4 in'],
  )
  await play.end(client)
})

/** Sends a message of several frames, in which `pause` passes between frames. */
async function sendFrames(play: HardPlay, client: HardClient, texts: string[], pause: number): Promise<void> {
  for (const [index, text] of texts.entries()) {
    await play.rest(pause)
    client.say(DATA, text, 0, index === texts.length - 1 ? END : 0)
  }
}

test('a stream is open in both directions: each frame is answered before the next one is sent', async () => {
  const play = await HardPlay.start({ limits: { cutThroughBytes: 100 } })
  const [client, other] = [await play.client(), await play.client()]
  const frames: string[] = []
  const { reply } = client.begin(STREAM, 'first', 0, (text) => frames.push(text))
  const texts = ['one', 'x'.repeat(500), 'three', '']
  for (const [index, text] of texts.entries()) {
    client.say(DATA, text, 0, index === texts.length - 1 ? END : 0)
    await play.rest()
    assert.deepEqual(frames, ['first', ...texts.slice(0, index + 1)], 'it was answered while the request is open')
    assert.equal(await play.say(other, PUT, 'a=1'), 'OK')
  }
  assert.equal(nameOf(await play.until(reply)), `ECHO firstone${'x'.repeat(500)}three`)
  assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
  await play.end(client, other)
})

test('a reply may come before its request has ended; the rest is taken, and the next request answered', async () => {
  const play = await HardPlay.start()
  const client = await play.client()
  const upload = client.ask(UPLOAD, 'no thanks', 0)
  assert.equal(nameOf(await play.until(upload)), 'ERROR refused')
  await sendFrames(play, client, ['more', 'and more', ''], 5)
  const second = client.ask(UPLOAD, 'yes', 0)
  await sendFrames(play, client, ['1234', 'x'.repeat(200_000)], 5)
  const get = client.ask(GET, 'a')
  assert.equal(nameOf(await play.until(second)), `OK ${3 + 4 + 200_000}`)
  assert.equal(nameOf(await play.until(get)), 'ERROR not found')
  await play.end(client)
})

test('a stream is used again at once after its request was given up, though the late reply is still to come', async () => {
  const play = await HardPlay.start({ order: 'any' })
  const client = await play.client()
  const { stream, reply } = client.begin(WAIT, '300')
  await play.rest(20)
  client.say(ABANDON, '', stream)
  client.forget(stream)
  await assert.rejects(reply)
  const again = client.begin(PUT, 'a=1')
  assert.equal(again.stream, stream)
  assert.equal(nameOf(await play.until(again.reply)), 'OK')
  await play.rest(500)
  assert.equal(await play.say(client, GET, 'a'), 'VALUE 1')
  assert.equal(play.proxy.pool.stats.lateReplies, 1)
  await play.end(client)
})

test('more requests than an upstream has streams wait for those before them, none is lost', async () => {
  const play = await HardPlay.start({ order: 'any' })
  const clients = [await play.client(), await play.client(), await play.client()]
  const asked = clients.flatMap((client, index) =>
    Array.from({ length: 40 }, (_, i) => client.ask(PUT, `${index}.${i}=v`)),
  )
  const replies = await play.until(Promise.all(asked))
  assert.ok(replies.every((reply) => nameOf(reply) === 'OK'))
  assert.equal(play.executed.length, 120)
  assert.equal(play.server.connections, 1)
  await play.end(...clients)
})

test('streams of several clients are open at once on one upstream, in both directions', async () => {
  const play = await HardPlay.start({ order: 'streams' })
  const clients = [await play.client(), await play.client()]
  const echoes = clients.flatMap((client, index) =>
    [0, 1].map((i) => {
      const frames: string[] = []
      const name = `${index}${i}`
      return { client, frames, name, ...client.begin(STREAM, name, 0, (text) => frames.push(text)) }
    }),
  )
  for (let round = 0; round < 5; round++) {
    for (const { client, stream, name } of echoes) client.say(DATA, `${name}.${round}`, stream, round === 4 ? END : 0)
    await play.rest()
    for (const { frames, name } of echoes) assert.equal(frames.at(-1), `${name}.${round}`)
    assert.equal(await play.say(clients[0]!, PUT, `a=${round}`), 'OK')
  }
  const replies = await play.until(Promise.all(echoes.map(({ reply }) => reply)))
  echoes.forEach(({ name }, index) =>
    assert.equal(replies[index]!.text, `${name}${[0, 1, 2, 3, 4].map((round) => `${name}.${round}`).join('')}`),
  )
  assert.equal(play.server.connections, 1)
  await play.end(...clients)
})

test('a stream that its client gives up, or leaves, costs nobody else anything, and the server is told', async () => {
  const play = await HardPlay.start({ order: 'streams' })
  const [client, leaver, other] = [await play.client(), await play.client(), await play.client()]
  const kept = other.begin(STREAM, 'kept', 0)
  const given = client.begin(UPLOAD, 'yes', 0)
  const left = leaver.begin(UPLOAD, 'yes', 0)
  // This one has been answered already.
  const refused = leaver.begin(UPLOAD, 'no', 0)
  assert.equal(nameOf(await play.until(refused.reply)), 'ERROR refused')
  client.say(ABANDON, '', given.stream)
  client.forget(given.stream)
  leaver.connection.destroy()
  await play.until(Promise.allSettled([given.reply, left.reply]))
  await play.rest()
  assert.equal(await play.say(client, PUT, 'a=1'), 'OK')
  other.say(DATA, ' on', kept.stream)
  assert.equal(nameOf(await play.until(kept.reply)), 'ECHO kept on')
  assert.equal(play.server.connections, 1)
  assert.equal(play.proxy.pool.inFlight, 0, 'the server answered what was given up')
  await play.end(client, other)
})
