import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Exchange } from '../../core/exchange.ts'
import { noOwner } from '../../core/handshake.ts'
import { encodeRequest } from './encode.ts'
import { InFlight } from './in-flight.ts'

const PING = encodeRequest(['PING'])

function exchanges(count: number): Exchange[] {
  return Array.from({ length: count }, () => new Exchange(PING, noOwner, 0, 0))
}

test('any may be abandoned, in any order, while others come and go; the rest stays in its place', () => {
  const inFlight = new InFlight()
  let expected: (Exchange | null)[] = []
  let seed = 1
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  for (let step = 0; step < 20_000; step++) {
    const what = random(4)
    if (what < 2 && expected.length < 100) {
      const [exchange] = exchanges(1)
      inFlight.push(exchange!, 0, 0)
      expected.push(exchange!)
    } else if (what === 2 && expected.length > 0) assert.equal(inFlight.shift(), expected.shift())
    else if (expected.length > 0) {
      const at = random(expected.length)
      const exchange = expected[at] ?? exchanges(1)[0]!
      assert.equal(inFlight.abandon(exchange), expected[at] !== null)
      expected = expected.with(at, null)
    }
    assert.equal(inFlight.length, expected.length)
  }
  const left: Exchange[] = []
  inFlight.list(left)
  assert.deepEqual(
    left,
    expected.filter((exchange) => exchange !== null),
  )
})

test('thousands of sessions that leave at once, with hundreds of requests each, cost a second of CPU, not half a minute', () => {
  const inFlight = new InFlight()
  const sessions = Array.from({ length: 3000 }, () => exchanges(64))
  // Four at a time, as they are read.
  for (let round = 0; round < 64; round += 4)
    for (const session of sessions) for (let i = 0; i < 4; i++) inFlight.push(session[round + i]!, 0, 0)
  const before = process.threadCpuUsage()
  for (const session of sessions) for (const exchange of session) inFlight.abandon(exchange)
  const { user } = process.threadCpuUsage(before)
  assert.ok(user < 5_000_000, `${user} us`)
  const left: Exchange[] = []
  inFlight.list(left)
  assert.deepEqual(left, [])
})
