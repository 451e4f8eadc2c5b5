import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError, parseOptions } from './options.ts'

test('without options the default run is asked for', () => {
  const { full, only, pipelines, requests, results, bar } = parseOptions([])!
  assert.deepEqual(
    { full, only, pipelines, requests, results, bar },
    { full: false, only: null, pipelines: null, requests: null, results: true, bar: null },
  )
})

test('filters are lists', () => {
  const options = parseOptions(['--only', 'ours,envoy', '--p', '1,16', '--no-results', '--seconds', '0.5'])!
  assert.deepEqual(
    [options.only, options.pipelines, options.results, options.seconds],
    [['ours', 'envoy'], [1, 16], false, 0.5],
  )
})

for (const argv of [
  ['--p', '1,x'],
  ['--seconds', '0'],
  ['--requests', '1.5'],
  ['--fulll'],
  ['stray'],
  ['--cassandra', '--tls'],
])
  test(`refused: ${argv.join(' ')}`, () => assert.throws(() => parseOptions(argv), UsageError))
