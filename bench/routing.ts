/**
 * What it costs to find the nodes that a request to a Cassandra cluster is for: nanoseconds of CPU a request, the best of several rounds.
 * `node bench/routing.ts [requests a round]`
 */
import { randomBytes } from 'node:crypto'
import { encodeBody, plain } from '../src/protocols/cassandra/body/body.ts'
import type { Column } from '../src/protocols/cassandra/body/results.ts'
import { NO_PARAMETERS, type Parameters, type Request } from '../src/protocols/cassandra/body/requests.ts'
import type { ClusterNode } from '../src/protocols/cassandra/cluster/node.ts'
import { ROUTE_KEYED, Router } from '../src/protocols/cassandra/cluster/routing.ts'
import { Schema } from '../src/protocols/cassandra/cluster/schema.ts'
import { Statements } from '../src/protocols/cassandra/cluster/statements.ts'
import { ClusterView } from '../src/protocols/cassandra/cluster/view.ts'
import { MURMUR3 } from '../src/protocols/cassandra/token.ts'

const ROUNDS = 12
/** More than texts are kept: where each is another one, none comes twice. */
const REQUESTS = 3000
const perRound = Number(process.argv[2] ?? 100_000)

/** Twelve nodes in three racks, with sixteen tokens each. */
const nodes = Array.from({ length: 12 }, (_, i): ClusterNode => {
  const tokens = Array.from({ length: 16 }, () => String(randomBytes(8).readBigInt64BE()))
  const endpoint = { host: `10.0.0.${i}`, port: 9042 }
  return { hostId: String(i), endpoint, datacenter: 'dc1', rack: `r${i % 3}`, tokens }
})
const keys = [['one', 'k'], ['two', 'k'], ['two', 'l']] as const // prettier-ignore
const places = [0, 0, 1]
const rows = keys.map(([table, name], i) => ({ keyspace: 'ks', table, name, position: places[i]!, type: 'text' }))
const replication = { strategy: 'network', factors: new Map([['dc1', 3]]) } as const
const view = new ClusterView(nodes, 'dc1', MURMUR3, new Schema(new Map([['ks', replication]]), rows, []))

type MakeRequest = (id: Buffer, parameters: Parameters, text: string) => Request

function measure(
  name: string,
  version: number,
  text: string,
  markers: string[],
  keyIndices: number[],
  make: MakeRequest,
) {
  const statements = new Statements()
  const router = new Router(statements)
  const id = randomBytes(16)
  const columns = markers.map((marker): Column => ({ keyspace: 'ks', table: 't', name: marker, type: { type: 'text' } })) // prettier-ignore
  const bound = { isGlobal: true, pagingState: null, newId: null, columns, columnCount: columns.length }
  const result = { ...bound, columns: [], columnCount: 0 }
  const prepared = plain(version, { type: 'prepared', id, metadataId: id, bound, keyIndices, result })
  statements.learn(encodeBody(plain(version, { type: 'prepare', text, keyspace: null }), 0), encodeBody(prepared, 0), 'ks') // prettier-ignore
  const requests = Array.from({ length: REQUESTS }, () => {
    const values = markers.map(() => randomBytes(16))
    const parameters = { ...NO_PARAMETERS, values, skipsMetadata: true, pageSize: 5000, timestamp: 1n }
    return encodeBody(plain(version, make(id, parameters, text)), 7)
  })
  let best = Infinity
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.cpuUsage().user
    for (let i = 0; i < perRound; i++)
      if (router.route(requests[i % REQUESTS]!, 'ks', view) !== ROUTE_KEYED) throw new Error(`${name}: no key`)
    best = Math.min(best, ((process.cpuUsage().user - start) * 1000) / perRound)
  }
  console.log(`${name.padEnd(40)} ${best.toFixed(0).padStart(6)} ns`)
}

const execute: MakeRequest = (id, parameters) => ({ type: 'execute', id, metadataId: id, parameters })
const query: MakeRequest = (_, parameters, text) => ({ type: 'query', text, parameters })
const literal: MakeRequest = (_, parameters, text) => {
  const other = text.replace('?', `'${randomBytes(16).toString('hex')}'`)
  return { type: 'query', text: other, parameters: { ...parameters, values: null } }
}
const READ = 'SELECT * FROM ks.one WHERE k = ?'
const ten = 'a b c d e f g h i k'.split(' ')

measure('EXECUTE v4, a key of 16 bytes', 4, READ, ['k'], [0], execute)
measure('EXECUTE v5, a key of 16 bytes', 5, READ, ['k'], [0], execute)
measure('EXECUTE v4, the last of ten values', 4, `INSERT INTO one (${ten.join()}) VALUES (${ten.map(() => '?').join()})`, ten, [9], execute) // prettier-ignore
measure('EXECUTE v4, a key of two columns', 4, 'SELECT * FROM two WHERE k = ? AND l = ?', ['k', 'l'], [0, 1], execute)
measure('QUERY v4, bound, a text that came before', 4, READ, ['k'], [0], query)
measure('QUERY v4, a text that never did', 4, READ, ['k'], [0], literal)
