import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '../../sim/world.ts'
import type { Frame } from '../../core/frame.ts'
import { encodeBody, plain } from '../../protocols/cassandra/body/body.ts'
import { NO_PARAMETERS, UNSET, type Parameters, type Request } from '../../protocols/cassandra/body/requests.ts'
import { planOf } from './plan.ts'
import { PreparedPlans } from './prepared-plans.ts'
import { Requests, type Matter, type Speaker } from './requests.ts'
import { Tables } from './tables.ts'

const KEY = { partition_key: ['k'], range_key: [] }
const log = { debug() {}, info() {}, warn() {}, error() {} }
const tables = new Tables({ 'ks.t': KEY, 'ks.two': KEY, 'ks.unknown': KEY }, 'p:', new SimWorld().world, log)
const facts = { clusteringKey: [], isCacheable: true, reason: '' }
tables.find('ks', 't')!.facts = { ...facts, partitionKey: [{ name: 'k', type: { type: 'int' } }] }
tables.find('ks', 'two')!.facts = {
  ...facts,
  partitionKey: [
    { name: 'a', type: { type: 'text' } },
    { name: 'B', type: { type: 'int' } },
  ],
}
const prepared = new PreparedPlans()
const requests = new Requests(tables, prepared)
const SPEAKER: Speaker = { user: '', keyspace: 'ks' }

const int = (value: number) => Buffer.from([0, 0, 0, value])

function frame(message: Request, version = 4): Frame {
  return encodeBody(plain(version, message), 1)
}

function asked(text: string, parameters: Partial<Parameters> = {}, version = 4, speaker = SPEAKER): Matter {
  return requests.matterOf(
    frame({ type: 'query', text, parameters: { ...NO_PARAMETERS, ...parameters } }, version),
    speaker,
  )
}

function prepare(text: string): Buffer {
  const id = Buffer.from(`id of ${text}`)
  const bytes = Buffer.from(text)
  prepared.learn(id, planOf(bytes, 'ks', tables))
  return id
}

function executed(text: string, parameters: Partial<Parameters> = {}): Matter {
  return requests.matterOf(
    frame({ type: 'execute', id: prepare(text), metadataId: null, parameters: { ...NO_PARAMETERS, ...parameters } }),
    SPEAKER,
  )
}

/** Keys that a write takes out of the cache, or `place` of a read. */
function keysOf(matter: Matter): string {
  if (matter.type === 'read') return `read ${matter.wanted.place}`
  if (matter.type !== 'write') return matter.type
  return matter.invalidations.map(({ key, expiresMs }) => key + (expiresMs === 0 ? '' : ` for ${expiresMs}`)).join(' ')
}

