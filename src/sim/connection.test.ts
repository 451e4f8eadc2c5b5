import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Connection } from '../world/world.ts'
import { swarm } from './options.ts'
import { code, LOOPBACK, pair, Recorder } from './recorder.ts'
import { SimWorld } from './world.ts'

test('bytes come whole and in order, however they are torn', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { sim, client, server } = await pair({ seed, tearChance: 1, clogChance: 0.1, clogMs: 20 })
    const sent: Buffer[] = []
    for (let i = 0; i < 50; i++) {
      const bytes = sim.random.bytes(sim.random.between(1, 300))
      sent.push(bytes)
      client.connection.write(bytes)
    }
    await sim.run(() => false)
    assert.ok(server.received.equals(Buffer.concat(sent)))
    assert.ok(new Set(server.chunks.map((chunk) => chunk.length)).size > 5, 'it was torn at many places')
  }
})

test('lent bytes are overwritten when the call that lent them returns', async () => {
  const { sim, client, server } = await pair()
  let kept: Buffer = Buffer.alloc(0)
  server.connection.handler = {
    onData: (bytes, start, end) => void (kept = bytes.subarray(start, end)),
    onDrain() {},
    onEnd() {},
    onClose() {},
  }
  client.connection.write(Buffer.from('hello'))
  await sim.run(() => false)
  assert.ok(kept.length > 0 && kept.every((byte) => byte === 0xee))
})

test('a full kernel keeps the buffer and says when it may be used again', async () => {
  const { sim, client, server } = await pair({ bufferBytesMin: 1000, bufferBytesMax: 1000 })
  server.connection.pause()
  const bytes = sim.random.bytes(5000)
  assert.equal(client.connection.write(bytes.subarray(0, 600)), true)
  assert.equal(client.connection.write(bytes.subarray(600)), false)
  assert.equal(client.connection.unsentBytes, 4000)
  await sim.run(() => false)
  assert.equal(client.connection.unsentBytes, 4000, 'the paused side filled its window')
  assert.equal(client.count('drain'), 0)
  server.connection.resume()
  await sim.run(() => false)
  assert.ok(server.received.equals(bytes))
  assert.equal(client.connection.unsentBytes, 0)
  assert.equal(client.count('drain'), 1)
})

test('a buffer changed before onDrain is found out', async () => {
  const { sim, client, server } = await pair({ bufferBytesMin: 1000, bufferBytesMax: 1000 })
  server.connection.pause()
  const bytes = Buffer.alloc(3000, 'a')
  assert.equal(client.connection.write(bytes), false)
  bytes[2999] = 0
  server.connection.resume()
  await assert.rejects(
    sim.run(() => false),
    /changed before onDrain/,
  )
})

test('a buffer that was taken may be changed at once', async () => {
  const { sim, client, server } = await pair()
  const bytes = Buffer.from('first')
  assert.equal(client.connection.write(bytes), true)
  bytes.fill('x')
  await sim.run(() => false)
  assert.equal(server.received.toString(), 'first')
})

test('nothing is delivered while paused, nor after a destroy in the same event', async () => {
  const { sim, client, server } = await pair({ tearChance: 1 })
  server.connection.pause()
  client.connection.write(Buffer.alloc(100, 'a'))
  client.connection.end()
  await sim.run(() => false)
  assert.deepEqual(server.calls, [])
  server.onData = () => {
    server.calls.push('data')
    server.connection.destroy()
  }
  server.connection.resume()
  await sim.run(() => false)
  assert.deepEqual(server.calls, ['data', 'close'])
})

test('a half-closed connection carries the other direction on, and both ends close in order', async () => {
  const { sim, client, server } = await pair()
  client.connection.write(Buffer.from('ask'))
  client.connection.end()
  await sim.run(() => false)
  assert.equal(server.calls.at(-1), 'end')
  assert.equal(client.count('close'), 0)
  server.connection.write(Buffer.from('answer'))
  server.connection.end()
  await sim.run(() => false)
  assert.equal(client.received.toString(), 'answer')
  assert.deepEqual(
    [client.calls.slice(-2), server.calls.slice(-2)],
    [
      ['end', 'close'],
      ['end', 'close'],
    ],
  )
  assert.deepEqual([client.error, server.error, sim.net.open], [null, null, 0])
})

test('FIN follows everything written, also what the kernel had not taken', async () => {
  const { sim, client, server } = await pair({ bufferBytesMin: 700, bufferBytesMax: 700 })
  const bytes = sim.random.bytes(10_000)
  client.connection.write(bytes)
  client.connection.end()
  client.connection.write(Buffer.from('after the end: ignored'))
  await sim.run(() => false)
  assert.ok(server.received.equals(bytes))
  assert.equal(server.count('end'), 1)
})

