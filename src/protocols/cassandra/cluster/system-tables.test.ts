import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUuid } from '../body/addresses.ts'
import { isAgreed } from './system-rows.ts'
import { FLEET, id, internalReplies, LOCAL, peer, PEERS, RANDOM, rowsFrame, surroundings, typeOf, type Situation, type Told } from '../../../../test/cassandra-cluster.ts' // prettier-ignore
import { query } from '../../../../test/cassandra.ts'
import type { Frame } from '../../../core/frame.ts'
import { bodyOf, encodeBody, plain } from '../body/body.ts'
import type { CqlType } from '../body/cql-type.ts'
import { NO_PARAMETERS, type BoundValue } from '../body/requests.ts'
import type { Column } from '../body/results.ts'
import { decodeValue, encodeValue, type Value } from '../body/values.ts'
import { errorFrame } from '../envelope.ts'
import { ERROR, ERROR_INVALID } from '../opcodes.ts'
import type { Fleet } from './fleet.ts'
import { Statements } from './statements.ts'
import { internalQueries, rewritten, systemQuery } from './system-tables.ts'

type Bound = readonly BoundValue[] | ReadonlyMap<string, BoundValue>

function queryFrame(version: number, text: string, values: Bound | null = null, keyspace: string | null = null): Frame {
  return encodeBody(plain(version, { type: 'query', text, parameters: { ...NO_PARAMETERS, values, keyspace } }), 5)
}

/** The answer to a QUERY of which the server's has these columns, and these rows. */
function answer(
  text: string,
  columns: readonly string[],
  situation: Situation & { values?: Bound; version?: number; rows?: readonly Told[] } = {},
): Frame {
  const version = situation.version ?? 4
  const asked = systemQuery(queryFrame(version, text, situation.values), null, new Statements())!
  const reply = rowsFrame(version, columns, situation.rows ?? [LOCAL])
  return rewritten(asked, reply, internalReplies(version, asked.table, situation), surroundings(situation))
}

/** Decoded rows. */
function rowsOf(frame: Frame): Value[][] {
  const { message } = bodyOf(frame)
  assert.ok(message.type === 'rows', message.type)
  assert.equal(message.metadata.pagingState, null)
  const types = message.metadata.columns!.map(({ type }) => type)
  return message.rows.map((row) => row.map((value, index) => decodeValue(types[index]!, value)))
}

/** The tests' way to write it: `name:` of what is not asked for by its own name. */
type Case = readonly [text: string, columns: readonly string[], rows: readonly (readonly Value[])[]]

const P2 = '127.0.0.2'
const P3 = '127.0.0.3'

const LOCAL_CASES: readonly Case[] = [
  ['broadcast_address, listen_address, rpc_address', ['broadcast_address', 'listen_address', 'rpc_address'], [['127.0.0.1', '127.0.0.1', '127.0.0.1']]], // prettier-ignore
  ['rpc_port, listen_port', ['rpc_port', 'listen_port'], [[9001, 7777]]],
  ['host_id', ['host_id'], [[id('c')]]],
  ['data_center, rack', ['data_center', 'rack'], [['dc', 'r1']]],
  ['release_version', ['release_version'], [['4.1.9']]],
  ['schema_version', ['schema_version'], [[id('a')]]],
  ['tokens', ['tokens'], [[['1', '2', '30']]]],
  ['key, cluster_name, bootstrapped, truncated_at', ['key', 'cluster_name', 'bootstrapped', 'truncated_at'], [['local', 'real', 'COMPLETED', [[id('b'), Buffer.from([1, 2])]]]]], // prettier-ignore
]

for (const [selected, columns, rows] of LOCAL_CASES)
  for (const version of [3, 4, 5])
    test(`system.local: ${selected}, version ${version}`, () => {
      assert.deepEqual(rowsOf(answer(`SELECT ${selected} FROM system.local`, columns, { version })), rows)
    })

test('aliases and columns that are selected twice', () => {
  const asked = systemQuery(query(4, 'SELECT rack AS host_id, host_id AS rack, host_id FROM system.local WHERE key=\'local\''), null, new Statements())! // prettier-ignore
  const columns = ['text', 'uuid', 'uuid'].map((type, index): Column => ({ keyspace: 'system', table: 'local', name: ['host_id', 'rack', 'host_id'][index]!, type: { type } as CqlType })) // prettier-ignore
  const metadata = { isGlobal: true, pagingState: null, newId: null, columns, columnCount: 3 }
  const reply = encodeBody(plain(4, { type: 'rows', metadata, rows: [[null, null, null]] }), 0)
  assert.deepEqual(rowsOf(rewritten(asked, reply, internalReplies(4, 'local', {}), surroundings({}))), [
    ['r1', id('c'), id('c')],
  ])
})

