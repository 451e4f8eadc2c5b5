import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NO_PARAMETERS, type BoundValue } from '../../body/requests.ts'
import type { Response } from '../../body/responses.ts'
import { decodeValue, type Value } from '../../body/values.ts'
import { MockEngine } from './engine.ts'

const CREATE = `CREATE KEYSPACE ks WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`

function started(...statements: string[]): (text: string, ...values: BoundValue[]) => Response {
  const engine = new MockEngine('127.0.0.1', 9042)
  const ask = (text: string, ...values: BoundValue[]) =>
    engine.answer({ type: 'query', text, parameters: { ...NO_PARAMETERS, values } }, 'ks')
  for (const statement of [CREATE, ...statements]) assert.notEqual(ask(statement).type, 'error', statement)
  return ask
}

function valuesOf(answer: Response): Value[][] {
  if (answer.type === 'error') throw new Error(answer.message)
  assert.ok(answer.type === 'rows')
  const { columns } = answer.metadata
  return answer.rows.map((row) => row.map((value, index) => decodeValue(columns![index]!.type, value)))
}

const ROWS = ['CREATE TABLE t (k int, c int, s text STATIC, v text, PRIMARY KEY (k, c))', `INSERT INTO t (k, c, v, s) VALUES (1, 2, 'b', 'all')`, `INSERT INTO t (k, c, v) VALUES (1, 1, 'a')`, `INSERT INTO t (k, c, v) VALUES (2, 1, 'c')`, 'INSERT INTO t (k, c) VALUES (1, 3)'] // prettier-ignore

const SELECTS: Record<string, Value[][]> = {
  'SELECT * FROM t WHERE k = 1 AND c = 1': [[1, 1, 'all', 'a']],
  'SELECT c FROM t WHERE k = 1': [[1], [2], [3]],
  'SELECT c FROM t WHERE k = 1 ORDER BY c DESC LIMIT 2': [[3], [2]],
  'SELECT c AS n FROM t WHERE k = 1 AND c > 1 AND c <= 2': [[2]],
  'SELECT k FROM ks.t WHERE k IN (2, 7)': [[2]],
  'SELECT DISTINCT k, s FROM t WHERE k = 1': [[1, 'all']],
  'SELECT count(*) FROM t': [[4n]],
  'SELECT v FROM t WHERE k = 1 AND c = 3': [[null]],
  'SELECT v FROM t WHERE k = 1 AND c = 9': [],
  "SELECT k FROM t WHERE v = 'c' ALLOW FILTERING": [[2]],
}

for (const [text, expected] of Object.entries(SELECTS))
  test(`the mock of Cassandra answers ${text}`, () => assert.deepEqual(valuesOf(started(...ROWS)(text)), expected))

const WRITES: Record<string, Value[][]> = {
  "UPDATE t SET v = 'z' WHERE k = 1 AND c = 1": [[1, 'z'], [2, 'b'], [3, null]], // prettier-ignore
  'DELETE FROM t WHERE k = 1': [],
  'DELETE v FROM t WHERE k = 1 AND c = 2': [[1, 'a'], [2, null], [3, null]], // prettier-ignore
  'DELETE FROM t WHERE k = 1 AND c >= 2': [[1, 'a']],
  'TRUNCATE t': [],
  "BEGIN BATCH INSERT INTO t (k, c, v) VALUES (1, 0, 'x') DELETE FROM t WHERE k = 1 AND c = 3 APPLY BATCH": [[0, 'x'], [1, 'a'], [2, 'b']], // prettier-ignore
  "INSERT INTO t (k, c, v) VALUES (1, 1, 'no') IF NOT EXISTS": [[1, 'a'], [2, 'b'], [3, null]], // prettier-ignore
  "UPDATE t SET v = 'no' WHERE k = 1 AND c = 1 IF v = 'x'": [[1, 'a'], [2, 'b'], [3, null]], // prettier-ignore
  "UPDATE t SET v = 'yes' WHERE k = 1 AND c = 1 IF v = 'a'": [[1, 'yes'], [2, 'b'], [3, null]], // prettier-ignore
}

for (const [text, expected] of Object.entries(WRITES))
  test(`the mock of Cassandra does ${text}`, () => {
    const ask = started(...ROWS)
    assert.notEqual(ask(text).type, 'error')
    assert.deepEqual(valuesOf(ask('SELECT c, v FROM t WHERE k = 1')), expected)
  })

