import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from './metrics.ts'
import { lasting, mergeSnapshots } from './snapshot.ts'

function values(registries: Registry[], name: string): [string, number][] {
  const families = mergeSnapshots(registries.map((registry) => structuredClone(registry.snapshot())))
  return (families.get(name) ?? []).map(({ labels, value }) => [Object.values(labels).join(','), value])
}

test('a series is made once, whatever the order of its labels', () => {
  const registry = new Registry()
  const first = registry.counter('hits', { a: '1', b: '2' })
  assert.equal(registry.counter('hits', { b: '2', a: '1' }), first)
  first.add(2)
  registry.counter('hits', { a: '1', b: '3' }).add(1)
  assert.deepEqual(values([registry], 'hits'), [
    ['1,2', 2],
    ['1,3', 1],
  ])
})

test('labels whose values run together are told apart', () => {
  const registry = new Registry()
  registry.counter('hits', { a: '1:1', b: '' }).add(1)
  registry.counter('hits', { a: '1', b: '1:' }).add(1)
  assert.equal(values([registry], 'hits').length, 2)
})

test('more series than one chunk of slots holds keep their own numbers', () => {
  const registry = new Registry(5000)
  const counters = Array.from({ length: 2000 }, (_, i) => registry.counter('hits', { i: String(i) }))
  for (const [i, counter] of counters.entries()) counter.add(i)
  assert.deepEqual(
    values([registry], 'hits').toSorted(([, a], [, b]) => a - b),
    Array.from({ length: 2000 }, (_, i) => [String(i), i]),
  )
})

test('past the bound, the label that clients choose becomes other and nothing is lost', () => {
  const registry = new Registry(3)
  for (const query of ['GET', 'SET', 'DEL', 'X1', 'X2', 'GET']) {
    registry.counter('shotover_query_count', { name: 'main', query, type: 'Read' }).add(1)
  }
  assert.deepEqual(values([registry], 'shotover_query_count'), [
    ['main,DEL,Read', 1],
    ['main,GET,Read', 2],
    ['main,SET,Read', 1],
    ['main,other,Read', 2],
  ])
})

test('past the bound, a family of which nothing is known counts everything as other', () => {
  const registry = new Registry(1)
  for (const user of ['a', 'b', 'c']) registry.counter('mine', { user, kind: user }).add(1)
  assert.deepEqual(values([registry], 'mine'), [
    ['a,a', 1],
    ['other,other', 2],
  ])
})

test('a long value of a label is cut', () => {
  const registry = new Registry()
  registry.counter('hits', { query: 'x'.repeat(100_000) }).add(1)
  assert.equal(values([registry], 'hits')[0]![0].length, 200)
})

const refused: [string, (registry: Registry) => void, RegExp][] = [
  [
    'another type',
    (registry) => registry.gauge('hits', {}) && registry.counter('hits', {}),
    /hits is a gauge, not a counter/,
  ],
  ['another type than the table says', (registry) => registry.gauge('connections_opened', {}), /is a counter/],
  ['a label too many', (registry) => registry.counter('hits', {}) && registry.counter('hits', { a: '1' }), /no others/],
  [
    'a label too few',
    (registry) => registry.counter('hits', { a: '1' }) && registry.counter('hits', {}),
    /lacks its label a/,
  ],
  ['a name with a hyphen', (registry) => registry.counter('my-hits', {}), /can't be the name/],
  ['a label with a hyphen', (registry) => registry.counter('hits', { 'my-label': '' }), /can't have a label/],
  [
    'a label that the format has for itself',
    (registry) => registry.summary('hits', { quantile: '' }),
    /can't have a label/,
  ],
]
for (const [name, act, message] of refused) {
  test(`refused: ${name}`, () => assert.throws(() => act(new Registry()), message))
}

test('threads add up: counters, gauges, collected numbers and summaries', () => {
  const threads = [new Registry(), new Registry()]
  for (const [i, registry] of threads.entries()) {
    registry.counter('hits', { a: 'x' }).add(i + 1)
    registry.gauge('open', {}).set(5)
    registry.collect((add) => add('shotover_in_flight', { chain: 'c' }, 10 * (i + 1)))
    const summary = registry.summary('wait_seconds', {})
    summary.observe(0.001)
    summary.observe(1)
  }
  assert.deepEqual(values(threads, 'hits'), [['x', 3]])
  assert.deepEqual(values(threads, 'open'), [['', 10]])
  assert.deepEqual(values(threads, 'shotover_in_flight'), [['c', 30]])
  const [wait] = mergeSnapshots(threads.map((registry) => registry.snapshot())).get('wait_seconds')!
  assert.equal(wait!.distribution!.count, 4)
  assert.equal(wait!.value, 2.002)
  assert.deepEqual(
    wait!.distribution!.buckets.filter((_, i) => i % 2 === 1),
    [2, 2],
  )
})

test('a collected name must stand in the table', () => {
  const registry = new Registry()
  registry.collect((add) => add('unheard_of', {}, 1))
  assert.throws(() => registry.snapshot(), /unheard_of/)
})

test('what a thread counted outlives it, what it held does not', () => {
  const registry = new Registry()
  registry.counter('hits', {}).add(3)
  registry.gauge('open', {}).set(5)
  registry.summary('sizes', {}).observe(4)
  const kept = mergeSnapshots([lasting(registry.snapshot())])
  assert.deepEqual([...kept.keys()], ['hits', 'sizes'])
  assert.equal(kept.get('sizes')![0]!.distribution!.count, 1)
  assert.deepEqual(kept.get('sizes')![0]!.distribution!.buckets, [])
})

test('rotation reaches every summary', () => {
  const registry = new Registry()
  registry.summary('sizes', { a: '1' }).observe(4)
  for (let i = 0; i < 3; i++) registry.rotate()
  assert.deepEqual(registry.snapshot()[0]!.distribution!.buckets, [])
})
