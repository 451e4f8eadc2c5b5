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

test('a server that answers others in the meantime is neither given up nor left alone for the one that takes long', async () => {
  const sim = new SimWorld({ tearChance: 0 })
  let slow: Buffer | null = null
  const listener = await sim.world.net.listen(LOOPBACK, (connection) => {
    const server = new Recorder(connection)
    server.onData = (bytes, start) => {
      const { stream } = frameAt(bytes, start, bytes.length, true)
      const reply = responseFrame(4, stream, RESULT, Buffer.from([0, 0, 0, 1])).toBuffer()
      if (slow === null) slow = reply
      else connection.write(reply)
    }
  })
  const { address: endpoint } = listener
  const wireOptions = { cutThroughBytes: Infinity }
  const log = quietLog([])
  const pool = new Pool({ endpoint, connectTimeoutMs: 100, readTimeoutMs: 2000, protocol: cassandra, wireOptions, world: sim.world, log, isError: () => false }) // prettier-ignore
  const asker = new Question(null)
  const ask = async () => {
    const exchange = new Exchange(requestFrame(4, 0, OPTIONS, Buffer.alloc(0)), noOwner, 0, 0)
    exchange.carrier = asker
    pool.share('', () => []).send(exchange)
    await sim.run(sim.nowMs + 500)
    return exchange
  }
  const first = await ask()
  for (let i = 0; i < 20; i++) assert.equal((await ask()).state, DONE)
  assert.equal(first.upstream!.shared, true)
  assert.equal(pool.inFlight, 1)
  assert.equal(pool.stats.deaths, 0)
  // Once nobody else is answered, it is silent.
  await sim.run(sim.nowMs + 4000)
  assert.equal(pool.stats.deaths, 1)
})
