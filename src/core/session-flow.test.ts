import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frameOf } from '../../test/core/chain-play.ts'
import { received, sessionPlay, write } from '../../test/core/session-play.ts'
import { PART_FULL, PART_SLOW, PART_TAKEN } from './exchange.ts'
import { FRAME_HEAD, FRAME_LAST } from './frame.ts'
import { PARTS_HIGH_BYTES } from './parts.ts'
import type { Transform } from './transform.ts'

const KIB = 1024
/** Kernels that hold little, so that whoever does not read is noticed soon. */
const TIGHT = { bufferBytesMin: 8 * KIB, bufferBytesMax: 8 * KIB }

test('parts of a request flow while they arrive; the session is not read while their pipe is full', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { cutThroughBytes: KIB }, sim: TIGHT })
  const size = 3 * 1024 * KIB
  write(client, `${'x'.repeat(size)}\nnext\n`)
  await play.rest(500)
  const parts = sink.came[0]!.requestParts!
  assert.equal(sink.came.length, 1)
  assert.ok(parts.bytes <= PARTS_HIGH_BYTES + 64 * KIB, `${parts.bytes} bytes wait`)
  assert.ok(play.source.stats.bytesRead < PARTS_HIGH_BYTES + 300 * KIB)
  let got = sink.came[0]!.request.size
  let last = 0
  let most = 0
  for (let turn = 0; turn < 2000 && last === 0; turn++) {
    for (let part = parts.shift(); part !== null; part = parts.shift()) {
      got += part.size
      last = part.flags & FRAME_LAST
    }
    await play.rest(20)
    most = Math.max(most, parts.bytes + play.source.budget.used)
  }
  assert.equal(got, size + 1)
  assert.ok(most <= PARTS_HIGH_BYTES + 400 * KIB, `${most} bytes were held`)
  assert.equal(sink.texts[1], 'next\n')
  assert.equal(play.source.stats.cutThroughs, 1)
})

test('a request whose stages want it whole comes whole, one that is too large ends its session', async () => {
  const seen: number[] = []
  const whole: Transform = {
    wants: () => 'whole',
    onRequests(batch, link) {
      for (const { request } of batch) seen.push(request.size)
      link.forward(batch)
    },
  }
  const limits = { cutThroughBytes: 100, frameBytesMax: 100 * KIB }
  const { play, client, sink } = await sessionPlay({ limits, above: () => [whole] })
  write(client, `a\n${'x'.repeat(90 * KIB)}\nb\n`)
  await play.rest()
  assert.deepEqual(seen, [2, 90 * KIB + 1, 2])
  assert.equal(sink.came[1]!.requestParts, null)
  sink.answer(sink.came, '')
  write(client, `${'x'.repeat(110 * KIB)}\n`)
  await play.rest()
  assert.equal(client.count('end'), 1)
  client.connection.end()
  await play.rest()
  assert.deepEqual(play.closed, { 'protocol-error': 1 })
  assert.equal(received(client).length, 2 + 90 * KIB + 1 + 2)
})

test('a request that a stage answers before it has come is read to its end and goes nowhere', async () => {
  const early: Transform = {
    onRequests(batch, link) {
      for (const exchange of batch) {
        exchange.response = frameOf('early\n')
        link.reply([exchange])
      }
    },
  }
  const { play, client, sink } = await sessionPlay({ limits: { cutThroughBytes: 100 }, above: () => [early] })
  write(client, `${'x'.repeat(600 * KIB)}\n`)
  await play.rest(200)
  write(client, 'next\n')
  await play.rest()
  assert.equal(received(client), 'early\nearly\n')
  assert.equal(sink.came.length, 0)
})

test('the rest of a reply whose head a stage replaced goes nowhere', async () => {
  const replacing: Transform = {
    onResponses(batch, link) {
      for (const exchange of batch) exchange.response = frameOf('replaced\n')
      link.reply(batch)
    },
  }
  const { play, client, sink } = await sessionPlay({ above: () => [replacing] })
  write(client, 'a\nb\n')
  await play.rest()
  sink.answer([sink.came[0]!], '<', FRAME_HEAD)
  for (let i = 0; i < 8; i++) assert.equal(sink.part(sink.came[0]!, 'x'.repeat(60 * KIB)), PART_TAKEN)
  sink.part(sink.came[0]!, '>', true)
  sink.answer([sink.came[1]!], '')
  await play.rest()
  assert.equal(received(client), 'replaced\nreplaced\n')
})

