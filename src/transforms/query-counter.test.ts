import assert from 'node:assert/strict'
import { test } from 'node:test'
import { play } from '../../test/kit.ts'
import type { Frame } from '../core/frame.ts'
import type { Protocol } from '../core/protocol.ts'
import { argumentsOf } from '../protocols/valkey/body.ts'
import { valkey } from '../protocols/valkey/index.ts'
import { queryCounter } from './query-counter.ts'

const NAME = 'shotover_query_count{name="main"}'
const series = (query: string, type = 'valkey') => `shotover_query_count{name="main",query="${query}",type="${type}"}`

test('the series without a query is there from the start, those of queries once there is one', async () => {
  const p = play(queryCounter, { counter_name: 'main' })
  assert.deepEqual(p.metrics, { [NAME]: 0 })
  await p.send(['GET', 'a'], ['get', 'b'], ['CLIENT', 'ID'], ['CLIENT', 'SETNAME', 'x'], ['MODULE.GET', 'a'])
  p.expectForwarded(['GET', 'a'], ['get', 'b'], ['CLIENT', 'ID'], ['CLIENT', 'SETNAME', 'x'], ['MODULE.GET', 'a'])
  assert.deepEqual(p.metrics, { [NAME]: 0, [series('GET')]: 2, [series('CLIENT')]: 2, [series('unknown')]: 1 })
})

test('all clients of a topology count together', async () => {
  const p = play(queryCounter, { counter_name: 'main' })
  const other = p.connect()
  await p.send(['GET', 'a'])
  await other.send(['GET', 'a'])
  assert.equal(p.metrics[series('GET')], 2)
})

/** A protocol whose frames do not tell their query by a code, and may hold several. */
const named: Protocol = {
  ...(valkey as Protocol),
  queries: {
    ...valkey.queries!,
    codes: undefined,
    metricType: 'named',
    name: (frame: Frame) => String(argumentsOf(frame)[0]),
    names(frame: Frame, into: string[]): number {
      const words = argumentsOf(frame).map(String)
      into.push(...words)
      return words.length
    },
  },
}

test('a frame of several queries counts several times', async () => {
  const p = play(queryCounter, { counter_name: 'main' }, { protocol: named })
  await p.send(['INSERT', 'INSERT', 'DELETE'], ['PREPARE'])
  assert.deepEqual(p.metrics, {
    [NAME]: 0,
    [series('INSERT', 'named')]: 2,
    [series('DELETE', 'named')]: 1,
    [series('PREPARE', 'named')]: 1,
  })
})

test('past so many names the rest is counted together', async () => {
  const p = play(queryCounter, { counter_name: 'main' }, { protocol: named })
  await p.send(Array.from({ length: 3000 }, (_, i) => `name-${i}`))
  const counts = p.metrics
  assert.ok(Object.keys(counts).length <= 1002)
  assert.equal(
    Object.values(counts).reduce((a, b) => a + b),
    3000,
  )
  assert.ok(counts[series('other', 'named')]! >= 2000)
})
