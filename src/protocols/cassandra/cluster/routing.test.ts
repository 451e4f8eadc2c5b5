import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterNode } from '../../../../test/cassandra-nodes.ts'
import { compressedRequest } from '../../../../test/cassandra.ts'
import { Frame, FRAME_HEAD } from '../../../core/frame.ts'
import { encodeBody, plain } from '../body/body.ts'
import type { CqlType } from '../body/cql-type.ts'
import {
  NO_PARAMETERS,
  UNSET,
  type BatchStatement,
  type BoundValue,
  type Parameters,
  type Request,
} from '../body/requests.ts'
import type { Column } from '../body/results.ts'
import { COMPRESSION_LZ4, COMPRESSION_SNAPPY } from '../compression.ts'
import { MURMUR3, routingKey } from '../token.ts'
import { ROUTE_ANY, ROUTE_CONTROL, ROUTE_KEYED, Router } from './routing.ts'
import { Schema } from './schema.ts'
import { Statements } from './statements.ts'
import { ClusterView } from './view.ts'

/** As many nodes as tell keys apart: each of the keys below has another one. */
const NODES = Array.from({ length: 64 }, (_, i) => clusterNode(`n${i}`, 'dc1:r1', String(-(2n ** 63n) + (BigInt(i) << 58n)))) // prettier-ignore
const KEYS = { one: ['k int'], two: ['a text', 'b int'], same: ['k int'] }
const rows = Object.entries(KEYS).flatMap(([table, columns]) =>
  columns.map((text, position) => {
    const [name, type] = text.split(' ') as [string, string]
    return { keyspace: 'ks', table, name, position, type }
  }),
)
const replication = { strategy: 'simple', factor: 1 } as const
const SCHEMA = new Schema(new Map([['ks', replication], ['other', replication]]), [...rows, { ...rows[0]!, keyspace: 'other', table: 'same', type: 'bigint' }], []) // prettier-ignore
const VIEW = new ClusterView(NODES, 'dc1', MURMUR3, SCHEMA)

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const ONE = int(1)
const SEVEN = int(7)
const X = Buffer.from('x')
const BIG = Buffer.from('0000000000000001', 'hex')

function frame(version: number, message: Request): Frame {
  return encodeBody(plain(version, message), 5)
}

function query(version: number, text: string, parameters: Partial<Parameters> = {}): Frame {
  return frame(version, { type: 'query', text, parameters: { ...NO_PARAMETERS, ...parameters } })
}

function execute(version: number, id: Buffer, values: Parameters['values']): Frame {
  const parameters = { ...NO_PARAMETERS, values, pageSize: 5000 }
  return frame(version, { type: 'execute', id, metadataId: Buffer.from('metadata'), parameters })
}

function batch(version: number, statements: readonly BatchStatement[], keyspace: string | null = null): Frame {
  const parameters = { ...NO_PARAMETERS, timestamp: 1n, serialConsistency: 8, keyspace }
  return frame(version, { type: 'batch', kind: 0, statements, parameters })
}

/** Prepares `text`; the markers are told as a server would. */
function prepare(
  statements: Statements,
  version: number,
  text: string,
  keyspace: string | null,
  markers: readonly string[],
  keyIndices: readonly number[],
): Buffer {
  const id = Buffer.from(`id of ${text}`.padEnd(16).slice(0, 64))
  const columns = markers.map((marker): Column => {
    const [name, type] = marker.split(' ') as [string, 'int']
    return { keyspace: 'ks', table: 't', name, type: { type } satisfies CqlType }
  })
  const bound = { isGlobal: true, pagingState: null, newId: null, columns, columnCount: columns.length }
  const result = { ...bound, columns: [], columnCount: 0 }
  const reply = plain(version, { type: 'prepared', id, metadataId: X, bound, keyIndices, result })
  const request = frame(version, { type: 'prepare', text, keyspace: null })
  assert.notEqual(statements.learn(request, encodeBody(reply, 5), keyspace), null)
  return id
}

/** Who has the partition whose key has these parts. */
function owner(...parts: Buffer[]): string {
  const token = MURMUR3.token(routingKey(parts)!)
  return NODES[Math.ceil(Number(token + 2n ** 63n) / 2 ** 58) % NODES.length]!.hostId
}

/** `any`, `control`, or the node. */
function told(router: Router, request: Frame, keyspace: string | null = 'ks', view = VIEW): string {
  const route = router.route(request, keyspace, view)
  assert.equal(route === ROUTE_KEYED, router.replicas.length > 0)
  if (route === ROUTE_KEYED) return router.replicas.map((node) => node.hostId).join()
  return route === ROUTE_CONTROL ? 'control' : route === ROUTE_ANY ? 'any' : `${route}`
}

