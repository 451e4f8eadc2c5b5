import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderExposition } from './exposition.ts'
import { parseExposition } from './exposition-parser.test.ts'
import { Registry } from './metrics.ts'
import { FAMILIES } from './names.ts'
import { mergeSnapshots } from './snapshot.ts'

const render = (registry: Registry) => renderExposition(mergeSnapshots([registry.snapshot()]))

test('a counter and a gauge, with help and type where they are known', () => {
  const registry = new Registry()
  registry.counter('connections_opened', { source: 'valkey' }).add(12)
  registry.gauge('mine', {}).set(-0.5)
  assert.equal(
    render(registry),
    `# HELP connections_opened Connections of clients that were accepted.
# TYPE connections_opened counter
connections_opened{source="valkey"} 12

# TYPE mine gauge
mine -0.5

`,
  )
})

test('a summary has its eight quantiles, sum and count', () => {
  const registry = new Registry()
  const summary = registry.summary('shotover_transform_latency_seconds', { transform: 'NullSink' })
  for (let i = 1; i <= 50; i++) summary.observe(i / 1_000_000)
  const lines = render(registry).trim().split('\n').slice(2)
  assert.deepEqual(lines, [
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0"} 0.000001',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0.1"} 0.000005',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0.5"} 0.000025',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0.9"} 0.000045',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0.95"} 0.000048',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0.99"} 0.00005',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="0.999"} 0.00005',
    'shotover_transform_latency_seconds{transform="NullSink",quantile="1"} 0.00005',
    `shotover_transform_latency_seconds_sum{transform="NullSink"} ${lines[8]!.split(' ')[1]}`,
    'shotover_transform_latency_seconds_count{transform="NullSink"} 50',
  ])
  assert.ok(Math.abs(Number(lines[8]!.split(' ')[1]) - 0.001275) < 1e-12)
})

test('a summary is there from the start, and has zeros again when its windows have passed', () => {
  const registry = new Registry()
  const summary = registry.summary('sizes', {})
  const shown = () => parseExposition(render(registry)).series.map(({ value }) => value)
  assert.deepEqual(shown(), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  summary.observe(5)
  assert.deepEqual(shown(), [5, 5, 5, 5, 5, 5, 5, 5, 5, 1])
  for (let i = 0; i < 3; i++) registry.rotate()
  assert.deepEqual(shown(), [0, 0, 0, 0, 0, 0, 0, 0, 5, 1])
})

test('what clients put into labels comes back as it was', () => {
  const nasty = ['a"b', 'back\\slash', 'new\nline', '\\n', '}', '{a="b"} 1', 'ünï 🦊', 'tab\t#']
  const registry = new Registry()
  for (const [i, text] of nasty.entries()) registry.counter('hits', { text, other: 'x' }).add(i)
  registry.counter('after', {}).add(1)
  const { series, types } = parseExposition(render(registry))
  for (const [i, text] of nasty.entries()) {
    assert.deepEqual(
      series.filter(({ labels }) => labels.text === text),
      [{ name: 'hits', labels: { text, other: 'x' }, value: i }],
    )
  }
  assert.deepEqual(types, { hits: 'counter', after: 'counter' })
})

test('a label without a value is left out, as if it had never been', () => {
  const registry = new Registry()
  registry.counter('queries', { name: 'main', query: '' }).add(0)
  registry.counter('queries', { name: '', query: '' }).add(1)
  assert.match(render(registry), /^queries 1\nqueries{name="main"} 0\n|^queries{name="main"} 0\nqueries 1\n/m)
})

test('numbers that are none have the words of the format', () => {
  const registry = new Registry()
  const numbers = [Infinity, -Infinity, NaN, 1e21, 1e-7, 12345678901]
  for (const [i, value] of numbers.entries()) registry.gauge('n', { i: String(i) }).set(value)
  const text = render(registry)
  for (const word of ['+Inf', '-Inf', 'NaN', '1e+21', '1e-7', '12345678901'])
    assert.ok(text.includes(`} ${word}\n`), word)
  assert.deepEqual(
    parseExposition(text).series.map(({ value }) => value),
    numbers,
  )
})

test('every name of the table can be rendered and read', () => {
  const registry = new Registry()
  for (const [name, { type }] of Object.entries(FAMILIES)) {
    if (type === 'summary') registry.summary(name, { chain: 'c' }).observe(1)
    else registry[type](name, { chain: 'c' })
  }
  const { types, helps } = parseExposition(render(registry))
  assert.deepEqual(Object.keys(types).sort(), Object.keys(FAMILIES).sort())
  assert.deepEqual(Object.keys(helps).sort(), Object.keys(FAMILIES).sort())
})