test('`*` of each table has all its columns, in the order of the reply', () => {
  const [local] = rowsOf(answer('SELECT * FROM system.local', Object.keys(LOCAL)))
  assert.deepEqual(local, [
    'local',
    'COMPLETED',
    '127.0.0.1',
    'real',
    'dc',
    id('c'),
    '127.0.0.1',
    7777,
    'r1',
    '4.1.9',
    '127.0.0.1',
    9001,
    id('a'),
    ['1', '2', '30'],
    [[id('b'), Buffer.from([1, 2])]], // prettier-ignore
  ])
  const v1 = 'tokens peer data_center host_id preferred_ip rack release_version rpc_address schema_version'.split(' ')
  assert.deepEqual(rowsOf(answer('SELECT * FROM system.peers', v1)), [
    [['1', '2', '30'], P2, 'dc', id('d'), null, 'r1', '4.1.9', P2, id('a')],
    [['3', '4'], P3, 'dc', id('e'), null, 'r2', '4.0.1', P3, id('a')],
  ])
  const v2 = 'peer peer_port data_center host_id native_address native_port preferred_ip preferred_port rack release_version schema_version tokens'.split(' ') // prettier-ignore
  assert.deepEqual(rowsOf(answer('SELECT * FROM system.peers_v2', v2)), [
    [P2, 7000, 'dc', id('d'), P2, 9002, null, null, 'r1', '4.1.9', id('a'), ['1', '2', '30']],
    [P3, 7000, 'dc', id('e'), P3, 9003, null, null, 'r2', '4.0.1', id('a'), ['3', '4']],
  ])
})