test('the keys of these tests have owners that differ', () => {
  assert.equal(new Set([owner(ONE), owner(SEVEN), owner(X, ONE), owner(X, SEVEN), owner(BIG)]).size, 5)
})

const TEXTS: readonly (readonly [text: string, values: Parameters['values'], where: string])[] = [
  ['SELECT * FROM ks.one WHERE k = 1', null, owner(ONE)],
  ['SELECT * FROM one WHERE k = ?', [SEVEN], owner(SEVEN)],
  ['SELECT v FROM one WHERE c = ? AND k = ?', [X, SEVEN], owner(SEVEN)],
  ['SELECT v FROM one WHERE c = ? AND k = ?', [null, SEVEN, X], owner(SEVEN)],
  ['SELECT v FROM one WHERE c = ? AND k = ?', [UNSET, SEVEN], owner(SEVEN)],
  ['UPDATE two SET v = ? WHERE b = ? AND a = ?', [ONE, SEVEN, X], owner(X, SEVEN)],
  ["INSERT INTO two (a, b) VALUES ('x', ?)", [SEVEN], owner(X, SEVEN)],
  ["DELETE FROM two WHERE a = 'x' AND b = 1", null, owner(X, ONE)],
  ['SELECT * FROM two WHERE a = ? AND b = :b', new Map([['b', ONE], ['a', X]]), owner(X, ONE)], // prettier-ignore
  ["SELECT * FROM two WHERE a = 'x' AND b = :bb", new Map([['c', SEVEN], ['bb', ONE]]), owner(X, ONE)], // prettier-ignore
  ['SELECT * FROM one WHERE k = :k', new Map<string, BoundValue>([['c', null], ['k', SEVEN]]), owner(SEVEN)], // prettier-ignore
  ["BEGIN BATCH INSERT INTO none (k) VALUES (?); UPDATE two SET v = 1 WHERE a = 'x' AND b = ? APPLY BATCH", [ONE, SEVEN], owner(X, SEVEN)], // prettier-ignore
  ['SELECT * FROM one WHERE k = :k', new Map([['c', SEVEN]]), 'any'],
  ['SELECT * FROM one WHERE k = :k', new Map([['k', null]]), 'any'],
  ['SELECT * FROM one WHERE k = ?', [null], 'any'],
  ['SELECT * FROM one WHERE k = ?', [UNSET], 'any'],
  ['SELECT * FROM one WHERE k = ?', [], 'any'],
  ['SELECT * FROM one WHERE k = ?', null, 'any'],
  ['SELECT * FROM two WHERE a = ? AND b = ?', [Buffer.alloc(65536), SEVEN], 'any'],
  ['SELECT * FROM two WHERE a = ?', [X], 'any'],
  ['SELECT * FROM one', null, 'any'],
  ['SELECT * FROM none WHERE k = 1', null, 'any'],
  ['this is no CQL', null, 'any'],
  ['SELECT * FROM system.local', null, 'control'],
  ['SELECT * FROM "system_schema".tables WHERE keyspace_name = ?', [X], 'control'],
  ['SELECT strange syntax of later days FROM system.peers', null, 'control'],
  ['USE ks', null, 'control'],
  ['TRUNCATE one', null, 'control'],
  ['CREATE TABLE t (k int PRIMARY KEY)', null, 'control'],
  ['DROP TABLE t', null, 'control'],
  ['ALTER KEYSPACE ks WITH durable_writes = false', null, 'control'],
  ['CREATE ROLE r', null, 'control'],
  ['GRANT SELECT ON ks.one TO r', null, 'control'],
  ['LIST ROLES', null, 'control'],
  ['DESCRIBE TABLES', null, 'control'],
]

for (const version of [3, 4, 5])
  test(`version ${version}: a QUERY goes where its text and values tell, the first time and later`, () => {
    const router = new Router(new Statements())
    for (const [text, values, where] of TEXTS) {
      const parameters = { values, pageSize: 10, pagingState: X, serialConsistency: 8, timestamp: 1n }
      for (const time of ['first', 'second'])
        assert.equal(told(router, query(version, text, parameters)), where, `${text}, the ${time} time`)
    }
  })

