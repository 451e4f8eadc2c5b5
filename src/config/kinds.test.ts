import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from './diagnostics.ts'
import { checkTopology } from './topology.ts'

const cassandra = (transport: string, readTimeout: string) => `sources:
  - Cassandra:
      name: cassandra
      listen_addr: "127.0.0.1:9042"
      transport: ${transport}
      chain:
        - CassandraSinkSingle:
            name: sink
            remote_address: "127.0.0.1:9043"
            connect_timeout_ms: 3000
            read_timeout: ${readTimeout}
`

test('the fields that only Cassandra has are those of Shotover, and checked', async () => {
  for (const [transport, readTimeout] of [
    ['Tcp', '10'],
    ['', ''],
  ] as const) {
    const { sources } = await checkTopology('topology.yaml', cassandra(transport, readTimeout))
    assert.equal(sources[0]!.type, 'Cassandra')
  }
  for (const [transport, readTimeout, problem] of [
    ['Udp', '10', /transport/],
    ['Tcp', '0', /read_timeout/],
  ] as const) {
    await assert.rejects(checkTopology('topology.yaml', cassandra(transport, readTimeout)), (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.describe(), problem)
      return true
    })
  }
})

test('no other source has them', async () => {
  const valkey = cassandra('Tcp', '10')
    .replace('Cassandra:', 'Valkey:')
    .replace(/chain:[^]*/, 'chain: [NullSink: {}]\n')
  await assert.rejects(checkTopology('topology.yaml', valkey), /unknown field `transport`/)
})
