import assert from 'node:assert/strict'
import { Client, types } from 'cassandra-driver'
import { tellCases } from './cases.ts'

// What the driver for Node is told where writes are filtered out: `filtered.ts PORT SERVER-PORT METRICS-PORT`. Tables are made, and
// statements prepared, directly as well as through the proxy.

const [port, serverPort, metricsPort] = process.argv.slice(2).map(Number)

function clientOf(at: number): Client {
  return new Client({ contactPoints: ['127.0.0.1'], localDataCenter: 'datacenter1', protocolOptions: { port: at } })
}

const direct = clientOf(serverPort!)
const client = clientOf(port!)
const INSERT = 'INSERT INTO filtered.t (k, v) VALUES (?, ?)'
const SELECT = 'SELECT v FROM filtered.t WHERE k = ?'

async function refused(promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: { code?: number; message: string }) => {
    assert.equal(error.code, types.responseErrorCodes.invalid)
    assert.equal(error.message, 'Message was filtered out by shotover')
    return true
  })
}

const CASES: Record<string, () => Promise<void>> = {
  async 'writes as text'() {
    await refused(client.execute("INSERT INTO filtered.t (k, v) VALUES (1, 'a')"))
    await refused(client.execute('/* a */ truncate filtered.t'))
    await refused(client.batch(["INSERT INTO filtered.t (k, v) VALUES (1, 'a')"], { prepare: false }))
    await client.execute('SELECT * FROM filtered.t')
  },
  async 'prepared writes'() {
    await refused(client.execute(INSERT, [1, 'a'], { prepare: true }))
    await refused(client.batch([{ query: INSERT, params: [1, 'a'] }], { prepare: true }))
    assert.equal((await client.execute(SELECT, [1], { prepare: true })).rowLength, 0)
    assert.equal((await direct.execute('SELECT * FROM filtered.t')).rowLength, 0)
  },
  async 'all is counted'() {
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    const counts = new Map(
      [...text.matchAll(/^shotover_query_count\{name="all",query="(\w+)",type="cassandra"\} (\d+)/gm)].map(
        ([, name, count]) => [name, Number(count)],
      ),
    )
    // As text, as a batch's, prepared, and prepared in a batch.
    assert.equal(counts.get('INSERT'), 4)
    assert.equal(counts.get('TRUNCATE'), 1)
    assert.ok(counts.get('SELECT')! > 2)
  },
}

await direct.execute('DROP KEYSPACE IF EXISTS filtered')
await direct.execute("CREATE KEYSPACE filtered WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
await direct.execute('CREATE TABLE filtered.t (k int PRIMARY KEY, v text)')
await tellCases(CASES)
await Promise.all([direct.shutdown(), client.shutdown()])
