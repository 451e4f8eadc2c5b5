import assert from 'node:assert/strict'
import { test } from 'node:test'
import { machine } from '../harness/machine.ts'
import { baselineOf, ratio } from './baseline.ts'
import { asText } from './layout.ts'
import { tableRows } from './report.ts'
import type { Run } from './run.ts'
import { verdicts } from './verdicts.ts'
import { workloadOf } from './workload.ts'
import type { Workload } from './workload.ts'

const at = (pipeline: number, bytes = 100): Workload => workloadOf('GET', bytes, pipeline)

/** A run of one workload with the CPU figures given; ours take 80 MB. */
function run(workload: Workload, cpu: Record<string, number>): Run<Workload> {
  const measurements = Object.entries(cpu).map(([target, cpuUs]) => ({
    target,
    workload,
    cpuUs,
    requestsPerSecond: 50_000,
    p50Ms: 0.5,
    p99Ms: 1,
    rssBytes: 80e6,
  }))
  const targets = Object.keys(cpu).map((name) => ({ name, label: name }))
  const about = { date: '', title: '', machine: machine(), versions: [], command: '', othersShare: 0, failures: [] }
  return { ...about, workloads: [workload], targets, measurements }
}

function told(of: Run<Workload>): string[] {
  return verdicts(of).map(({ text, held }) => `${held} ${text.replace(/: .*/, '')}`)
}

test('without pipelining the bars are Envoy, 1.15 x twemproxy and 0.6 x Shotover', () => {
  const own = (cpuUs: number): string[] => told(run(at(1), { direct: 9.5, ours0: cpuUs, envoy: 12, twemproxy: 10 }))
  assert.deepEqual(own(11.4).slice(0, 3), [
    'true GET 100 B P=1, 1.0 x Envoy',
    'true GET 100 B P=1, 1.15 x twemproxy',
    'true GET 100 B P=1, 0.6 x recorded Shotover, scaled by redis-server',
  ])
  assert.match(own(11.6)[1], /^false/)
  assert.match(own(12.1)[0], /^false/)
  assert.match(own(12.5)[2], /^false/)
})

for (const [better, cpu] of [
  ['Envoy', { envoy: 2, twemproxy: 4 }],
  ['twemproxy', { envoy: 4, twemproxy: 2 }],
] as const)
  test(`with pipelining the bar is half of the better peer: ${better}`, () => {
    assert.match(told(run(at(16), { direct: 1.65, ours0: 1, ...cpu }))[0], /^true/)
    assert.match(told(run(at(16), { direct: 1.65, ours0: 1.01, ...cpu }))[0], /^false/)
  })

test("Shotover's recorded figure is scaled by redis-server, and gives way to one measured in the run", () => {
  const slower = told(run(at(64), { direct: 2.2, ours0: 1.5 }))
  assert.match(
    slower.find((text) => text.includes('recorded'))!,
    /^true/,
  )
  const beside = told(run(at(64), { direct: 2.2, ours0: 1.5, shotover0: 3 }))
  assert.ok(beside.includes('false GET 100 B P=64, 0.4 x Shotover'))
})

test('two transforms may cost a tenth', () => {
  const cost = (ours2: number): string =>
    told(run(at(1), { direct: 9, ours0: 10, ours2 })).find((text) => text.includes('+10 %'))!
  assert.match(cost(11), /^true/)
  assert.match(cost(11.1), /^false/)
})

test('what was not measured is neither held nor missed', () => {
  assert.ok(told(run(at(1), { direct: 9, envoy: 12 })).every((text) => text.startsWith('null')))
})

test('large values are shown and not judged', () => {
  assert.deepEqual(told(run(at(1, 16_384), { direct: 9, ours0: 50, envoy: 12, twemproxy: 12 })), [
    'null RSS under all loads of 100 B',
  ])
})

test('a machine twice as slow is no change against the baseline', () => {
  const baseline = baselineOf(run(at(1), { direct: 9, ours0: 12 }))
  assert.equal(ratio(run(at(1), { direct: 18, ours0: 24 }), baseline, 'ours0', at(1)), 1)
  assert.equal(ratio(run(at(1), { direct: 9, ours0: 18 }), baseline, 'ours0', at(1)), 1.5)
  assert.ok(Number.isNaN(ratio(run(at(1), { direct: 9, ours0: 18 }), baseline, 'ours0', at(16))))
})

test('the table has a section a figure and leaves out what has none', () => {
  const of = run(at(1), { direct: 9, ours0: 18 })
  const text = asText(tableRows(of, baselineOf(of)))
  assert.equal(text.match(/^ours0/gm)?.length, 5)
  assert.equal(text.match(/^direct/gm)?.length, 4)
  assert.match(text, /^ours0 +1\.00 x$/m)
})

for (const [what, target, most] of [
  ['10 transforms at most +25 %', 'ours10', 12.5],
  ["a user's hooks at most +5 %", 'ours-hooks', 10.5],
] as const)
  test(`in batches of 16: ${what}`, () => {
    const cost = (us: number, pipeline = 16): string | undefined =>
      told(run(at(pipeline), { direct: 9, ours0: 10, [target]: us })).find((text) => text.includes(what))
    assert.match(cost(most)!, /^true/)
    assert.match(cost(most + 0.1)!, /^false/)
    assert.equal(cost(most, 64), undefined)
  })

test('in TLS the bars are 1.3, 0.6 and 0.6 x Envoy, and parts of Shotover', () => {
  const own = (pipeline: number, cpuUs: number): string[] =>
    told(run(at(pipeline), { direct: 9.5, 'ours-tls': cpuUs, 'envoy-tls': 10, 'shotover-tls': 20 })).slice(0, 2)
  const label = (pipeline: number) => `GET 100 B P=${pipeline}, TLS from the client`
  assert.deepEqual(own(1, 12), [`true ${label(1)}, 1.3 x Envoy`, `true ${label(1)}, 0.95 x Shotover`])
  assert.deepEqual(own(1, 14)[0], `false ${label(1)}, 1.3 x Envoy`)
  assert.deepEqual(own(16, 7), [`false ${label(16)}, 0.6 x Envoy`, `true ${label(16)}, 0.5 x Shotover`])
  assert.deepEqual(own(64, 5), [`true ${label(64)}, 0.6 x Envoy`, `true ${label(64)}, 0.7 x Shotover`])
})