const TYPES: Record<string, Value> = {
  'set<text>': ['a', 'b'],
  'map<text, int>': [['x', 1]],
  'frozen<list<int>>': [1, 2],
  'tuple<int, text>': [1, 'one'],
  counter: 3n,
}
const LITERALS: Record<string, string> = { 'set<text>': "{'b', 'a'}", 'map<text, int>': "{'x': 1}", 'frozen<list<int>>': '[1, 2]', 'tuple<int, text>': "(1, 'one')" } // prettier-ignore

for (const [type, expected] of Object.entries(TYPES))
  test(`the mock of Cassandra keeps a ${type}`, () => {
    const ask = started(`CREATE TABLE t (k int PRIMARY KEY, v ${type})`)
    const write = type === 'counter' ? 'UPDATE t SET v = v + 3 WHERE k = 1' : `INSERT INTO t (k, v) VALUES (1, ${LITERALS[type]})` // prettier-ignore
    assert.deepEqual(ask(write), { type: 'void' })
    assert.deepEqual(valuesOf(ask('SELECT v FROM t')), [[expected]])
  })

const FAILURES: Record<string, RegExp> = {
  'SELEC 1': /^at 0/,
  'SELECT * FROM nothing': /table nothing does not exist/,
  'SELECT nothing FROM t': /Undefined column name nothing/,
  'SELECT now() FROM t': /the mock does not know now\(\)/,
  'INSERT INTO t (k) VALUES (1)': /Invalid null value in condition for column c/,
  "INSERT INTO t (k, c) VALUES ('a', 1)": /Invalid or unknown value for k: 'a'/,
  'INSERT INTO t (k, c) VALUES (?, 1)': /Invalid amount of bind variables/,
  'CREATE TABLE t (k int PRIMARY KEY)': /already exists/,
  'CREATE TABLE u (k int PRIMARY KEY, v address)': /types of users/,
  'DROP TABLE nothing': /doesn't exist/,
  'USE nothing': /does not exist/,
  'CREATE INDEX ON t (v)': /the mock does not know CREATE INDEX/,
}

for (const [text, message] of Object.entries(FAILURES))
  test(`the mock of Cassandra refuses ${text}`, () => {
    const answer = started(...ROWS)(text)
    assert.ok(answer.type === 'error')
    assert.match(answer.message, message)
  })

test('what the mock of Cassandra prepares tells its markers, its key and its columns', () => {
  const engine = new MockEngine('127.0.0.1', 9042)
  for (const text of [CREATE, ROWS[0]!]) engine.answer({ type: 'query', text, parameters: NO_PARAMETERS }, 'ks')
  const prepare = (text: string) => engine.answer({ type: 'prepare', text, keyspace: null }, 'ks')
  const select = prepare('SELECT v FROM t WHERE c IN ? AND k = :key LIMIT ?')
  assert.ok(select.type === 'prepared')
  assert.deepEqual(
    select.bound.columns!.map(({ name, type }) => [name, type.type]),
    [['in(c)', 'list'], ['key', 'int'], ['[limit]', 'int']], // prettier-ignore
  )
  assert.deepEqual(select.keyIndices, [1])
  assert.deepEqual(
    select.result.columns!.map(({ name }) => name),
    ['v'],
  )
  const int = (value: number) => Buffer.from([0, 0, 0, value])
  const insert = prepare('INSERT INTO t (k, c, v) VALUES (?, ?, ?)')
  assert.ok(insert.type === 'prepared')
  const execute = (id: Buffer, values: BoundValue[]) =>
    engine.answer({ type: 'execute', id, metadataId: null, parameters: { ...NO_PARAMETERS, values } }, null)
  assert.deepEqual(execute(insert.id, [int(1), int(2), Buffer.from('x')]), { type: 'void' })
  const list = Buffer.concat([int(1), int(4), int(2)])
  assert.deepEqual(valuesOf(execute(select.id, [list, int(1), int(5)])), [['x']])
  assert.equal(execute(Buffer.alloc(16), []).type, 'error')
})

test('a schema that was made in the mock of Cassandra stands in its tables', () => {
  const ask = started(...ROWS)
  const columns = valuesOf(ask("SELECT column_name, kind, position, type FROM system_schema.columns WHERE keyspace_name = 'ks'")) // prettier-ignore
  assert.deepEqual(columns, [['c', 'clustering', 0, 'int'], ['k', 'partition_key', 0, 'int'], ['s', 'static', -1, 'text'], ['v', 'regular', -1, 'text']]) // prettier-ignore
  assert.equal(ask('DROP TABLE t').type, 'schema-change')
  assert.deepEqual(valuesOf(ask("SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'ks'")), [])
})