test('names without a keyspace mean that of the session, or the one that the request names', () => {
  const router = new Router(new Statements())
  const text = 'SELECT * FROM same WHERE k = 1'
  assert.equal(told(router, query(4, text), null), 'any')
  assert.equal(told(router, query(4, text), 'ks'), owner(ONE))
  assert.equal(told(router, query(4, text), 'other'), owner(BIG))
  assert.equal(told(router, query(4, 'SELECT * FROM local'), 'system'), 'control')
  assert.equal(told(router, query(4, text.replace('same', 'ks.same')), 'other'), owner(ONE))
  const bound = text.replace('1', '?')
  for (const values of [[BIG], new Map([['k', BIG]])]) {
    const parameters = { values, keyspace: 'other', pageSize: 1, pagingState: X, serialConsistency: 8, timestamp: 9n }
    assert.equal(told(router, query(5, bound, parameters), 'ks'), owner(BIG))
  }
  assert.equal(told(router, batch(5, [{ statement: text, values: [] }], 'other'), 'ks'), owner(BIG))
  assert.equal(told(router, frame(5, { type: 'prepare', text: 'SELECT * FROM local', keyspace: 'system' })), 'control')
})

test('a PREPARE goes anywhere, but where its statement is about the schema or a single node', () => {
  const router = new Router(new Statements())
  for (const version of [3, 4, 5]) {
    const of = (text: string) => told(router, frame(version, { type: 'prepare', text, keyspace: null }))
    assert.deepEqual(['SELECT * FROM one WHERE k = 1', 'SELECT * FROM system.local', 'DROP TABLE one'].map(of), ['any', 'control', 'control']) // prettier-ignore
  }
})

const PREPARED: readonly (readonly [
  text: string,
  markers: readonly string[],
  keyIndices: readonly number[],
  values: Parameters['values'],
  where: string,
])[] = [
  ['SELECT * FROM one WHERE k = ?', ['k int'], [0], [SEVEN], owner(SEVEN)],
  ['UPDATE one SET v = ? WHERE k = ?', ['v int', 'k int'], [1], [null, SEVEN], owner(SEVEN)],
  ['UPDATE one SET v = ? WHERE k = :key', ['v int', 'key int'], [1], new Map([['key', SEVEN], ['v', ONE]]), owner(SEVEN)], // prettier-ignore
  ['SELECT * FROM ks.two WHERE b = ? AND a = ?', ['b int', 'a text'], [1, 0], [SEVEN, X], owner(X, SEVEN)],
  ['SELECT * FROM ks.two WHERE b = ? AND a = ?', ['b int', 'a text'], [1, 0], new Map([['a', X], ['b', ONE]]), owner(X, ONE)], // prettier-ignore
  // Of these no server tells which markers are the key.
  ["SELECT * FROM ks.two WHERE b = ? AND a = 'x'", ['b int'], [], [SEVEN], owner(X, SEVEN)],
  ["SELECT * FROM ks.two WHERE b = 1 AND a = 'x'", [], [], null, owner(X, ONE)],
  ['SELECT * FROM one WHERE k = ?', ['k int'], [0], [null], 'any'],
  ['SELECT * FROM one WHERE k = ?', ['k int'], [0], [], 'any'],
  ['SELECT * FROM one WHERE k = ?', ['k int'], [0], null, 'any'],
  ['SELECT * FROM one WHERE v = ?', ['v int'], [], [SEVEN], 'any'],
  ['SELECT * FROM system.peers WHERE peer = ?', ['peer int'], [0], [SEVEN], 'control'],
  ['DROP TABLE one', [], [], null, 'control'],
]

for (const version of [3, 4, 5])
  test(`version ${version}: an EXECUTE goes where its statement and values tell, in a BATCH too`, () => {
    const statements = new Statements()
    const router = new Router(statements)
    for (const [text, markers, keyIndices, values, where] of PREPARED) {
      const id = prepare(statements, version, text, 'ks', markers, version >= 4 ? keyIndices : [])
      for (const time of ['first', 'second'])
        assert.equal(told(router, execute(version, id, values), 'elsewhere'), where, `${text}, the ${time} time`)
      if (values instanceof Map) continue
      const mixed = [
        { statement: 'INSERT INTO none (k) VALUES (?)', values: [ONE] },
        { statement: id, values: (values ?? []) as BoundValue[] },
        { statement: 'INSERT INTO one (k) VALUES (1)', values: [] },
      ]
      const wanted = where === 'any' ? owner(ONE) : where
      assert.equal(told(router, batch(version, mixed), 'ks'), wanted, text)
    }
    assert.equal(told(router, execute(version, Buffer.from('unknown'), [ONE])), 'any')
    const unknown = { statement: Buffer.from('unknown'), values: [SEVEN] }
    const known = { statement: 'INSERT INTO one (k) VALUES (?)', values: [SEVEN] }
    assert.equal(told(router, batch(version, [unknown, known])), owner(SEVEN))
    assert.equal(told(router, batch(version, [])), 'any')
  })

test('what is no statement goes anywhere', () => {
  const router = new Router(new Statements())
  for (const message of [{ type: 'options' }, { type: 'register', events: ['STATUS_CHANGE'] }] as Request[])
    assert.equal(told(router, frame(4, message)), 'any')
})

