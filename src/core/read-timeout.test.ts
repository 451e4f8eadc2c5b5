import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quietLog } from '../../test/core/chain-play.ts'
import { GET, PUT, WAIT } from '../../test/hard-protocol/format.ts'
import { HardPlay } from '../../test/hard-protocol/play.ts'
import { frameAt, requestFrame, responseFrame } from '../protocols/cassandra/envelope.ts'
import { cassandra } from '../protocols/cassandra/index.ts'
import { OPTIONS, RESULT } from '../protocols/cassandra/opcodes.ts'
import { LOOPBACK, Recorder } from '../sim/recorder.ts'
import { SimWorld } from '../sim/world.ts'
import { DONE, Exchange } from './exchange.ts'
import { noOwner, Question } from './handshake.ts'
import { Pool } from './pool.ts'

const LATE = /^ERROR unavailable: .*did not respond within 2s/

for (const order of ['request-order', 'any'] as const) {
  test(`${order}: a server that owes a reply and says nothing for so long is given up, and its requests get errors`, async () => {
    const play = await HardPlay.start({ order, readTimeoutMs: 2000 })
    const client = await play.client()
    await play.say(client, PUT, 'a=1')
    await play.rest(10_000)
    assert.equal(play.proxy.pool.stats.deaths, 0, 'nothing is owed')
    const since = play.sim.nowMs
    assert.match(await play.say(client, WAIT, '60000'), LATE)
    const waited = play.sim.nowMs - since
    assert.ok(waited >= 2000 && waited < 4000, `${waited} ms`)
    assert.equal(await play.say(client, GET, 'a'), 'VALUE 1', 'the session goes on')
    await play.end(client)
  })
}

/** A pool of a protocol with streams, in front of a server that answers all but the first request. */
async function anyOrderPool(readTimeoutMs?: number) {
  const sim = new SimWorld({ tearChance: 0 })
  let seen = 0
  const listener = await sim.world.net.listen(LOOPBACK, (connection) => {
    const server = new Recorder(connection)
    server.onData = (bytes, start) => {
      const { stream } = frameAt(bytes, start, bytes.length, true)
      if (seen++ > 0) connection.write(responseFrame(4, stream, RESULT, Buffer.from([0, 0, 0, 1])).toBuffer())
    }
  })
  const pool = new Pool({
    endpoint: listener.address,
    connectTimeoutMs: 100,
    ...(readTimeoutMs === undefined ? {} : { readTimeoutMs }),
    protocol: cassandra,
    wireOptions: { cutThroughBytes: Infinity },
    world: sim.world,
    log: quietLog([]),
  })
  const asker = new Question(null)
  const rest = (ms: number) => sim.run(sim.nowMs + ms)
  const ask = async () => {
    const exchange = new Exchange(requestFrame(4, 0, OPTIONS, Buffer.alloc(0)), noOwner, 0, 0)
    exchange.carrier = asker
    pool.share('', () => []).send(exchange)
    await rest(500)
    return exchange
  }
  return { pool, rest, ask }
}

test('a server that answers others in the meantime is neither given up nor left alone for the one that takes long', async () => {
  const { pool, rest, ask } = await anyOrderPool(2000)
  const first = await ask()
  for (let i = 0; i < 40; i++) assert.equal((await ask()).state, DONE)
  assert.equal(first.upstream!.shared, true)
  assert.equal(pool.inFlight, 1)
  assert.equal(pool.stats.deaths, 0)
  // Once nobody else is answered, it is silent.
  await rest(4000)
  assert.equal(pool.stats.deaths, 1)
})

test('where replies come in any order, a request that takes long keeps nobody away for ten seconds', async () => {
  const { pool, rest, ask } = await anyOrderPool()
  const { upstream } = await ask()
  await rest(9000)
  assert.equal(upstream!.shared, true)
  await rest(4000)
  assert.equal(upstream!.shared, false)
  assert.equal((await ask()).state, DONE)
  assert.deepEqual([pool.count().shared, pool.count().retired], [1, 1])
})