const POSITIONS: readonly (readonly [text: string, parameters: Partial<Parameters>, keys: string])[] = [
  ['SELECT * FROM t WHERE k = 7', {}, 'read p:ks.t:00000007'],
  ['SELECT * FROM ks.t WHERE k = ?', { values: [int(7)] }, 'read p:ks.t:00000007'],
  ['SELECT * FROM t WHERE c = ? AND k = ?', { values: [int(1), int(7)] }, 'read p:ks.t:00000007'],
  ['SELECT * FROM t WHERE k = :key', { values: new Map([['key', int(7)]]) }, 'read p:ks.t:00000007'],
  ['SELECT * FROM t WHERE k = ?', { values: new Map([['k', int(7)]]) }, 'read p:ks.t:00000007'],
  ['SELECT * FROM t WHERE k = :x AND c = :y', { values: [int(7), int(8)] }, 'read p:ks.t:00000007'],
  ['SELECT * FROM t WHERE k = :x AND c = :x', { values: [int(7)] }, 'nothing'],
  ['SELECT * FROM t WHERE k = ?', {}, 'nothing'],
  ['SELECT * FROM t WHERE k = ?', { values: [null] }, 'nothing'],
  ['SELECT * FROM t WHERE k = ?', { values: [UNSET] }, 'nothing'],
  ['SELECT * FROM t WHERE k IN (7, 8)', {}, 'nothing'],
  ['SELECT * FROM unknown WHERE k = 7', {}, 'nothing'],
  ['SELECT * FROM two WHERE a = \'x\' AND "B" = 2', {}, 'read p:ks.two:00017800000400000002' + '00'],
  ['SELECT * FROM t WHERE k = 7', { consistency: 8 }, 'p:ks.t:00000007'],
  ['SELECT * FROM t WHERE k = 7', { consistency: 9 }, 'p:ks.t:00000007'],
  ['INSERT INTO t (k, v) VALUES (7, 8)', {}, 'p:ks.t:00000007'],
  ['INSERT INTO t (v, k) VALUES (?, ?)', { values: [int(1), int(7)] }, 'p:ks.t:00000007'],
  ['INSERT INTO t (v, k) VALUES (:v, :k)', { values: new Map([['k', int(7)]]) }, 'p:ks.t:00000007'],
  ['INSERT INTO t (k) VALUES (7) USING TTL 10', {}, 'p:ks.t:00000007 for 15000'],
  ['INSERT INTO t (k) VALUES (?) USING TTL ?', { values: [int(7), int(10)] }, 'p:ks.t:00000007 for 15000'],
  ['INSERT INTO t (k) VALUES (?) USING TTL ?', { values: [int(7), null] }, 'p:ks.t:00000007'],
  ['INSERT INTO t (k) VALUES (7) USING TTL 0', {}, 'p:ks.t:00000007'],
  ['UPDATE t USING TTL 10 SET v = 1 WHERE k = 7', {}, 'p:ks.t:00000007 for 15000'],
  ['INSERT INTO t JSON \'{"k": 7}\'', {}, 'p:ks.t'],
  ['UPDATE t SET v = 1 WHERE k = 7 IF v = 2', {}, 'p:ks.t:00000007'],
  ['UPDATE t SET v = 1 WHERE k IN (7, 8)', {}, 'p:ks.t'],
  ['UPDATE t SET v = 1 WHERE k = f(7)', {}, 'p:ks.t'],
  ['DELETE FROM t WHERE k = 7 AND c > 5', {}, 'p:ks.t:00000007'],
  ['DELETE FROM unknown WHERE k = 7', {}, 'p:ks.unknown'],
  ['TRUNCATE t', {}, 'p:ks.t'],
  ['DROP KEYSPACE ks', {}, 'p:ks.t p:ks.two p:ks.unknown'],
  [
    'BEGIN BATCH DELETE FROM t WHERE k = ?; INSERT INTO t (k) VALUES (?); DELETE FROM two WHERE a = ? AND "B" = 2 APPLY BATCH',
    { values: [int(7), int(8), Buffer.from('x')] },
    'p:ks.t:00000007 p:ks.t:00000008 p:ks.two:0001780000040000000200',
  ],
]

for (const [text, parameters, keys] of POSITIONS) {
  test(`the places in Valkey of ${text}`, () => assert.equal(keysOf(asked(text, parameters)), keys))
  test(`the places in Valkey of ${text}, prepared`, () => assert.equal(keysOf(executed(text, parameters)), keys))
}

test('a read at a time of its own is not looked for', () => {
  assert.equal(asked('SELECT * FROM t WHERE k = 7', { nowInSeconds: 5 }, 5).type, 'nothing')
})

test('a batch takes out what each of its statements does, prepared or not', () => {
  const statements = [
    { statement: 'DELETE FROM t WHERE k = ?', values: [int(1)] },
    { statement: prepare('INSERT INTO t (k) VALUES (?)'), values: [int(2)] },
    { statement: prepare('UPDATE t SET v = ? WHERE k = ?'), values: [int(9), int(1)] },
    { statement: 'INSERT INTO elsewhere (k) VALUES (1)', values: [] },
  ]
  const matter = requests.matterOf(frame({ type: 'batch', kind: 0, statements, parameters: NO_PARAMETERS }), SPEAKER)
  assert.equal(keysOf(matter), 'p:ks.t:00000001 p:ks.t:00000002')
})

test('what nobody saw prepared is unknown, by itself and in a batch', () => {
  const id = Buffer.from('never seen')
  const execute = requests.matterOf(
    frame({ type: 'execute', id, metadataId: null, parameters: NO_PARAMETERS }),
    SPEAKER,
  )
  assert.deepEqual(execute, { type: 'unknown', id })
  const statements = [{ statement: id, values: [] }]
  const batch = requests.matterOf(frame({ type: 'batch', kind: 0, statements, parameters: NO_PARAMETERS }), SPEAKER)
  assert.deepEqual(batch, { type: 'unknown', id })
})