test('an EXECUTE of what was not seen prepared is told from others', () => {
  const router = new Router(new Statements())
  told(router, execute(4, Buffer.from('nobody saw it'), null))
  assert.equal(router.isUnknown, true)
  told(router, query(4, 'SELECT * FROM one WHERE k = 1'))
  assert.equal(router.isUnknown, false)
})

test('texts that can not be parsed are counted, each time, and go on', () => {
  let unparsed = 0
  const router = new Router(new Statements(), () => unparsed++)
  const strange = 'SELECT v FROM t WHERE k = 1 WITH something NEW'
  assert.equal(told(router, query(4, 'SELECT * FROM one WHERE k = 1')), owner(ONE))
  assert.equal(unparsed, 0)
  for (const request of [query(4, strange), query(4, strange), batch(4, [{ statement: strange, values: [] }])])
    assert.equal(told(router, request), 'any')
  assert.equal(unparsed, 3)
  assert.equal(told(router, query(4, 'SELECT * FROM system.local WITH something NEW')), 'control')
  assert.equal(unparsed, 4)
})

test('a payload and compression are looked through', () => {
  const router = new Router(new Statements())
  const message: Request = { type: 'query', text: 'SELECT * FROM one WHERE k = 1', parameters: NO_PARAMETERS }
  const payload = new Map([['name', Buffer.from('value')]])
  assert.equal(told(router, encodeBody({ ...plain(4, message), payload }, 0)), owner(ONE))
  for (const compression of [COMPRESSION_LZ4, COMPRESSION_SNAPPY])
    assert.equal(told(router, compressedRequest(frame(4, message), compression)), owner(ONE))
})

test('a change of the schema changes where statements go', () => {
  const statements = new Statements()
  const router = new Router(statements)
  const text = 'SELECT * FROM same WHERE k = 1'
  const id = prepare(statements, 3, text, 'ks', [], [])
  const changed = rows.map((row) => (row.table === 'same' ? { ...row, type: 'bigint' } : row))
  const views = [VIEW, new ClusterView(NODES, 'dc1', MURMUR3, new Schema(SCHEMA.replications, changed, []))]
  for (const [index, view] of [...views, ...views].entries()) {
    const wanted = owner(index % 2 === 0 ? ONE : BIG)
    assert.equal(told(router, query(4, text), 'ks', view), wanted)
    assert.equal(told(router, execute(3, id, null), 'ks', view), wanted)
  }
})

test('of a large statement whose text has not all come it is known what it is', () => {
  const router = new Router(new Statements())
  const head = (text: string) => {
    const whole = query(4, text + ' '.repeat(10_000))
    whole.end = 1000
    whole.flags = FRAME_HEAD
    return whole
  }
  assert.equal(told(router, head('SELECT * FROM one WHERE k = 1 ')), 'any')
  assert.equal(told(router, head('CREATE TABLE t')), 'control')
  assert.equal(told(router, head('SELECT * FROM system.local')), 'control')
})

test('requests that are cut off or damaged anywhere are no reason to fail', () => {
  const statements = new Statements()
  const router = new Router(statements)
  const id = prepare(statements, 5, 'SELECT * FROM ks.two WHERE b = ? AND a = ?', 'ks', ['b int', 'a text'], [1, 0])
  const frames = [3, 4, 5].flatMap((version) => [
    query(version, 'SELECT * FROM one WHERE k = ?', { values: [ONE], keyspace: 'ks', timestamp: 1n }),
    query(version, 'SELECT * FROM one WHERE k = :k', { values: new Map([['k', ONE]]), keyspace: 'ks' }),
    execute(version, id, [ONE, X]),
    execute(version, id, new Map([['a', X], ['b', ONE]])), // prettier-ignore
    batch(version, [{ statement: 'INSERT INTO none (k) VALUES (?)', values: [ONE] }, { statement: id, values: [ONE, X] }], 'ks'), // prettier-ignore
  ])
  for (const whole of frames)
    for (let end = whole.start + 9; end < whole.end; end++)
      told(router, new Frame(whole.bytes, whole.start, end, whole.kind, whole.code, false))
  const byte = fc.integer({ min: 0, max: 255 })
  fc.assert(
    fc.property(fc.constantFrom(...frames), fc.array(fc.tuple(fc.nat(), byte), { maxLength: 4 }), (whole, edits) => {
      const bytes = Buffer.from(whole.toBuffer())
      for (const [at, value] of edits) bytes[9 + (at % (bytes.length - 9))] = value
      told(router, new Frame(bytes, 0, bytes.length, whole.kind, whole.code, false))
    }),
    { numRuns: 3000 },
  )
})
