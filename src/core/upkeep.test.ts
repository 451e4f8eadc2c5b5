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
import { Pool } from './pool.ts'
import type { Upstream } from './upstream.ts'

/** A session that counts what it gets. */
class Asker implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  replies = 0
  losses = 0
  onArrived(): void {
    this.replies += this.arrived.length
    this.arrived = []
  }
  onReplyPart(): void {}
  onSilent(): void {}
  onPush(): void {}
  onLost(): void {
    this.losses++
  }
}

/** A server on one end of each connection that answers, or does not. */
class Play {
  readonly sim = new SimWorld({ tearChance: 0 })
  readonly servers: Recorder[] = []
  pool!: Pool
  answers = true

  static async start(): Promise<Play> {
    const play = new Play()
    const { world } = play.sim
    const listener = await world.net.listen(LOOPBACK, (connection) => {
      const server = new Recorder(connection)
      play.servers.push(server)
      const keep = server.onData.bind(server)
      server.onData = (bytes, start, end) => {
        keep(bytes, start, end)
        if (play.answers) connection.write(Buffer.from('+OK\r\n'))
      }
      server.onEnd = () => connection.end()
    })
    play.pool = new Pool({
      endpoint: listener.address,
      connectTimeoutMs: 100,
      protocol: valkey,
      wireOptions: { cutThroughBytes: Infinity },
      world,
      log: quietLog([]),
    })
    return play
  }

  /** Asks on the shared connection of these attributes; each question leaves by itself. */
  async ask(asker: Asker, key = ''): Promise<Exchange> {
    const exchange = new Exchange(encodeRequest(['PING']), noOwner, 0, 0)
    exchange.carrier = asker
    this.pool.share(key, () => []).send(exchange)
    await this.rest(10)
    return exchange
  }

  rest(ms: number): Promise<unknown> {
    return this.sim.run(this.sim.nowMs + ms)
  }

  get open(): number {
    const { shared, pinned, spare, retired } = this.pool.count()
    return shared + pinned + spare + retired
  }
}

test('a shared connection that nobody uses any more is closed, whatever its attributes; one in use stays', async () => {
  const play = await Play.start()
  const asker = new Asker()
  for (let i = 0; i < 50; i++) await play.ask(asker, `somebody ${i}`)
  for (let seconds = 0; seconds < 40; seconds++) {
    await play.ask(asker)
    await play.rest(1000)
  }
  assert.deepEqual(play.pool.count(), { shared: 1, pinned: 0, spare: 0, retired: 0 })
  assert.deepEqual([asker.replies, asker.losses], [90, 0])
  assert.equal(play.servers.length, 51)
  await play.rest(40_000)
  assert.equal(play.open, 0)
  // Nothing is left that could happen.
  assert.equal(await play.sim.run(() => false), 'idle')
  await play.ask(asker)
  assert.equal(asker.replies, 91)
})

test('a spare connection is closed once nobody has wanted it for 30 s, however often it changed hands before', async () => {
  const play = await Play.start()
  const asker = new Asker()
  let dedicated: Upstream
  for (let round = 0; round < 20; round++) {
    dedicated = play.pool.dedicate('', asker, () => [])
    await play.rest(10)
    const exchange = new Exchange(encodeRequest(['PING']), noOwner, 0, 0)
    exchange.carrier = asker
    dedicated.send(exchange)
    await play.rest(10)
    play.pool.release(dedicated)
    await play.rest(2500)
  }
  assert.deepEqual([play.servers.length, asker.replies], [1, 20])
  await play.rest(25_000)
  assert.equal(play.open, 1)
  await play.rest(7000)
  assert.equal(play.open, 0)
})

test('nobody new waits behind requests to which the server is silent; those who wait get their replies', async () => {
  const play = await Play.start()
  const [early, late] = [new Asker(), new Asker()]
  await play.ask(early)
  play.answers = false
  await play.ask(early)
  play.answers = true
  await play.ask(early)
  await play.rest(4000)
  // The reply that came answered the first of the two: whoever waits for the other one still does.
  assert.equal(early.replies, 2)
  await play.ask(late)
  assert.equal(late.replies, 1)
  assert.equal(play.servers.length, 2)
  play.servers[0]!.connection.write(Buffer.from('+OK\r\n'))
  await play.rest(10)
  assert.deepEqual([early.replies, early.losses, late.replies], [3, 0, 1])
  assert.equal(play.open, 1)
})

test('a server that stays silent is tried anew less and less often', async () => {
  const play = await Play.start()
  play.answers = false
  const asker = new Asker()
  for (let seconds = 0; seconds < 120; seconds++) {
    await play.ask(asker)
    await play.rest(990)
  }
  assert.ok(play.servers.length >= 4 && play.servers.length <= 7, `${play.servers.length} connections`)
  assert.deepEqual([asker.replies, asker.losses], [0, 0])
})

test('a connection that new requests keep away from is closed when nobody waits there any more, though the server is silent', async () => {
  const play = await Play.start()
  play.answers = false
  const asker = new Asker()
  const exchange = await play.ask(asker)
  await play.rest(4000)
  assert.deepEqual(play.pool.count(), { shared: 0, pinned: 0, spare: 0, retired: 1 })
  exchange.upstream!.abandon(exchange)
  await play.rest(1100)
  assert.equal(play.open, 0)
  assert.equal(asker.losses, 0)
})