function digest(matter: Matter): string {
  assert.equal(matter.type, 'read')
  return (matter as Extract<Matter, { type: 'read' }>).wanted.digest.toString('hex')
}

const READ = 'SELECT v FROM t WHERE k = 7'
const BASE: Partial<Parameters> = { pageSize: 100 }

const OTHERS: readonly (readonly [what: string, matter: () => Matter])[] = [
  ['a text that means the same', () => asked('SELECT v FROM t WHERE k =  7', BASE)],
  ['another consistency', () => asked(READ, { ...BASE, consistency: 4 })],
  ['another page size', () => asked(READ, { pageSize: 101 })],
  ['no page size', () => asked(READ)],
  ['a page', () => asked(READ, { ...BASE, pagingState: Buffer.from('x') })],
  ['an empty page state', () => asked(READ, { ...BASE, pagingState: Buffer.alloc(0) })],
  ['without metadata', () => asked(READ, { ...BASE, skipsMetadata: true })],
  ['a serial consistency', () => asked(READ, { ...BASE, serialConsistency: 8 })],
  ['another version', () => asked(READ, BASE, 3)],
  ['another user', () => asked(READ, BASE, 4, { ...SPEAKER, user: 'x' })],
  ['another keyspace', () => asked('SELECT v FROM ks.t WHERE k = 7', BASE, 4, { ...SPEAKER, keyspace: 'other' })],
  ['prepared', () => executed(READ, BASE)],
  ['with values', () => asked('SELECT v FROM t WHERE k = ?', { ...BASE, values: [int(7)] })],
  ['with other values', () => asked('SELECT v FROM t WHERE k = ? AND c = ?', { ...BASE, values: [int(7), int(8)] })],
  ['with named values', () => asked('SELECT v FROM t WHERE k = :k', { ...BASE, values: new Map([['k', int(7)]]) })],
]

test('reads are the same only where all is the same that tells what they bring', () => {
  const digests = [digest(asked(READ, BASE)), ...OTHERS.map(([, matter]) => digest(matter()))]
  assert.equal(new Set(digests).size, digests.length)
})

test('a timestamp says nothing of a read', () => {
  assert.equal(digest(asked(READ, { ...BASE, timestamp: 5n })), digest(asked(READ, BASE)))
})

test('bound values are told apart', () => {
  const text = 'SELECT v FROM t WHERE k = ? AND c = ?'
  const [one, other] = [
    [int(7), int(8)],
    [int(7), int(9)],
  ].map((values) => digest(asked(text, { values })))
  assert.notEqual(one, other)
})

test('in version 5 a keyspace comes with the statement', () => {
  const speaker: Speaker = { user: '', keyspace: null }
  assert.equal(keysOf(asked('SELECT * FROM t WHERE k = 7', { keyspace: 'ks' }, 5, speaker)), 'read p:ks.t:00000007')
  assert.equal(asked('SELECT * FROM t WHERE k = 7', {}, 5, speaker).type, 'nothing')
})

test('what is about no table that is cached is not decoded', () => {
  const isDecoded = (text: string, version: number, keyspace: string | null) => {
    const parameters = { ...NO_PARAMETERS, values: [Buffer.alloc(100)], keyspace }
    const request = frame({ type: 'query', text, parameters }, version)
    requests.matterOf(request, SPEAKER)
    return request.body !== null
  }
  const other = 'SELECT * FROM other WHERE k = ?'
  assert.deepEqual([isDecoded(other, 4, null), isDecoded(other, 5, null)], [false, false])
  assert.deepEqual([isDecoded(READ, 5, null), isDecoded(other, 5, 'ks')], [true, true])
})

test("whose name is not known gets nobody's replies", () => {
  assert.equal(asked(READ, BASE, 4, { ...SPEAKER, user: null }).type, 'nothing')
})

test('what is no request is left to the server', () => {
  const broken = frame({ type: 'query', text: READ, parameters: NO_PARAMETERS })
  broken.end -= 30
  assert.equal(requests.matterOf(broken, SPEAKER).type, 'nothing')
})