test('destroy drops what the kernel did not take, delivers what it did, and closes once, in a later turn', async () => {
  const { sim, client, server } = await pair({ bufferBytesMin: 700, bufferBytesMax: 700 })
  client.connection.write(sim.random.bytes(10_000))
  client.connection.destroy()
  client.connection.destroy()
  client.connection.end()
  assert.equal(client.connection.write(Buffer.from('ignored')), true)
  assert.deepEqual(client.calls, [])
  await sim.run(() => false)
  assert.deepEqual(client.calls, ['close'])
  assert.equal(client.error, null)
  assert.equal(server.received.length, 700)
  assert.equal(server.calls.at(-1), 'end')
})

test('writing to a peer that is gone ends in a reset', async () => {
  const { sim, client, server } = await pair()
  client.connection.destroy()
  await sim.run(() => false)
  assert.deepEqual(server.calls, ['end'])
  server.connection.write(Buffer.from('anybody there?'))
  await sim.run(() => false)
  assert.deepEqual(server.calls, ['end', 'close'])
  assert.equal(code(server.error), 'ECONNRESET')
  assert.equal(sim.net.open, 0)
})

test('closing a socket with unread bytes resets the peer', async () => {
  const { sim, client, server } = await pair()
  server.connection.pause()
  client.connection.write(Buffer.from('unread'))
  await sim.run(() => false)
  server.connection.destroy()
  await sim.run(() => false)
  assert.equal(code(client.error), 'ECONNRESET')
})

test('a lost connection is reset at both ends; a paused one notices when it reads or writes', async () => {
  for (const [wake, expected] of [
    [(connection: Connection) => connection.resume(), 'ECONNRESET'],
    [(connection: Connection) => void connection.write(Buffer.from('x')), 'EPIPE'],
  ] as const) {
    const { sim, listener, client, server } = await pair()
    server.connection.pause()
    sim.net.resetAll(listener.address.port)
    await sim.run(() => false)
    assert.equal(code(client.error), 'ECONNRESET')
    assert.deepEqual(server.calls, [])
    wake(server.connection)
    await sim.run(() => false)
    assert.deepEqual(server.calls, ['close'])
    assert.equal(code(server.error), expected)
  }
})

test('a clogged direction delivers late and loses nothing', async () => {
  const { sim, listener, client, server } = await pair()
  sim.net.clogAll(listener.address.port, 300)
  const since = sim.nowMs
  client.connection.write(Buffer.from('late'))
  await sim.run(() => server.chunks.length > 0)
  assert.ok(sim.nowMs - since >= 300)
  await sim.run(() => false)
  assert.equal(server.received.toString(), 'late')
})

test('resets drawn by chance come at both ends, once each', async () => {
  const { sim, client, server } = await pair({ resetChance: 1 })
  client.connection.write(Buffer.from('never'))
  await sim.run(() => false)
  assert.deepEqual([client.calls, server.calls], [['close'], ['close']])
})

test('whatever two ends do, each is closed at most once and last, and hears nothing afterwards', async () => {
  let closes = 0
  for (let seed = 1; seed <= 150; seed++) {
    const sim = new SimWorld(swarm(seed))
    const ends: Recorder[] = []
    const moves = (end: Recorder) => [
      () => void end.connection.write(sim.random.bytes(sim.random.between(1, 4000))),
      () => end.connection.pause(),
      () => end.connection.resume(),
      () => end.connection.end(),
      () => sim.random.chance(0.2) && end.connection.destroy(),
    ]
    const listener = await sim.world.net.listen(LOOPBACK, (connection) => ends.push(new Recorder(connection)))
    for (let i = 0; i < 4; i++)
      sim.world.net.connect(listener.address, 500, (_, connection) => connection && ends.push(new Recorder(connection)))
    for (let i = 0; i < 100; i++)
      sim.world.clock.after(i * 3, () => ends.length > 0 && sim.random.pick(moves(sim.random.pick(ends)))())
    await sim.run(10_000)
    for (const end of ends) end.connection.resume()
    for (const end of ends) end.connection.destroy()
    await sim.run(20_000)
    assert.equal(sim.net.open, 0, `seed ${seed}`)
    for (const { calls } of ends) {
      assert.equal(calls.indexOf('close'), calls.length - 1, `seed ${seed}: ${calls.join(' ')}`)
      assert.ok(calls.filter((call) => call === 'end').length <= 1)
      closes++
    }
  }
  assert.ok(closes > 500)
})

test('a reset ends a paused connection whose write is under way', async () => {
  const { sim, client, server } = await pair({ bufferBytesMin: 1000, bufferBytesMax: 1000 })
  server.connection.pause()
  client.connection.pause()
  assert.equal(server.connection.write(Buffer.alloc(5000)), false)
  await sim.run(() => false)
  client.connection.destroy()
  await sim.run(() => false)
  assert.equal(code(server.error), 'ECONNRESET')
  assert.equal(server.count('close'), 1)
})

test('a reset by one end is an error at the other, what was on its way included', async () => {
  const { sim, client, server } = await pair()
  client.connection.write(Buffer.from('never read'))
  client.connection.reset()
  await sim.run(() => false)
  assert.equal(code(server.error), 'ECONNRESET')
  assert.equal(client.error, null)
  assert.deepEqual([client.count('close'), server.count('close')], [1, 1])
})
