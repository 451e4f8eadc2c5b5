import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machine } from '../harness/machine.ts'
import { cassandraVerdicts } from './cassandra-verdicts.ts'
import type { CqlColumn } from './cassandra.ts'
import { asText } from './layout.ts'
import { tableRows } from './report.ts'
import type { Run } from './run.ts'

const column: CqlColumn = { id: '1x128', label: '1 x 128', version: 4, connections: 1, inFlight: 128 }

function run(cpu: Record<string, number>): Run<CqlColumn> {
  const figures = { requestsPerSecond: 50_000, p50Ms: 0.5, p99Ms: 1, rssBytes: 80e6, serverCpuUs: 20, loadCpuUs: 2 }
  const measurements = Object.entries(cpu).map(([target, cpuUs]) => ({ target, workload: column, cpuUs, ...figures }))
  const targets = Object.keys(cpu).map((name) => ({ name, label: name }))
  const about = { date: '', title: '', machine: machine(), versions: [], command: '', othersShare: 0, failures: [] }
  return { ...about, workloads: [column], targets, measurements }
}

const told = (of: Run<CqlColumn>) =>
  cassandraVerdicts(of, true).map(({ text, held }) => `${held} ${text.replace(/: .*/, '')}`)

test('the bars are parts of Shotover as it was measured beside', () => {
  const shotover = { 'shotover-single': 2, 'shotover-cluster': 4 }
  assert.deepEqual(told(run({ direct: 20, envoy: 1.2, 'ours-single': 1.2, 'ours-cluster': 2.1, ...shotover })), [
    'true 1 x 128, the load against the node',
    'true 1 x 128, CassandraSinkSingle, 0.6 x Shotover',
    'false 1 x 128, CassandraSinkCluster, 0.5 x Shotover',
  ])
})

test("Shotover's recorded figures are brought to what Envoy costs in the run", () => {
  const bar = (envoy: number) => cassandraVerdicts(run({ envoy, 'ours-single': 1 }), false)[0]!.text
  assert.match(bar(1.2), /1\.00 of at most 1\.41 us/)
  assert.match(bar(14.75), /1\.00 of at most 7\.98 us/)
  assert.match(bar(0.2), /1\.00 of at most 0\.93 us/)
})

test('a load that costs more than the node is found out', () =>
  assert.match(told(run({ direct: 1.9 }))[0]!, /^false .* the load against the node/))

test('what was not measured is neither held nor missed', () => {
  const [, ...bars] = told(run({ direct: 20, envoy: 1 }))
  assert.ok(bars.length === 2 && bars.every((text) => text.startsWith('null')))
})

test('the table has what the server behind it and the load cost', () =>
  assert.match(asText(tableRows(run({ direct: 20 }), null)), /CPU us per request of the load\n.*2\.00/))