const PEER_CASES: readonly Case[] = [
  ['SELECT peer FROM system.peers', ['peer'], [[P2], [P3]]],
  ['select PEER from System.Peers;', ['peer'], [[P2], [P3]]],
  ['SELECT "peer" FROM "system"."peers"', ['peer'], [[P2], [P3]]],
  ['SELECT native_port, native_port FROM system.peers_v2', ['native_port', 'native_port'], [[9002, 9002], [9003, 9003]]], // prettier-ignore
  // WHERE
  [`SELECT peer FROM system.peers WHERE peer = '${P3}'`, ['peer'], [[P3]]],
  [`SELECT rack FROM system.peers WHERE peer = '${P3}'`, ['rack'], [['r2']]],
  [`SELECT peer FROM system.peers WHERE peer = '10.0.0.2'`, ['peer'], []],
  [`SELECT peer FROM system.peers WHERE peer IN ('${P3}', '10.0.0.2', '${P2}')`, ['peer'], [[P2], [P3]]],
  [`SELECT peer FROM system.peers WHERE peer IN ()`, ['peer'], []],
  [`SELECT peer FROM system.peers WHERE rack = 'r1' ALLOW FILTERING`, ['peer'], [[P2]]],
  [`SELECT peer FROM system.peers WHERE rack != 'r1' ALLOW FILTERING`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers WHERE host_id = ${id('e')} ALLOW FILTERING`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers_v2 WHERE native_port > 9002 ALLOW FILTERING`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers_v2 WHERE native_port >= 9002 AND native_port < 9003 ALLOW FILTERING`, ['peer'], [[P2]]], // prettier-ignore
  [`SELECT peer FROM system.peers_v2 WHERE native_port BETWEEN 9003 AND 9999 ALLOW FILTERING`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers WHERE peer > '${P2}' ALLOW FILTERING`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers WHERE preferred_ip = '${P2}' ALLOW FILTERING`, ['peer'], []],
  [`SELECT peer FROM system.peers WHERE tokens CONTAINS '4' ALLOW FILTERING`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers WHERE tokens NOT CONTAINS '4' ALLOW FILTERING`, ['peer'], [[P2]]],
  [`SELECT peer FROM system.peers_v2 WHERE peer = '${P3}' AND peer_port = 7000`, ['peer'], [[P3]]],
  [`SELECT peer FROM system.peers_v2 WHERE peer = '${P3}' AND peer_port = 7001`, ['peer'], []],
  // How many
  ['SELECT peer FROM system.peers LIMIT 1', ['peer'], [[P2]]],
  ['SELECT peer FROM system.peers PER PARTITION LIMIT 1', ['peer'], [[P2], [P3]]],
  ['SELECT DISTINCT peer FROM system.peers_v2', ['peer'], [[P2], [P3]]],
  // Functions
  ['SELECT count(*) FROM system.peers', ['count'], [[2n]]],
  ['SELECT COUNT(1) FROM system.peers', ['count'], [[2n]]],
  ['SELECT count(preferred_ip) FROM system.peers', ['count'], [[0n]]],
  [`SELECT count(*) FROM system.peers WHERE peer = '10.0.0.2'`, ['count'], [[0n]]],
  ['SELECT max(native_port), min(native_port), max(peer) FROM system.peers_v2', ['native_port', 'native_port', 'peer'], [[9003, 9002, P3]]], // prettier-ignore
  [
    'SELECT peer, count(*) FROM system.peers_v2 GROUP BY peer',
    ['peer', 'count'],
    [
      [P2, 1n],
      [P3, 1n],
    ],
  ],
  ['SELECT tojson(tokens), toJson(host_id), to_json(preferred_ip) FROM system.peers LIMIT 1', ['a', 'b', 'c'], [['["1", "2", "30"]', `"${id('d')}"`, 'null']]], // prettier-ignore
  ['SELECT CAST(native_port AS text), cast(peer as text) FROM system.peers_v2 LIMIT 1', ['a', 'b'], [['9002', P2]]],
  ['SELECT ttl(rack) FROM system.peers LIMIT 1', ['listen_port'], [[null]]],
  // JSON
  ['SELECT JSON peer, native_port AS "Port", tokens FROM system.peers_v2 LIMIT 1', ['[json]'], [[`{"peer": "${P2}", "\\"Port\\"": 9002, "tokens": ["1", "2", "30"]}`]]], // prettier-ignore
  ['SELECT JSON count(*), max(native_port) FROM system.peers_v2', ['[json]'], [['{"count": 2, "system.max(native_port)": 9003}']]], // prettier-ignore
  [`SELECT JSON * FROM system.peers WHERE peer = '${P3}'`, ['[json]'], [[`{"peer": "${P3}", "data_center": "dc", "host_id": "${id('e')}", "preferred_ip": null, "rack": "r2", "release_version": "4.0.1", "rpc_address": "${P3}", "schema_version": "${id('a')}", "tokens": ["3", "4"]}`]]], // prettier-ignore
]

for (const [text, columns, rows] of PEER_CASES)
  test(`${text}: ${rows.length} rows`, () => {
    const reply = answer(text, columns)
    assert.deepEqual(rowsOf(reply), rows)
    assert.equal(bodyOf(reply).warnings, null)
    assert.equal(reply.stream, 5)
  })

const BOUND_CASES: readonly [text: string, values: Bound, rows: readonly (readonly Value[])[]][] = [
  ['WHERE peer = ?', [Buffer.from([127, 0, 0, 3])], [[P3]]],
  ['WHERE peer = ?', [Buffer.from([10, 0, 0, 2])], []],
  ['WHERE peer = :p LIMIT :l', new Map([['p', Buffer.from([127, 0, 0, 2])], ['l', Buffer.from([0, 0, 0, 1])]]), [[P2]]], // prettier-ignore
  ['WHERE peer IN ?', [encodeValue({ type: 'list', of: { type: 'inet' } }, [P3, '10.0.0.2'])], [[P3]]],
  ['WHERE peer IN (?, ?)', [Buffer.from([127, 0, 0, 2]), Buffer.from([127, 0, 0, 3])], [[P2], [P3]]],
  ['LIMIT ?', [Buffer.from([0, 0, 0, 1])], [[P2]]],
]

