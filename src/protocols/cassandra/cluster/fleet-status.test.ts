import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nodeEvent } from '../../../../test/cassandra.ts'
import type { Fleet, FleetNode } from './fleet.ts'
import { FleetStatus, statusEvent } from './fleet-status.ts'
import type { ClusterNode } from './node.ts'

function node(name: string, rack: string, datacenter = 'dc'): ClusterNode {
  return { hostId: name, endpoint: { host: '10.0.0.1', port: 9042 }, datacenter, rack, tokens: [] }
}

const proxy = (port: number, rack: string): FleetNode => ({ address: { host: '127.0.0.1', port }, datacenter: 'dc', rack, hostId: String(port) }) // prettier-ignore

const FLEET: Fleet = { local: proxy(1, 'r1'), peers: [proxy(2, 'r1'), proxy(3, 'r2'), proxy(4, 'r3')] }
const NODES = [node('a', 'r1'), node('b', 'r1'), node('c', 'r2'), node('d', 'r3', 'other')]

/** Which nodes are up, one time after the other, and what is told: r3 has no node in this data centre. */
const CASES: readonly [name: string, ...times: [up: string, told: string][]][] = [
  ['nothing is told of a cluster that is all up', ['abcd', ''], ['abcd', '']],
  ['a proxy is up while one node of its rack is', ['abcd', ''], ['bcd', ''], ['acd', '']],
  ['with the last node of its rack it is down, and this proxy never', ['abcd', ''], ['cd', 'DOWN 2'], ['cd', '']],
  ['with the first one it is up again', ['cd', 'DOWN 2'], ['bcd', 'UP 2'], ['abcd', '']],
  ['racks go down by themselves', ['abd', 'DOWN 3'], ['bcd', 'UP 3'], ['d', 'DOWN 2, DOWN 3'], ['c', 'UP 3']],
  ['what other data centres have counts for nothing', ['abc', ''], ['abcd', '']],
]

for (const [name, ...times] of CASES)
  test(name, () => {
    const status = new FleetStatus(FLEET)
    for (const [up, told] of times) {
      const changes = status.changes(NODES, ({ hostId }) => up.includes(hostId))
      assert.equal(changes.map(({ change, address }) => `${change} ${address.port}`).join(', '), told, up)
    }
  })

test('a rack that has lost its nodes is not down: nothing is known of it', () => {
  const status = new FleetStatus(FLEET)
  assert.equal(status.changes(NODES, () => false).length, 2)
  const changes = status.changes(NODES.slice(0, 2), () => false)
  assert.deepEqual(changes, [{ change: 'UP', address: FLEET.peers[1]!.address }])
})

for (const version of [3, 4, 5])
  test(`an event as clients of version ${version} read it`, () => {
    const event = statusEvent({ change: 'DOWN', address: { host: '127.0.0.1', port: 9003 } }, version)
    assert.deepEqual(event.toBuffer(), nodeEvent(version, 'STATUS_CHANGE', 'DOWN', 9003).toBuffer())
    assert.equal(event.stream, -1)
  })

test('an event about an address of IPv6', () => {
  const bytes = statusEvent({ change: 'UP', address: { host: '::1', port: 1 } }, 4).toBuffer()
  assert.equal(bytes.subarray(-21).toString('hex'), `10${'00'.repeat(15)}0100000001`)
})
