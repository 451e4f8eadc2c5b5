import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Probe, between, distribution, percentile } from './probe.ts'

test('percentiles are of nearest rank', () => {
  const values = Float64Array.from({ length: 100 }, (_, index) => index + 1)
  assert.deepEqual([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)], [50, 99, 100])
  assert.deepEqual(distribution(Float64Array.of(3, 1, 2)), { count: 3, p50Ms: 2, p99Ms: 3, maxMs: 3 })
  assert.ok(Number.isNaN(percentile(new Float64Array(0), 0.5)))
})

test('a window takes the samples sent in it', () => {
  const samples = { sentAt: Float64Array.of(10, 20, 30, 40), latenciesMs: Float64Array.of(1, 2, 3, 4), problem: null }
  assert.deepEqual([...between(samples, 20, 40)], [2, 3])
  assert.deepEqual([...between(samples, 50, 60)], [])
})

for (const [reply, problem] of [
  ['+PONG\r\n', null],
  ['-ERR no\r\n', /it was answered -ERR no/],
] as const)
  test(`a probe tells what it met: ${JSON.stringify(reply)}`, async () => {
    const server = createServer((socket) => {
      socket.on('data', () => socket.write(reply))
      socket.on('error', () => {}) // A probe that ends leaves a reply unread.
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const probe = await Probe.start({
      port: (server.address() as AddressInfo).port,
      args: ['PING'],
      pipeline: 1,
      gapMs: 0,
    })
    if (problem === null) assert.ok((await probe.stop()).sentAt.length >= 2)
    else await assert.rejects(probe.stop(), problem)
    server.close()
  })
