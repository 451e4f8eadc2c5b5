import assert from 'node:assert/strict'
import { test } from 'node:test'
import { swarm } from './options.ts'
import { SimWorld } from './world.ts'

test('time passes only as far as it is run, and timers fire in their order, never early', async () => {
  const sim = new SimWorld({ timerLateMs: 3 })
  const fired: [string, number][] = []
  sim.world.clock.after(50, () => fired.push(['b', sim.world.clock.now()]))
  sim.world.clock.after(10, () => fired.push(['a', sim.world.clock.now()]))
  sim.world.clock.after(20, () => assert.fail('it was cancelled')).cancel()
  assert.equal(await sim.run(30), 'reached')
  assert.deepEqual(
    fired.map(([name]) => name),
    ['a'],
  )
  assert.equal(await sim.run(100), 'reached')
  assert.equal(sim.world.clock.now(), 100)
  assert.deepEqual(
    fired.map(([name]) => name),
    ['a', 'b'],
  )
  assert.ok(fired[0]![1] >= 10 && fired[1]![1] >= 50)
})

test('a turn runs events, then work, then flushes; work scheduled by work runs a turn later', async () => {
  const sim = new SimWorld()
  const { turn, clock } = sim.world
  const order: string[] = []
  const note = (name: string, then: () => void = () => {}) => ({
    run: () => {
      order.push(`${name}@${sim.turn}`)
      then()
    },
  })
  clock.after(1, () => {
    const first = sim.turn
    order.push('event')
    turn.flush(note('flush', () => turn.flush(note('flush of flush'))))
    turn.work(
      note('work', () => {
        turn.work(note('work of work'))
        turn.flush(note('flush of work'))
      }),
    )
    order.push(`turn ${first}`)
  })
  assert.equal(await sim.run(() => false), 'idle')
  const at = order[1]!.slice(5)
  assert.deepEqual(order, [
    'event',
    `turn ${at}`,
    `work@${at}`,
    `flush@${at}`,
    `flush of work@${at}`,
    `flush of flush@${at}`,
    `work of work@${Number(at) + 1}`,
  ])
})

test('promise chains of any length are drained before the next event', async () => {
  const sim = new SimWorld({ timerLateMs: 0, turnMs: 10, turnEvents: 64 })
  const order: string[] = []
  sim.world.clock.after(1, () => {
    void (async () => {
      for (let i = 0; i < 500; i++) await null
      order.push('chain')
    })()
  })
  sim.world.clock.after(1, () => order.push('next'))
  await sim.run(20)
  assert.deepEqual(order, ['chain', 'next'])
})

test('a run that finds no end says so', async () => {
  const sim = new SimWorld()
  const again = () => void sim.world.clock.after(1, again)
  again()
  await assert.rejects(
    sim.run(() => false, 500),
    /no end after 500 events/,
  )
})

test('what an event throws ends the run', async () => {
  const sim = new SimWorld()
  sim.world.clock.after(1, () => {
    throw new Error('boom')
  })
  await assert.rejects(sim.run(10), /boom/)
})

test('a predicate ends the run after the turn in which it came true', async () => {
  const sim = new SimWorld()
  let fired = 0
  for (let i = 1; i <= 10; i++) sim.world.clock.after(i * 100, () => fired++)
  assert.equal(await sim.run(() => fired === 3), 'reached')
  assert.equal(fired, 3)
})

/** Clients write at random what an echo returns, in a world full of faults. */
async function busy(seed: number): Promise<string> {
  const sim = new SimWorld(swarm(seed))
  const { net, random } = sim.world
  const listener = await net.listen({ host: '127.0.0.1', port: 0 }, (connection) => {
    connection.handler = {
      onData: (bytes, start, end) => void connection.write(Buffer.from(bytes.subarray(start, end))),
      onDrain() {},
      onEnd: () => connection.end(),
      onClose() {},
    }
  })
  for (let i = 0; i < 5; i++)
    net.connect(listener.address, 1000, (_, connection) => {
      if (connection === null) return
      connection.handler = { onData() {}, onDrain() {}, onEnd() {}, onClose() {} }
      for (let writes = 0; writes < 20; writes++) connection.write(random.bytes(1 + Math.floor(random.next() * 5000)))
      connection.end()
    })
  await sim.run(60_000)
  assert.ok(sim.trace.count >= 5)
  return sim.trace.hash
}

test('the same seed gives the identical run, other seeds others', async () => {
  const hashes = new Set<string>()
  for (let seed = 1; seed <= 20; seed++) {
    const hash = await busy(seed)
    assert.equal(await busy(seed), hash, `seed ${seed}`)
    hashes.add(hash)
  }
  assert.equal(hashes.size, 20)
})
