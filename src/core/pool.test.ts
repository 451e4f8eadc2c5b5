import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quietLog } from '../../test/core/chain-play.ts'
import { encodeRequest } from '../protocols/valkey/encode.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { LOOPBACK, Recorder } from '../sim/recorder.ts'
import { SimWorld } from '../sim/world.ts'
import type { Batch, Carrier } from './exchange.ts'
import { Exchange } from './exchange.ts'
import { noOwner } from './handshake.ts'
import { ConnectError } from './loss.ts'
import { Pool } from './pool.ts'
import { CLOSED, READY, type Upstream } from './upstream.ts'

/** A session that only hears what becomes of what it sent. */
class Asker implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  readonly lost: (Error | null)[] = []
  onArrived(): void {
    this.arrived = []
  }
  onReplyPart(): void {}
  onSilent(): void {}
  onPush(): void {}
  onLost(_upstream: unknown, _exchanges: Batch, error: Error | null): void {
    this.lost.push(error)
  }
}

async function play(connectTimeoutMs: number) {
  const sim = new SimWorld({ tearChance: 0 })
  const servers: Recorder[] = []
  const listener = await sim.world.net.listen(LOOPBACK, (connection) => void servers.push(new Recorder(connection)))
  const pool = new Pool({
    endpoint: listener.address,
    connectTimeoutMs,
    protocol: valkey,
    wireOptions: { cutThroughBytes: Infinity },
    world: sim.world,
    log: quietLog([]),
  })
  const asker = new Asker()
  /** Asks on the shared connection of these attributes, which begins with a greeting. */
  const ask = (key = 'somebody') => {
    const upstream = pool.share(key, () => [encodeRequest(['AUTH', 'somebody'])])
    const exchange = new Exchange(encodeRequest(['PING']), noOwner, 0, 0)
    exchange.carrier = asker
    upstream.send(exchange)
    return upstream
  }
  return { sim, pool, asker, servers, ask }
}

for (const [connectTimeoutMs, waitsMs] of [
  [100, 10_000],
  [60_000, 60_000],
] as const) {
  test(`a server that is silent from the first is given up after ${waitsMs} ms`, async () => {
    const { sim, asker, ask, pool } = await play(connectTimeoutMs)
    ask()
    await sim.run(waitsMs - 100)
    assert.equal(asker.lost.length, 0)
    await sim.run(waitsMs + 100)
    const [error] = asker.lost
    assert.ok(error instanceof ConnectError)
    assert.match(error.message, new RegExp(`did not answer within ${waitsMs}ms$`))
    assert.equal(pool.inFlight, 0)
  })
}

test('a connection that ends before it was ready could not be had: nothing is sent again by itself', async () => {
  const { sim, asker, servers, ask } = await play(100)
  ask()
  await sim.run(() => servers.length === 1)
  servers[0]!.connection.end()
  await sim.run(() => asker.lost.length === 1)
  assert.ok(asker.lost[0] instanceof ConnectError)
  await sim.run(60_000)
  assert.equal(servers.length, 1)
})

test('a greeting that is answered leaves nothing to wait for', async () => {
  const { sim, asker, servers, ask } = await play(100)
  const upstream = ask()
  await sim.run(() => servers.length === 1)
  servers[0]!.connection.write(Buffer.from('+OK\r\n'))
  await sim.run(60_000)
  assert.equal(upstream.state, READY)
  assert.deepEqual(asker.lost, [])
})

test('who comes when a connection has stood for five minutes gets another one; those who have it keep it', async () => {
  const { sim, pool, asker, servers, ask } = await play(100)
  const upstream = ask()
  await sim.run(() => servers.length === 1)
  servers[0]!.connection.write(Buffer.from('+OK\r\n'))
  await sim.run(sim.nowMs + 10)
  servers[0]!.connection.write(Buffer.from('+PONG\r\n'))
  const spare: Upstream = pool.dedicate('', asker, () => [])
  await sim.run(() => servers.length === 2 && spare.state === READY)
  pool.release(spare)
  // Neither is idle for long.
  for (let round = 0; round < 15; round++) {
    assert.equal(ask(), upstream)
    assert.equal(
      pool.dedicate('', asker, () => []),
      spare,
    )
    spare.tell(encodeRequest(['PING']))
    await sim.run(sim.nowMs + 10)
    for (const { connection } of servers) connection.write(Buffer.from('+PONG\r\n'))
    await sim.run(sim.nowMs + 10)
    pool.release(spare)
    await sim.run(sim.nowMs + 19_980)
  }
  assert.notEqual(ask(), upstream)
  assert.notEqual(
    pool.dedicate('', asker, () => []),
    spare,
  )
  assert.equal(upstream.shared, true)
  assert.equal(upstream.state, READY)
  assert.deepEqual(asker.lost, [])
})

test('a shared connection that state is left on, unforeseen, takes nobody new and ends once it owes nothing', async () => {
  const { sim, pool, asker, servers, ask } = await play(100)
  const upstream = ask()
  for (const word of ['MULTI', 'PING']) {
    const exchange = new Exchange(encodeRequest([word]), noOwner, 0, 0)
    exchange.carrier = asker
    upstream.send(exchange)
  }
  await sim.run(() => servers.length === 1)
  servers[0]!.connection.write(Buffer.from('+OK\r\n'))
  await sim.run(() => upstream.state === READY)
  servers[0]!.connection.write(Buffer.from('+PONG\r\n'))
  await sim.run(() => upstream.inFlight === 2)
  assert.equal(pool.find('somebody'), upstream)
  servers[0]!.connection.write(Buffer.from('+OK\r\n'))
  await sim.run(() => upstream.inFlight === 1)
  assert.equal(pool.find('somebody'), null)
  assert.deepEqual(pool.count(), { shared: 0, pinned: 0, spare: 0, retired: 1 })
  assert.notEqual(ask(), upstream)
  servers[0]!.connection.write(Buffer.from('+QUEUED\r\n'))
  await sim.run(() => upstream.state === CLOSED)
  assert.deepEqual(asker.lost, [])
})
