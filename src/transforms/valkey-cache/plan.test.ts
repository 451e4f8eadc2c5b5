import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimWorld } from '../../sim/world.ts'
import { planOf, type Plan } from './plan.ts'
import { tableNamed, Tables } from './tables.ts'

const KEY = { partition_key: ['k'], range_key: [] }
const log = { debug() {}, info() {}, warn() {}, error() {} }
const tables = new Tables({ 'ks.t': KEY, 'ks."T"': KEY, 'other.t': KEY, '"a.b".c': KEY }, '', new SimWorld().world, log)

/** What a statement is to the cache: the plan, and the tables that it is about. */
function shown(plan: Plan): string {
  switch (plan.type) {
    case 'read':
      return `read ${plan.read.table.key}`
    case 'rows':
      return `rows ${plan.written.map(({ table }) => table.key).join(' ')}`
    case 'tables':
      return `tables ${plan.tables.map(({ key }) => key).join(' ')}`
    case 'nothing':
    case 'anything':
    case 'use':
      return plan.type
  }
}

const STATEMENTS: readonly (readonly [text: string, plan: string, keyspace?: string | null])[] = [
  ['SELECT * FROM ks.t WHERE k = 1', 'read ks.t'],
  ['select a, b from t where k = 1 and c > 5 order by c desc limit 10', 'read ks.t', 'ks'],
  ['SELECT * FROM t WHERE k = 1', 'read other.t', 'other'],
  ['SELECT * FROM t WHERE k = 1', 'nothing', 'third'],
  ['SELECT * FROM t WHERE k = 1', 'nothing', null],
  ['SELECT * FROM "T" WHERE k = 1', 'read ks."T"', 'ks'],
  ['SELECT * FROM T WHERE k = 1', 'read ks.t', 'ks'],
  ['SELECT * FROM "a.b".c WHERE k = 1', 'read "a.b".c'],
  ['SELECT * FROM a.b WHERE k = 1', 'nothing'],
  ['SELECT count(*), max(v), writetime(v) FROM ks.t WHERE k = 1', 'read ks.t'],
  ['SELECT JSON m[1], l[1..2] FROM ks.t WHERE k = ?', 'read ks.t'],
  ['SELECT ttl(v) FROM ks.t WHERE k = 1', 'nothing'],
  ['SELECT ks.f(v) FROM ks.t WHERE k = 1', 'nothing'],
  ['SELECT m[now()] FROM ks.t WHERE k = 1', 'nothing'],
  ['SELECT v FROM ks.t WHERE k = 1 AND c < now()', 'nothing'],
  ['SELECT v FROM ks.t WHERE k = 1 ALLOW FILTERING', 'nothing'],
  ['SELECT v FROM ks.t', 'nothing'],
  ['SELECT v FROM ks.t WHERE', 'nothing'],
  ['INSERT INTO ks.t (k, v) VALUES (1, 2)', 'rows ks.t'],
  ['INSERT INTO t (k, v) VALUES (1, 2) IF NOT EXISTS USING TTL 5', 'rows ks.t', 'ks'],
  ["INSERT INTO ks.t JSON '{}'", 'rows ks.t'],
  ['UPDATE ks.t SET v = v + 1 WHERE k = 1', 'rows ks.t'],
  ['DELETE v FROM ks.t WHERE k = 1 IF EXISTS', 'rows ks.t'],
  ['DELETE FROM ks."T" WHERE k = 1', 'rows ks."T"'],
  ['DELETE FROM ks.other WHERE k = 1', 'nothing'],
  ['UPDATE t SET v = 1 WHERE k = 1', 'nothing', null],
  ['UPDATE t SET v = 1 WHERE k = 1', 'rows ks.t other.t', undefined],
  [
    'BEGIN BATCH INSERT INTO ks.t (k) VALUES (1); DELETE FROM other.t WHERE k = 1; UPDATE ks.x SET a = 1 WHERE k = 1; APPLY BATCH',
    'rows ks.t other.t',
  ],
  ['BEGIN UNLOGGED BATCH INSERT INTO ks.x (k) VALUES (1) APPLY BATCH', 'nothing'],
  ['TRUNCATE ks.t', 'tables ks.t'],
  ['TRUNCATE TABLE t', 'tables other.t', 'other'],
  ['TRUNCATE ks.x', 'nothing'],
  ['DROP TABLE IF EXISTS ks.t', 'tables ks.t'],
  ['ALTER TABLE ks.t ADD x int', 'tables ks.t'],
  ['CREATE TABLE ks.t (k int PRIMARY KEY)', 'tables ks.t'],
  ['DROP KEYSPACE ks', 'anything'],
  ['ALTER TYPE ks.u ADD x int', 'anything'],
  ['REVOKE SELECT ON ks.t FROM someone', 'anything'],
  ['DROP ROLE someone', 'anything'],
  ['SOMETHING NEW ks.t', 'anything'],
  ['UPDATE ks.t SET', 'anything'],
  ['USE ks', 'use'],
  ['LIST ROLES', 'nothing'],
  ['DESCRIBE TABLE ks.t', 'nothing'],
]

for (const [text, plan, ...given] of STATEMENTS)
  test(`what ${text} is to the cache${given.length === 0 ? '' : `, in ${String(given[0])}`}`, () => {
    const bytes = Buffer.from(`  ${text}  `)
    const keyspace = given.length === 0 ? null : given[0]
    assert.equal(shown(planOf(bytes.subarray(2, -2), keyspace, tables)), plan)
  })

const NAMES: readonly (readonly [text: string, name: string | null])[] = [
  ['ks.t', 'ks t'],
  ['KS.T', 'ks t'],
  ['"Ks"."a.b"', 'Ks a.b'],
  ['t', null],
  ['ks.t; x', null],
  ['', null],
]
for (const [text, name] of NAMES)
  test(`the table that ${JSON.stringify(text)} names`, () => {
    const table = tableNamed(text)
    assert.equal(table === null ? null : `${table.keyspace} ${table.name}`, name)
  })
