import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LIMITS } from '../core/kind.ts'
import { describeTopology } from './describe.ts'

test('a topology is described without secrets, and without the options of users', () => {
  const options = { remote_address: 'a:1', password: 'hunter2', list: [{ api_key: 'k', port: 1 }] }
  const chain = [
    { type: 'Sink', name: 'sink', options },
    { type: 'Mine', name: 'mine', options: { anything: 'x', n: 2 }, module: '/a/mine.ts' },
  ]
  const source = {
    type: 'Valkey',
    name: 'foo',
    listen: { host: '127.0.0.1', port: 1 },
    listenText: '127.0.0.1:1',
    connectionLimit: 5,
    hardConnectionLimit: false,
    idleTimeoutSeconds: null,
    limits: LIMITS,
    chain,
  }
  assert.deepEqual(JSON.parse(describeTopology({ sources: [source] })), {
    sources: [
      {
        Valkey: {
          name: 'foo',
          listen_addr: '127.0.0.1:1',
          connection_limit: 5,
          hard_connection_limit: false,
          timeout: null,
          chain: [
            { Sink: { name: 'sink', remote_address: 'a:1', password: '...', list: [{ api_key: '...', port: 1 }] } },
            { Mine: { name: 'mine', module: '/a/mine.ts', options: ['anything', 'n'] } },
          ],
        },
      },
    ],
  })
})