for (const [text, values, rows] of BOUND_CASES) {
  test(`values that are bound in a text: ${text}, ${rows.length} rows`, () => {
    assert.deepEqual(rowsOf(answer(`SELECT peer FROM system.peers ${text}`, ['peer'], { values })), rows)
  })
  for (const described of [true, false])
    test(`values that are bound to what was prepared, ${described ? 'with' : 'without'} a description: ${text}`, () => {
      const statements = new Statements()
      const prepare = encodeBody(plain(4, { type: 'prepare', text: `SELECT peer FROM system.peers ${text}`, keyspace: null }), 0) // prettier-ignore
      const column = (name: string): Column => ({ keyspace: 'system', table: 'peers', name, type: typeOf(name) })
      const names = values instanceof Map ? [...values.keys()] : text.startsWith('LIMIT') ? ['[limit]'] : ['peer', 'peer'] // prettier-ignore
      const of = (columns: readonly Column[]) => ({ isGlobal: true, pagingState: null, newId: null, columns, columnCount: columns.length }) // prettier-ignore
      const prepared = encodeBody(plain(4, { type: 'prepared', id: Buffer.from('id'), metadataId: null, bound: of(names.map(column)), keyIndices: [], result: of([column('peer')]) }), 0) // prettier-ignore
      statements.learn(prepare, prepared, null)
      const execute = encodeBody(plain(4, { type: 'execute', id: Buffer.from('id'), metadataId: null, parameters: { ...NO_PARAMETERS, values } }), 0) // prettier-ignore
      const asked = systemQuery(execute, 'anything', statements)!
      const reply = rewritten(asked, rowsFrame(4, ['peer'], PEERS, { described }), internalReplies(4, 'peers', {}), surroundings({})) // prettier-ignore
      const { message } = bodyOf(reply)
      assert.ok(message.type === 'rows')
      assert.equal(message.metadata.columns === null, !described)
      assert.deepEqual(message.rows.map((row) => row.map((value) => decodeValue({ type: 'inet' }, value))), rows) // prettier-ignore
    })
}

test('WHERE on system.local is about the proxy', () => {
  const ask = (where: string) => rowsOf(answer(`SELECT host_id FROM system.local WHERE ${where}`, ['host_id'])).length
  assert.equal(ask(`key = 'local'`), 1)
  assert.equal(ask(`key = 'other'`), 0)
  assert.equal(ask(`host_id = ${id('c')} ALLOW FILTERING`), 1)
  assert.equal(ask(`host_id = ${id('1')} ALLOW FILTERING`), 0)
})

const FOREIGN: readonly [text: string, keyspace: string | null, version?: number, own?: string][] = [
  ['SELECT * FROM ks.peers', null],
  ['SELECT * FROM peers', null],
  ['SELECT * FROM peers', 'ks'],
  ['SELECT * FROM system.peers_v3', null],
  ['SELECT * FROM "system"."Peers"', null],
  ['SELECT * FROM system_schema.tables', null],
  ['INSERT INTO system.peers (peer) VALUES (?)', null],
  ['nothing', null],
  ['SELECT * FROM peers', 'system', 5, 'ks'],
]
for (const [text, keyspace, version = 4, own = null] of FOREIGN)
  test(`${text} with the keyspace ${own ?? keyspace ?? 'unchosen'} is about no nodes`, () => {
    assert.equal(systemQuery(queryFrame(version, text, null, own), keyspace, new Statements()), null)
  })

test('a table without a keyspace is that of the one that was chosen', () => {
  assert.equal(systemQuery(query(4, 'SELECT * FROM peers'), 'system', new Statements())?.table, 'peers')
  assert.equal(systemQuery(queryFrame(5, 'SELECT * FROM peers', null, 'system'), 'ks', new Statements())?.table, 'peers') // prettier-ignore
})

test('a head, a torn frame and an EXECUTE that nobody knows are about no nodes', () => {
  const head = query(4, 'SELECT * FROM system.local')
  head.flags = 1
  assert.equal(systemQuery(head, null, new Statements()), null)
  const torn = query(4, 'SELECT * FROM system.local')
  torn.end -= 2
  assert.equal(systemQuery(torn, null, new Statements()), null)
  const message = { type: 'execute', id: Buffer.from('x'), metadataId: null, parameters: NO_PARAMETERS } as const
  assert.equal(systemQuery(encodeBody(plain(4, message), 0), null, new Statements()), null)
})

