import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SimOptions } from './options.ts'
import { code, LOOPBACK, pair, Recorder, type Pair } from './recorder.ts'
import { SimWorld } from './world.ts'

test('a kill closes the process: its peers see it, its own handlers are never called again', async () => {
  const { sim, listener, client, server } = await pair()
  client.connection.write(Buffer.from('x'))
  sim.net.kill(listener.address)
  await sim.run(() => false)
  assert.deepEqual(server.calls, [])
  assert.notDeepEqual(client.calls, [])
  sim.world.net.connect(listener.address, 100, (error) => client.calls.push(code(error)!))
  await sim.run(() => false)
  assert.equal(client.calls.at(-1), 'ECONNREFUSED')
})

test('a connect is refused where nobody listens, where it is told to be, and by chance', async () => {
  const cases: [string, (pair: Pair) => Promise<void> | void, Partial<SimOptions>][] = [
    ['nobody listens', ({ listener }) => listener.close(), {}],
    ['told to', ({ sim, listener }) => sim.net.refuse(listener.address.port), {}],
  ]
  for (const [name, prepare, options] of cases) {
    const made = await pair(options)
    await prepare(made)
    let seen: Error | null = null
    made.sim.world.net.connect(made.listener.address, 1000, (error, connection) => {
      assert.equal(connection, null)
      seen = error
    })
    assert.equal(seen, null, 'in a later turn')
    await made.sim.run(() => false)
    const { port } = made.listener.address
    assert.deepEqual(
      { ...(seen as unknown as object) },
      {
        errno: -111,
        code: 'ECONNREFUSED',
        syscall: 'connect',
        address: '127.0.0.1',
        port,
      },
      name,
    )
    assert.equal((seen as unknown as Error).message, `connect ECONNREFUSED 127.0.0.1:${port}`)
  }
  const sim = new SimWorld({ refuseChance: 1 })
  const listener = await sim.world.net.listen(LOOPBACK, () => assert.fail('refused'))
  let refused = 0
  sim.world.net.connect(listener.address, 1000, (error) => void (refused += Number(code(error) === 'ECONNREFUSED')))
  await sim.run(() => false)
  assert.equal(refused, 1)
})

test('a connect that gets no answer times out, and works again when the network does', async () => {
  const { sim, listener } = await pair()
  sim.net.swallow(listener.address.port)
  const since = sim.nowMs
  let message = ''
  sim.world.net.connect(listener.address, 250, (error) => (message = error!.message))
  await sim.run(() => message !== '')
  assert.match(message, /did not respond to connection attempt within 250ms/)
  assert.ok(sim.nowMs - since >= 250)
  sim.net.allow(listener.address.port)
  let connected = false
  sim.world.net.connect(listener.address, 250, (_, connection) => {
    connected = connection !== null
    if (connection !== null) new Recorder(connection)
  })
  await sim.run(() => connected)
})

test('a connect slower than its time-out is called off at both ends', async () => {
  const sim = new SimWorld({ seed: 5, latencyMs: 10_000 })
  let server: Recorder | null = null
  const listener = await sim.world.net.listen(LOOPBACK, (connection) => (server = new Recorder(connection)))
  const seen: (Error | null)[] = []
  for (let i = 0; i < 20; i++)
    sim.world.net.connect(listener.address, 900, (error, connection) => {
      seen.push(error)
      if (connection !== null) new Recorder(connection).connection.destroy()
    })
  await sim.run(() => false)
  assert.equal(seen.length, 20)
  assert.ok(seen.some((error) => error !== null) && seen.some((error) => error === null))
  assert.deepEqual((server as unknown as Recorder).calls, ['end'])
})

test('a second listener on a port is refused with the error of the system', async () => {
  const sim = new SimWorld()
  const first = await sim.world.net.listen(LOOPBACK, () => {})
  const second = await sim.world.net.listen(LOOPBACK, () => {})
  assert.notEqual(first.address.port, second.address.port)
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0'])
    await assert.rejects(
      sim.world.net.listen({ host, port: first.address.port }, () => {}),
      {
        code: 'EADDRINUSE',
        port: first.address.port,
        syscall: 'listen',
      },
    )
  await first.close()
  await sim.world.net.listen(first.address, () => {})
})

test('a connection without a handler at the end of its turn is a mistake that is told', async () => {
  const sim = new SimWorld()
  const listener = await sim.world.net.listen(LOOPBACK, () => {})
  sim.world.net.connect(listener.address, 1000, (_, connection) => connection?.destroy())
  await assert.rejects(
    sim.run(() => false),
    /nobody set a handler/,
  )
})

test('nothing is read before the turn that brought a connection is over', async () => {
  const sim = new SimWorld({ turnEvents: 64, turnMs: 50, latencyMs: 0.001 })
  let server: Recorder | null = null
  const listener = await sim.world.net.listen(LOOPBACK, (connection) => {
    // The handler comes at the end of the turn.
    connection.write(Buffer.from('greeting'))
    sim.world.turn.work({ run: () => void (server = new Recorder(connection)) })
  })
  let client: Recorder | null = null
  sim.world.net.connect(listener.address, 1000, (_, connection) => {
    sim.world.turn.work({ run: () => void (client = new Recorder(connection!)) })
    connection!.write(Buffer.from('at once'))
  })
  await sim.run(() => false)
  assert.equal((server as unknown as Recorder).received.toString(), 'at once')
  assert.equal((client as unknown as Recorder).received.toString(), 'greeting')
})
