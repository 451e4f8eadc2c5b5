import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Client } from 'cassandra-driver'
import { RawClient } from './raw-client.ts'
import { request } from './lines.ts'
import { startProxy } from './proxy.ts'

// `shotover mock`: a server for tests of programs that need one.

const SHOTOVER = join(import.meta.dirname, '../../shotover')

/** The port of a mock that has been started, and its end. */
async function startMock(protocol: string): Promise<{ port: number; end: () => Promise<unknown> }> {
  const process = spawn(SHOTOVER, ['mock', protocol, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [text] = (await once(process.stdout, 'data')) as [Buffer]
  const port = Number(/127\.0\.0\.1:(\d+)/.exec(text.toString())![1])
  const end = async () => {
    process.kill('SIGTERM')
    return (await once(process, 'close'))[0] as unknown
  }
  return { port, end }
}

test('a driver connects to the mock of Cassandra, directly and through the proxy, and finds what it wrote', async () => {
  const mock = await startMock('cassandra')
  await using proxy = await startProxy({
    topology: (listen) => `sources:
  - Cassandra:
      name: cassandra
      listen_addr: "${listen}"
      chain: [{ CassandraSinkSingle: { name: sink, remote_address: "127.0.0.1:${mock.port}", connect_timeout_ms: 3000 } }]
`,
  })
  const direct = mock.port
  for (const port of [direct, proxy.port]) {
    const client = new Client({
      contactPoints: ['127.0.0.1'],
      localDataCenter: 'datacenter1',
      protocolOptions: { port },
    })
    const prepare = { prepare: true }
    const keyspace = port === direct ? 'direct' : 'through'
    await client.execute(
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    )
    await client.execute(`CREATE TABLE ${keyspace}.t (k int PRIMARY KEY, v text)`)
    await client.execute(`INSERT INTO ${keyspace}.t (k, v) VALUES (?, ?)`, [1, 'one'], prepare)
    const { rows } = await client.execute(`SELECT v FROM ${keyspace}.t WHERE k = ?`, [1], prepare)
    assert.deepEqual(rows.map((row) => row.values()), [['one']]) // prettier-ignore
    assert.equal((await client.metadata.getTable(keyspace, 't'))?.columns.length, 2)
    await client.shutdown()
  }
  assert.equal(await mock.end(), 0)
})

test('the mock of Valkey answers', async () => {
  const mock = await startMock('valkey')
  const client = await RawClient.open(mock.port)
  client.write(request(['SET', 'a', '1']))
  client.write(request(['GET', 'a']))
  await client.until(2)
  assert.deepEqual(
    client.replies.map(({ bytes }) => bytes.toString()),
    ['+OK\r\n', '$1\r\n1\r\n'],
  )
  client.destroy()
  assert.equal(await mock.end(), 0)
})