test('a schema that a node in the rack does not have yet is one that nobody has', () => {
  const late = [peer(2, 'r1', ['2'], { schema_version: id('f') }), ...PEERS.slice(1)]
  const seen = (situation: Situation) => [
    rowsOf(answer('SELECT schema_version FROM system.local', ['schema_version'], situation)),
    rowsOf(answer('SELECT schema_version FROM system.peers', ['schema_version'], situation)),
  ]
  assert.deepEqual(seen({ peers: late }), [[[RANDOM]], [[RANDOM], [id('a')]]])
  // One that is down has time.
  assert.deepEqual(seen({ peers: late, down: [id('2')] }), [[[id('a')]], [[id('a')], [id('a')]]])
})

test('a schema that a node in a rack without a proxy does not have yet is one that nobody has', () => {
  const far = [...PEERS.slice(0, -1), peer(5, 'r2', ['5'], { data_center: 'other', schema_version: id('f') })]
  const seen = (situation: Situation) =>
    rowsOf(answer('SELECT schema_version FROM system.local', ['schema_version'], situation))
  assert.deepEqual(seen({ peers: far }), [[RANDOM]])
  assert.deepEqual(seen({ peers: far, down: [id('5')] }), [[id('a')]])
  const alone = { ...FLEET, peers: [] }
  const late = [PEERS[0]!, peer(3, 'r2', ['3'], { schema_version: id('f') })]
  assert.deepEqual(seen({ fleet: alone, peers: late }), [[RANDOM]])
})

test('a rack without nodes has the version and schema of its data centre, and no tokens', () => {
  const fleet: Fleet = { ...FLEET, peers: [{ ...FLEET.peers[0]!, rack: 'r9' }] }
  const columns = ['rack', 'release_version', 'schema_version', 'tokens']
  const reply = answer(`SELECT ${columns.join()} FROM system.peers`, columns, { fleet })
  assert.deepEqual(rowsOf(reply), [['r9', '4.0.1', id('a'), []]])
})

test('a node that answers to all addresses says so on', () => {
  const local = { ...LOCAL, rpc_address: '0.0.0.0' }
  assert.deepEqual(rowsOf(answer('SELECT rpc_address FROM system.local', ['rpc_address'], { local })), [['0.0.0.0']])
})

test('columns that are not known are null, and told of', () => {
  const warned: string[] = []
  assert.deepEqual(rowsOf(answer('SELECT graph FROM system.peers_v2', ['graph'], { warned })), [[null], [null]])
  assert.deepEqual(warned, ['Unknown column name in system.peers/system.peers_v2: graph'])
})

test('what only the server can compute of nothing that is about nodes, it has computed', () => {
  const rows = [{ cluster_name: 'REAL' }]
  assert.deepEqual(rowsOf(answer('SELECT upper(cluster_name) FROM system.local', ['cluster_name'], { rows })), [['REAL']]) // prettier-ignore
  assert.deepEqual(rowsOf(answer('SELECT now() FROM system.peers', ['cluster_name'], { rows })), [['REAL'], ['REAL']])
})

const WARNED: readonly [text: string, column: string, rows: number, warning: string][] = [
  ['SELECT peer FROM system.peers WHERE token(peer) > 0', 'peer', 2, 'WHERE clause on the query was ignored in part. Shotover does not support token(peer) > 0 on queries against system.peers'], // prettier-ignore
  ['SELECT upper(rack) FROM system.peers', 'a', 2, 'system.upper(rack) is null. Shotover does not support it on queries against system.peers'], // prettier-ignore
  ['SELECT upper(rack) AS r FROM system.local', 'a', 1, 'r is null. Shotover does not support it on queries against system.local'], // prettier-ignore
  ['SELECT JSON upper(rack) FROM system.local', '[json]', 1, 'system.upper(rack) is null. Shotover does not support it on queries against system.local'], // prettier-ignore
]
for (const [text, column, rows, warning] of WARNED)
  test(`${text}: the client is warned, where its version has warnings`, () => {
    const reply = answer(text, [column])
    assert.deepEqual(bodyOf(reply).warnings, [warning])
    assert.equal(rowsOf(reply).length, rows)
    const old = answer(text, [column], { version: 3 })
    assert.equal(bodyOf(old).warnings, null)
    assert.equal(rowsOf(old).length, rows)
  })

test('what can not be parsed has the columns that the server tells', () => {
  const reply = answer('SELECT peer, native_port FROM system.peers_v2 WITH something NEW', ['peer', 'native_port'])
  assert.deepEqual(rowsOf(reply), [[P2, 9002], [P3, 9003]]) // prettier-ignore
})

