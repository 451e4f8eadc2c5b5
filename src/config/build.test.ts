import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { LIMITS, transform, type Env } from '../core/kind.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { SimWorld } from '../sim/world.ts'
import type { Connection } from '../world/world.ts'
import { buildTopology, type LogSpan } from './build.ts'
import type { CheckedSource, CheckedTopology } from './checked.ts'
import type { KindList } from './kinds.ts'

const metrics = {
  counter: () => ({ add() {} }),
  gauge: () => ({ set() {}, add() {} }),
  summary: () => ({ observe() {} }),
}

/** A list of one kind, Sink, whose `create` is given; and the targets of the loggers that were asked for. */
function bench(create: (options: { size: number }, env: Env) => void) {
  const targets: string[] = []
  const spans: unknown[] = []
  const kinds: KindList = {
    sources: { Valkey: async () => ({ type: 'Valkey', doc: '', protocol: valkey }) },
    transforms: {
      Sink: async () =>
        transform({
          type: 'Sink',
          doc: '',
          terminating: true,
          options: z.strictObject({ size: z.int() }),
          create(options, env) {
            create(options, env)
            return () => ({ onRequests() {} })
          },
        }),
    },
  }
  const logger = (target: string, span?: LogSpan) => {
    targets.push(target)
    if (span !== undefined) spans.push(span)
    return { debug() {}, info() {}, warn() {}, error() {} }
  }
  return { targets, spans, kinds, env: { world: new SimWorld().world, metrics, logger, kinds } }
}

function source(name: string, sizes: readonly number[]): CheckedSource {
  return {
    type: 'Valkey',
    name,
    listen: { host: '127.0.0.1', port: 0 },
    listenText: '127.0.0.1:0',
    connectionLimit: 512,
    hardConnectionLimit: false,
    idleTimeoutSeconds: null,
    limits: { ...LIMITS, stallMs: 77 },
    chain: sizes.map((size) => ({ type: 'Sink', name: `sink-${size}`, options: { size } })),
  }
}

test('each transform is created once, with its options and what belongs to its place', async () => {
  const created: { options: unknown; env: Env }[] = []
  const { env, targets } = bench((options, kindEnv) => created.push({ options, env: kindEnv }))
  const topology: CheckedTopology = { sources: [source('a', [1, 2]), source('b', [3])] }
  const built = await buildTopology(topology, env)
  assert.deepEqual(
    created.map(({ options, env: { name, chain, limits } }) => [options, name, chain, limits.stallMs]),
    [
      [{ size: 1 }, 'sink-1', 'a', 77],
      [{ size: 2 }, 'sink-2', 'a', 77],
      [{ size: 3 }, 'sink-3', 'b', 77],
    ],
  )
  assert.deepEqual(targets, [
    'shotover::transforms::Sink',
    'shotover::transforms::Sink',
    'shotover::server',
    'shotover::transforms::Sink',
    'shotover::server',
  ])
  assert.deepEqual(
    built.sources.map(({ source: { name, chain } }) => [
      name,
      chain.name,
      chain.stages.map((stage) => [stage.type, stage.name]),
    ]),
    [
      [
        'a',
        'a',
        [
          ['Sink', 'sink-1'],
          ['Sink', 'sink-2'],
        ],
      ],
      ['b', 'b', [['Sink', 'sink-3']]],
    ],
  )
  assert.equal(built.sources[0].checked, topology.sources[0])
})

test('what a topology holds is closed once, the last made first', async () => {
  const closed: number[] = []
  const { env } = bench(({ size }, { onClose }) => onClose(() => closed.push(size)))
  const built = await buildTopology({ sources: [source('a', [1, 2, 3])] }, env)
  assert.deepEqual(closed, [])
  built.close()
  built.close()
  assert.deepEqual(closed, [3, 2, 1])
})

test('a transform that can not be created leaves nothing behind', async () => {
  const closed: number[] = []
  const { env } = bench(({ size }, { onClose }) => {
    if (size === 2) throw new Error('no')
    onClose(() => closed.push(size))
  })
  await assert.rejects(buildTopology({ sources: [source('a', [1, 2])] }, env), { message: 'no' })
  assert.deepEqual(closed, [1])
})

test('threads share the bytes that the process may owe', async () => {
  const { env } = bench(() => {})
  const topology: CheckedTopology = { sources: [source('a', [1])] }
  for (const threads of [undefined, 1, 4]) {
    const built = await buildTopology(topology, { ...env, threads })
    assert.equal(built.sources[0].source.budget.max, LIMITS.processBytesMax / (threads ?? 1))
  }
})

test('memory that threads share is asked for by place and size, where a kind wants some', async () => {
  const asked: [string, number][] = []
  const given: SharedArrayBuffer[] = []
  const { env, kinds } = bench((_options, { shared }) => given.push(shared))
  const sink = await kinds.transforms.Sink()
  const sharing = { ...sink, sharedBytes: (options: unknown) => (options as { size: number }).size }
  const shared = (key: string, bytes: number) => {
    asked.push([key, bytes])
    return Promise.resolve(new SharedArrayBuffer(bytes))
  }
  const sharingEnv = { ...env, kinds: { ...kinds, transforms: { Sink: () => Promise.resolve(sharing) } }, shared }
  await buildTopology({ sources: [source('a', [8, 0]), source('b', [8])] }, sharingEnv)
  assert.deepEqual(asked, [
    ['["a","Sink","sink-8"]', 8],
    ['["b","Sink","sink-8"]', 8],
  ])
  assert.deepEqual(
    given.map(({ byteLength }) => byteLength),
    [8, 0, 8],
  )
})

test('a connection has a log with its span, which is made with the first line', async () => {
  const { env, spans } = bench(() => {})
  const built = await buildTopology({ sources: [source('a', [1])] }, env)
  const connection = { remoteAddress: '127.0.0.1', remotePort: 1, localAddress: '', localPort: 2, resume() {} }
  const session = built.sources[0].source.accept(connection as Connection, 7)
  assert.deepEqual(spans, [])
  session!.info.log.warn('one')
  session!.info.log.warn('two')
  assert.deepEqual(spans, [{ name: 'connection', fields: { id: 7, source: 'a' } }])
})

test('stages that are otherwise are built anew, the others stay; what they hold ends when they are retired', async () => {
  const events: string[] = []
  const { env } = bench(({ size }, { onClose }) => {
    if (size === 9) throw new Error('nine is too many')
    events.push(`made ${size}`)
    onClose(() => events.push(`closed ${size}`))
    if (size === 8) throw new Error('eight too, but late')
  })
  const built = await buildTopology({ sources: [source('a', [1, 2, 3])] }, env)
  const [one] = built.sources
  const before = one.source.chain.stages
  events.length = 0
  const { stages } = await one.rebuild(source('a', [1, 5, 3]))
  assert.deepEqual([stages[0], stages[2]], [before[0], before[2]])
  assert.equal(stages[1].name, 'sink-5')
  assert.equal(stages[1].stats, before[1].stats)
  assert.equal(one.source.chain.stages, before)
  for (const size of [9, 8]) await assert.rejects(one.rebuild(source('a', [4, size, 3])), /too/)
  one.retire([before[1]])
  built.close()
  assert.deepEqual(events, [
    'made 5',
    'made 4',
    'closed 4',
    'made 4',
    'made 8',
    'closed 8',
    'closed 4',
    'closed 2',
    'closed 5',
    'closed 3',
    'closed 1',
  ])
})
