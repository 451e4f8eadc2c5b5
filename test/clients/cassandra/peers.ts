import assert from 'node:assert/strict'
import { Client, types } from 'cassandra-driver'
import { tellCases } from './cases.ts'

// What the driver for Node is told of other nodes where peers are rewritten to 9044: `peers.ts PORT SERVER-PORT`. The server has no peers of
// its own: one is written into its table, directly.

const [port, serverPort] = process.argv.slice(2).map(Number)
const PEER = '127.0.0.9'

function clientOf(at: number): Client {
  return new Client({ contactPoints: ['127.0.0.1'], localDataCenter: 'datacenter1', protocolOptions: { port: at } })
}

const direct = clientOf(serverPort!)
const client = clientOf(port!)

async function rows(text: string, prepare: boolean, params: unknown[] = []): Promise<unknown[][]> {
  const result = await client.execute(text, params, { prepare })
  return result.rows.map((row) => row.values())
}

const CASES: Record<string, () => Promise<void>> = {
  async 'as text'() {
    assert.deepEqual(await rows('SELECT native_port FROM system.peers_v2', false), [[9044]])
    const aliased = 'SELECT native_port AS a, peer_port AS native_port, native_port AS b FROM system.peers_v2'
    assert.deepEqual(await rows(aliased, false), [[9044, 7000, 9044]])
    const [row] = (await client.execute('SELECT * FROM system.peers_v2')).rows
    assert.equal(row!['native_port'], 9044)
    assert.equal(row!['peer_port'], 7000)
  },
  async prepared() {
    const text = 'SELECT peer_port, native_port AS p FROM system.peers_v2 WHERE peer = ?'
    assert.deepEqual(await rows(text, true, [types.InetAddress.fromString(PEER)]), [[7000, 9044]])
    assert.equal((await client.execute('SELECT * FROM system.peers_v2', [], { prepare: true })).rows[0]!['native_port'], 9044) // prettier-ignore
  },
  async 'what is refused'() {
    await assert.rejects(client.execute('SELECT nothing FROM system.peers_v2'), {
      code: types.responseErrorCodes.invalid,
    })
  },
  async 'the server itself has another port'() {
    const [row] = (await direct.execute('SELECT native_port FROM system.peers_v2')).rows
    assert.equal(row!['native_port'], 9042)
  },
}

// Without a host_id and tokens no driver takes it for a node.
await direct.execute(
  `INSERT INTO system.peers_v2 (peer, peer_port, native_address, native_port) VALUES ('${PEER}', 7000, '${PEER}', 9042)`,
)
await tellCases(CASES)
await direct.execute(`DELETE FROM system.peers_v2 WHERE peer = '${PEER}' AND peer_port = 7000`)
await Promise.all([direct.shutdown(), client.shutdown()])
