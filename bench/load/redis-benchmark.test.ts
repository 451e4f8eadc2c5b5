import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCsv } from './redis-benchmark.ts'

const NAMES =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"'

const rows: [string, string, { requestsPerSecond: number; p50Ms: number; p99Ms: number }][] = [
  [
    'one test',
    `${NAMES}\n"GET k","1470588.12","0.351","0.096","0.319","0.559","0.735","1.031"\n`,
    { requestsPerSecond: 1470588.12, p50Ms: 0.319, p99Ms: 0.735 },
  ],
  [
    'warnings before the table',
    `WARNING: no CONFIG\n${NAMES}\n"SET k v","10.00","1","1","2.5","3","4","5"`,
    { requestsPerSecond: 10, p50Ms: 2.5, p99Ms: 4 },
  ],
  [
    'columns in another order',
    '"p99_latency_ms","rps","p50_latency_ms"\n"9","8","7"\n',
    { requestsPerSecond: 8, p50Ms: 7, p99Ms: 9 },
  ],
]
for (const [name, text, expected] of rows)
  test(`redis-benchmark's CSV is read: ${name}`, () => assert.deepEqual(parseCsv(text), expected))

for (const text of ['', NAMES, `${NAMES}\n"GET k","","1","1","1","1","1","1"`.replace('""', '"-"'), '"GET","1000.5"\n'])
  test(`output without figures is refused: ${JSON.stringify(text.slice(-40))}`, () => {
    assert.throws(() => parseCsv(text), /redis-benchmark gave no/)
  })
