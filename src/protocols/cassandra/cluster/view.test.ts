import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MURMUR3 } from '../token.ts'
import { clusterNode } from '../../../../test/cassandra-nodes.ts'
import { Schema } from './schema.ts'
import { ClusterView } from './view.ts'

const NODES = [
  clusterNode('a', 'dc1:r1', '-6000000000000000000', '3000000000000000000'),
  clusterNode('b', 'dc2:r1', '-3000000000000000000', '6000000000000000000'),
  clusterNode('c', 'dc1:r2', '0', '9000000000000000000'),
]
const SCHEMA = new Schema(
  new Map([
    ['two', { strategy: 'simple', factor: 2 }],
    ['both', { strategy: 'network', factors: new Map([['dc1', 2], ['dc2', 1]]) }], // prettier-ignore
    ['elsewhere', { strategy: 'network', factors: new Map([['dc2', 1]]) }],
    ['everywhere', { strategy: 'all' }],
    ['system', null],
  ]),
  [
    { keyspace: 'both', table: 't', name: 'b', position: 1, type: 'frozen<list<point>>' },
    { keyspace: 'both', table: 't', name: 'a', position: 0, type: 'text' },
    { keyspace: 'both', table: 'strange', name: 'a', position: 0, type: 'nothing_known' },
  ],
  [{ keyspace: 'both', name: 'point', fieldNames: ['x', 'y'], fieldTypes: ['int', 'frozen<map<text, int>>'] }],
)

/** Token -4069959284402364209. */
const ONE = Buffer.from('00000001', 'hex')
/** Token 9010454139840013625. */
const THREE = Buffer.from('00000003', 'hex')

function names(view: ClusterView, keyspace: string, key: Buffer): string {
  return view.replicas(keyspace, key).map((node) => node.hostId).join('') // prettier-ignore
}

test('replicas are those of the local data centre, in the order of the ring of all', () => {
  assert.equal(MURMUR3.token(ONE), -4069959284402364209n)
  assert.equal(MURMUR3.token(THREE), 9010454139840013625n)
  const view = new ClusterView(NODES, 'dc1', MURMUR3, SCHEMA)
  assert.deepEqual(view.nodes.map((node) => node.hostId), ['a', 'c']) // prettier-ignore
  const told = ['two', 'both', 'elsewhere', 'everywhere', 'system', 'unknown'].map((of) => names(view, of, ONE))
  assert.deepEqual(told, ['c', 'ca', '', 'ca', '', ''])
  assert.deepEqual(['two', 'both'].map((of) => names(view, of, THREE)), ['a', 'ac']) // prettier-ignore
  assert.equal(names(new ClusterView(NODES, 'dc2', MURMUR3, SCHEMA), 'both', ONE), 'b')
})

test('a key in the midst of other bytes is found by its range', () => {
  const view = new ClusterView(NODES, 'dc1', MURMUR3, SCHEMA)
  assert.deepEqual(view.replicas('both', Buffer.concat([THREE, ONE, THREE]), 4, 8), view.replicas('both', ONE))
})

test('with a partitioner that is not known, and with no nodes, there are no replicas', () => {
  assert.equal(names(new ClusterView(NODES, 'dc1', null, SCHEMA), 'two', ONE), '')
  assert.equal(names(new ClusterView([], 'dc1', MURMUR3, SCHEMA), 'two', ONE), '')
})

test('the columns of a key are in its order, with their types, those of users too', () => {
  const view = new ClusterView(NODES, 'dc1', MURMUR3, SCHEMA)
  const point = {
    type: 'udt',
    keyspace: 'both',
    name: 'point',
    fields: [
      { name: 'x', type: { type: 'int' } },
      { name: 'y', type: { type: 'map', keys: { type: 'text' }, values: { type: 'int' } } },
    ],
  }
  assert.deepEqual(view.keyColumns('both', 't'), [
    { name: 'a', type: { type: 'text' } },
    { name: 'b', type: { type: 'list', of: point } },
  ])
  for (const table of ['strange', 'none']) assert.equal(view.keyColumns('both', table), null)
})