test('errors of the server pass; those of the questions of the proxy are told', () => {
  const asked = systemQuery(query(4, 'SELECT * FROM system.peers'), null, new Statements())!
  const refused = errorFrame(4, 5, ERROR_INVALID, 'Undefined column name')
  const [local, peers] = internalReplies(4, 'peers', {})
  const failed = errorFrame(4, 0, 0x1200, 'Operation timed out')
  assert.equal(rewritten(asked, refused, [failed, failed], surroundings({})), refused)
  const reply = rowsFrame(4, ['peer'], PEERS)
  for (const [internals, table] of [
    [[failed, peers!], 'system.local'],
    [[local!, failed], 'system.peers'],
  ] as const) {
    const { message } = bodyOf(rewritten(asked, reply, internals, surroundings({})))
    assert.ok(message.type === 'error')
    assert.equal(message.code, 0)
    assert.equal(message.message, `Shotover failed to generate system.peers, an error occurred when an internal ${table} query was run. Operation timed out`) // prettier-ignore
  }
})

test('nothing of the nodes is told where their answer can not be read', () => {
  const asked = systemQuery(query(4, 'SELECT * FROM system.peers'), null, new Statements())!
  const [local, peers] = internalReplies(4, 'peers', {})
  const torn = rowsFrame(4, ['peer'], PEERS)
  torn.end -= 3
  const undescribed = rowsFrame(4, ['peer'], PEERS, { described: false })
  for (const [reply, internals] of [
    [torn, [local!, peers!]],
    [rowsFrame(4, ['peer'], PEERS), [local!, undescribed]],
  ] as const)
    assert.equal(rewritten(asked, reply, internals, surroundings({})).kind, ERROR)
})

test('warnings of the server, and of the questions of the proxy, are kept', () => {
  const asked = systemQuery(query(4, 'SELECT peer FROM system.peers'), null, new Statements())!
  const [local, peers] = internalReplies(4, 'peers', {})
  const warning = rowsFrame(4, Object.keys(LOCAL), [LOCAL], { warnings: ['slow'] })
  const reply = rowsFrame(4, ['peer'], PEERS, { warnings: ['own'] })
  assert.deepEqual(bodyOf(rewritten(asked, reply, [warning, peers!], surroundings({}))).warnings, ['own', 'slow'])
  assert.equal(bodyOf(rewritten(asked, rowsFrame(4, ['peer'], PEERS), [local!, peers!], surroundings({}))).warnings, null) // prettier-ignore
})

for (const version of [3, 4, 5])
  test(`the questions of the proxy, version ${version}`, () => {
    const told = (text: string) => {
      const asked = systemQuery(query(version, text), null, new Statements())!
      return internalQueries(asked, version).map((frame) => {
        const { message, version: spoken } = bodyOf(frame)
        assert.ok(message.type === 'query')
        assert.equal(spoken, version)
        return message.text
      })
    }
    assert.deepEqual(told('SELECT rack FROM system.local'), ['SELECT * FROM system.local', 'SELECT * FROM system.peers']) // prettier-ignore
    assert.deepEqual(told('SELECT rack FROM system.peers'), ['SELECT * FROM system.local', 'SELECT * FROM system.peers']) // prettier-ignore
    assert.deepEqual(told('SELECT rack FROM system.peers_v2'), ['SELECT * FROM system.local', 'SELECT * FROM system.peers_v2']) // prettier-ignore
  })

test('nodes have one schema where those of them do that are up', () => {
  const uuid = (digit: string) => parseUuid(id(digit))!
  const node = (digit: string, schema: string | null) =>
    new Map([['host_id', uuid(digit)], ['schema_version', schema === null ? null : uuid(schema)]]) // prettier-ignore
  const isDown = (hostId: string) => hostId === id('9')
  const agreed = (...nodes: ReturnType<typeof node>[]) => isAgreed(nodes, { ...surroundings({}), isDown })
  assert.equal(agreed(node('1', 'a')), true)
  assert.equal(agreed(node('1', 'a'), node('2', 'a'), node('9', 'b')), true)
  assert.equal(agreed(node('1', 'a'), node('2', 'b')), false)
  assert.equal(agreed(node('1', 'a'), node('2', null)), false)
  assert.equal(agreed(node('1', null)), false)
  assert.equal(agreed(), false)
})