test('parts that wait for the order of replies stop at a bound, go on in order, and stall nobody', async () => {
  const { play, client, sink } = await sessionPlay()
  write(client, 'a\nb\n')
  await play.rest()
  const [one, two] = sink.came
  let drained = 0
  two!.onReplyDrain = () => drained++
  sink.answer([two!], '<', FRAME_HEAD)
  let verdict = PART_TAKEN
  let count = 0
  for (; verdict === PART_TAKEN; count++) verdict = sink.part(two!, 'x'.repeat(16 * KIB))
  assert.equal(verdict, PART_FULL)
  assert.ok(count * 16 * KIB <= PARTS_HIGH_BYTES + 16 * KIB)
  write(client, 'c\n')
  await play.rest()
  assert.equal(sink.came.length, 3, 'the client is not to blame: its requests are taken')
  assert.equal(drained, 0)
  sink.answer([one!])
  assert.equal(drained, 1)
  sink.part(two!, '>', true)
  sink.answer([sink.came[2]!])
  await play.rest()
  assert.equal(received(client), `re:a\n<b\n${'x'.repeat(count * 16 * KIB)}>re:c\n`)
})

test('a client that does not read is served no more, though its requests are taken up to a bound', async () => {
  const limits = { sessionUnsentBytes: 20 * KIB, sessionBytesMax: 500 * KIB, quantumFrames: 8 }
  const { play, client, sink } = await sessionPlay({ limits, sim: TIGHT })
  sink.echo = 'y'.repeat(5 * KIB)
  client.connection.pause()
  const count = 4000
  const text = `${'a'.repeat(199)}\n`.repeat(count)
  write(client, text)
  await play.rest(3000)
  const came = sink.came.length
  assert.ok(came < 20, `${came} requests went on`)
  assert.ok(play.source.budget.used <= 600 * KIB, `${play.source.budget.used} bytes are held`)
  assert.ok(play.source.stats.bytesRead >= 400 * KIB, 'it may be writing all before it reads')
  assert.ok(play.source.stats.bytesRead <= 600 * KIB)
  await play.rest(3000)
  assert.equal(sink.came.length, came)
  sink.echo = 'y'
  client.connection.resume()
  await play.rest(20_000)
  assert.equal(sink.came.length, count)
  assert.equal(play.source.budget.used, 0)
})

test('a reply in parts for a client that reads slowly is called slow, then full, and goes on when it has read', async () => {
  const limits = { sessionUnsentBytes: 20 * KIB, sessionBytesMax: 100 * KIB }
  const { play, client, sink } = await sessionPlay({ limits, sim: TIGHT })
  write(client, 'a\n')
  await play.rest()
  client.connection.pause()
  const [one] = sink.came
  let drained = 0
  one!.onReplyDrain = () => drained++
  sink.answer([one!], '<', FRAME_HEAD)
  const verdicts: number[] = []
  for (let i = 0; i < 40 && verdicts.at(-1) !== PART_FULL; i++) {
    verdicts.push(sink.part(one!, 'x'.repeat(8 * KIB)))
    await play.rest(1)
  }
  assert.deepEqual(
    verdicts,
    verdicts.toSorted((a, b) => a - b),
  )
  assert.ok(verdicts.includes(PART_TAKEN) && verdicts.includes(PART_SLOW) && verdicts.includes(PART_FULL))
  assert.ok(verdicts.length * 8 * KIB <= 140 * KIB)
  assert.equal(drained, 0)
  client.connection.resume()
  await play.rest(500)
  assert.ok(drained > 0)
  sink.part(one!, '>', true)
  await play.rest()
  assert.equal(received(client), `<a\n${'x'.repeat(verdicts.length * 8 * KIB)}>`)
  assert.equal(play.source.budget.used, 0)
  write(client, 'b\n')
  await play.rest()
  assert.equal(sink.came.length, 2)
})

test('a bound below what a turn gathers stalls nobody for good', async () => {
  const { play, client, sink } = await sessionPlay({ limits: { sessionUnsentBytes: 100 } })
  sink.echo = 'y'.repeat(KIB)
  for (let round = 0; round < 5; round++) {
    write(client, 'a\n'.repeat(20))
    await play.rest()
  }
  assert.equal(sink.came.length, 100)
  assert.equal(received(client).length, 100 * (KIB + 2))
})

test('the last replies reach a client that ends its side while they are on their way', async () => {
  const { play, client, sink, session } = await sessionPlay({ sim: TIGHT })
  write(client, 'a\n')
  await play.rest()
  client.connection.pause()
  sink.answer(sink.came, 'y'.repeat(300 * KIB))
  session.drain('shutdown')
  await play.rest()
  client.connection.end()
  await play.rest()
  client.connection.resume()
  await play.rest(500)
  assert.equal(received(client).length, 300 * KIB + 2)
  assert.equal(play.source.sessions.size, 0)
})

test('an ended session waits for a slow client as long as it reads at all, and no longer', async () => {
  const { play, client, sink, session } = await sessionPlay({ sim: TIGHT })
  write(client, 'a\n')
  await play.rest()
  client.connection.pause()
  sink.answer(sink.came, 'y'.repeat(400 * KIB))
  session.drain('shutdown')
  for (let round = 0; round < 10; round++) {
    await play.rest(3000)
    client.connection.resume()
    await play.rest(1)
    client.connection.pause()
  }
  assert.equal(play.source.sessions.size, 1, 'it reads, slowly')
  await play.rest(15_000)
  assert.equal(play.source.sessions.size, 0, 'it stopped')
})
