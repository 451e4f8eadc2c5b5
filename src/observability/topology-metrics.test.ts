import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { buildTopology } from '../config/build.ts'
import type { CheckedTopology } from '../config/checked.ts'
import { LIMITS, transform, type Env, type SessionFactory, type TransformKind } from '../core/kind.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { LOOPBACK, Recorder } from '../sim/recorder.ts'
import { SimWorld } from '../sim/world.ts'
import { Registry } from './metrics.ts'
import { mergeSnapshots } from './snapshot.ts'
import { collectTopology } from './topology-metrics.ts'

const WAITS: Record<string, number> = { Down: 10, Up: 5, Sink: 30 }

/** Resolves after so many simulated milliseconds. */
function after(env: Env, ms: number): Promise<void> {
  return new Promise((resolve) => void env.world.clock.after(ms, resolve))
}

/** Waits on the way down or up, or answers after a while: FAIL not at all, and QUIT by an error of the chain. */
const FACTORIES: Record<string, (env: Env) => SessionFactory> = {
  Plain: () => () => ({ onRequests: (batch, link) => link.forward(batch) }),
  Twice: () => () => ({
    onRequests(batch, link) {
      link.forward(batch)
      link.forward(batch)
    },
  }),
  Down: (env) => () => ({
    async onRequests(batch, link) {
      await after(env, WAITS.Down!)
      link.forward(batch)
    },
  }),
  Up: (env) => () => ({
    async onResponses(batch, link) {
      await after(env, WAITS.Up!)
      link.reply(batch)
    },
  }),
  Sink: (env) => () => ({
    async onRequests(batch, link) {
      await after(env, WAITS.Sink!)
      const text = batch[0]!.request.toBuffer().toString()
      if (text.includes('FAIL')) throw new Error('it fails')
      if (text.includes('QUIT')) return link.fail(new Error('it gives up'))
      for (const exchange of batch) exchange.response = valkey.textReply!(exchange.request, 'x')
      link.reply(batch)
    },
  }),
}

function kind(type: string): TransformKind {
  return transform({
    type,
    doc: '',
    terminating: type === 'Sink',
    options: z.strictObject({}),
    create: (_, env) => FACTORIES[type]!(env),
  }) as TransformKind
}

/** A client of a chain of these types, and the metrics of both. */
async function play(...types: string[]) {
  const sim = new SimWorld({ tearChance: 0, latencyMs: 0, timerLateMs: 0, turnMs: 0 })
  const registry = new Registry()
  const silent = { debug() {}, info() {}, warn() {}, error() {} }
  const kinds = {
    sources: { Valkey: async () => ({ type: 'Valkey', doc: '', protocol: valkey }) },
    transforms: Object.fromEntries(types.map((type) => [type, async () => kind(type)])),
  }
  const topology: CheckedTopology = {
    sources: [
      {
        type: 'Valkey',
        name: 'main',
        listen: LOOPBACK,
        listenText: '',
        connectionLimit: 512,
        hardConnectionLimit: false,
        idleTimeoutSeconds: null,
        limits: LIMITS,
        chain: types.map((type) => ({ type, name: type, options: {} })),
      },
    ],
  }
  const built = await buildTopology(topology, { world: sim.world, metrics: registry, logger: () => silent, kinds })
  collectTopology(registry, built.sources)
  const { net } = sim.world
  const listener = await net.listen(LOOPBACK, (connection) => void built.sources[0]!.source.accept(connection))
  let client: Recorder | null = null
  net.connect(listener.address, 1000, (_, connection) => (client = new Recorder(connection!)))
  await sim.run(() => client !== null)
  return {
    /** Sends so much at once, and waits for everything that follows from it. */
    async send(text: string): Promise<void> {
      client!.connection.write(Buffer.from(text))
      await sim.run(sim.nowMs + 1000)
    },
    get received(): string {
      return client!.received.toString()
    },
    /** By the values of its labels, joined: the value of each series, of summaries their number and their sum. */
    read(name: string): Record<string, number | string> {
      const samples = mergeSnapshots([registry.snapshot()]).get(name) ?? []
      return Object.fromEntries(
        samples.map(({ labels, value, distribution }) => [
          Object.values(labels).join(),
          distribution === null ? value : `${distribution.count}: ${Math.round(value * 1e6) / 1e6}`,
        ]),
      )
    },
  }
}

test('latencies are those of the chain, of each transform, and of what went on beyond the sink', async () => {
  const p = await play('Plain', 'Up', 'Down', 'Sink')
  await p.send('GET a\r\n')
  assert.equal(p.received, '$1\r\nx\r\n')
  assert.deepEqual(p.read('shotover_chain_latency_seconds'), { 'main,127.0.0.1': '1: 0.045' })
  assert.deepEqual(p.read('shotover_transform_latency_seconds'), {
    Plain: '1: 0.045',
    Up: '1: 0.045',
    Down: '1: 0.04',
    Sink: '1: 0.03',
  })
  assert.deepEqual(p.read('shotover_sink_to_source_latency_seconds'), { main: '1: 0.005' })
})

test('batches are counted on their way down, with what they hold', async () => {
  const p = await play('Plain', 'Up', 'Sink')
  await p.send('GET a\r\nGET b\r\nGET c\r\n')
  await p.send('GET a\r\n')
  assert.deepEqual(p.read('shotover_chain_total_count'), { main: 2 })
  assert.deepEqual(p.read('shotover_chain_requests_batch_size'), { main: '2: 4' })
  assert.deepEqual(p.read('shotover_chain_responses_batch_size'), { main: '2: 4' })
  assert.deepEqual(p.read('shotover_transform_total_count'), { Plain: 2, Up: 2, Sink: 2 })
  assert.deepEqual(p.read('shotover_transform_failures_count'), { Plain: 0, Up: 0, Sink: 0 })
  assert.deepEqual(p.read('shotover_requests_count'), { main: 4 })
})

for (const [name, command] of [
  ['a hook that throws', 'FAIL'],
  ['a transform that gives its session up', 'QUIT'],
]) {
  test(`${name} is one failure, of its transform and of its chain`, async () => {
    const p = await play('Plain', 'Sink')
    await p.send(`${command}\r\n`)
    assert.match(p.received, /^-ERR Internal shotover/)
    assert.deepEqual(p.read('shotover_transform_failures_count'), { Plain: 0, Sink: 1 })
    assert.deepEqual(p.read('shotover_chain_failures_count'), { main: 1 })
  })
}

test('what a transform hands over and does not hold is swallowed and counted', async () => {
  const p = await play('Twice', 'Sink')
  await p.send('GET a\r\nGET b\r\n')
  assert.equal(p.received, '$1\r\nx\r\n$1\r\nx\r\n')
  assert.deepEqual(p.read('shotover_swallowed_count'), { main: 2 })
})
