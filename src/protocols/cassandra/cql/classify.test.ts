import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { classify, statementKind, statementKinds } from './classify.ts'
import { STATEMENT_NAMES, STATEMENT_TYPES } from './statement-kinds.ts'

/** Statements, their names, and the table that they are about. */
const STATEMENTS: readonly (readonly [text: string, name: string, table?: string])[] = [
  ['SELECT * FROM t', 'SELECT', 't'],
  ['select a, "from", count(*), ttl(b) from Ks.T where k = 1', 'SELECT', 'ks.t'],
  ['SELECT JSON DISTINCT a FROM "Ks"."T"', 'SELECT', 'Ks.T'],
  ['SELECT cast(a as text), f(\'from x\') AS "b" FROM ks . t;', 'SELECT', 'ks.t'],
  ['SELECT release_version FROM system.local -- key', 'SELECT', 'system.local'],
  ['INSERT INTO ks.t (k) VALUES (?) IF NOT EXISTS', 'INSERT', 'ks.t'],
  ["INSERT INTO t JSON '{}'", 'INSERT', 't'],
  ['UPDATE ks.t USING TTL 10 SET v = 1 WHERE k = 2', 'UPDATE', 'ks.t'],
  ["UPDATE t SET m['from'] = ? WHERE k = 2", 'UPDATE', 't'],
  ["DELETE m['from'], v FROM ks.t WHERE k = 1 IF EXISTS", 'DELETE', 'ks.t'],
  ['DELETE FROM t WHERE k = 1', 'DELETE', 't'],
  ['TRUNCATE ks.t', 'TRUNCATE', 'ks.t'],
  ['TRUNCATE TABLE t', 'TRUNCATE', 't'],
  ['USE ks', 'USE'],
  ['BEGIN BATCH INSERT INTO t (k) VALUES (1) APPLY BATCH', 'BATCH'],
  ['BEGIN UNLOGGED BATCH APPLY BATCH', 'BATCH'],
  ['begin counter batch', 'BATCH'],
  ['BEGIN TRANSACTION', 'UNRECOGNIZED CQL'],
  ['CREATE KEYSPACE ks WITH replication = {}', 'CREATE KEYSPACE'],
  ['CREATE SCHEMA ks', 'CREATE KEYSPACE'],
  ['CREATE TABLE IF NOT EXISTS ks.t (k int PRIMARY KEY)', 'CREATE TABLE', 'ks.t'],
  ['CREATE COLUMNFAMILY t (k int PRIMARY KEY)', 'CREATE TABLE', 't'],
  ['CREATE CUSTOM INDEX IF NOT EXISTS i ON ks.t (v)', 'CREATE INDEX', 'ks.t'],
  ['CREATE INDEX ON t (v)', 'CREATE INDEX', 't'],
  ['CREATE MATERIALIZED VIEW v AS SELECT * FROM t', 'CREATE MATERIALIZED VIEW'],
  ['CREATE OR REPLACE FUNCTION f(a int) RETURNS int', 'CREATE FUNCTION'],
  ['CREATE OR REPLACE AGGREGATE a(int)', 'CREATE AGGREGATE'],
  ['CREATE TYPE t (a int)', 'CREATE TYPE'],
  ['CREATE TRIGGER t ON u USING "v"', 'CREATE TRIGGER'],
  ['CREATE ROLE r', 'CREATE ROLE'],
  ['CREATE USER u', 'CREATE USER'],
  ['ALTER TABLE ks.t ADD v int', 'ALTER TABLE', 'ks.t'],
  ['ALTER KEYSPACE ks WITH x = 1', 'ALTER KEYSPACE'],
  ['ALTER MATERIALIZED VIEW v WITH x = 1', 'ALTER MATERIALIZED VIEW'],
  ['DROP TABLE IF EXISTS ks.t', 'DROP TABLE', 'ks.t'],
  ['DROP KEYSPACE ks', 'DROP KEYSPACE'],
  ['DROP INDEX ks.i', 'DROP INDEX'],
  ['GRANT SELECT ON t TO r', 'GRANT'],
  ['REVOKE ALL ON KEYSPACE ks FROM r', 'REVOKE'],
  ['LIST ROLES', 'LIST ROLES'],
  ['LIST ALL PERMISSIONS OF r', 'LIST PERMISSIONS'],
  ['LIST USERS', 'LIST USERS'],
  ['DESC TABLES', 'DESCRIBE'],
  ['', 'UNRECOGNIZED CQL'],
  ['SELEC * FROM t', 'UNRECOGNIZED CQL'],
  ['"SELECT" * FROM t', 'UNRECOGNIZED CQL'],
  ['constructor', 'UNRECOGNIZED CQL'],
  ['CREATE NOTHING t', 'UNRECOGNIZED CQL'],
  ['/* DROP TABLE t */ // SELECT\n  SELECT v FROM t', 'SELECT', 't'],
]

for (const [text, name, table] of STATEMENTS) {
  test(`${JSON.stringify(text)} is ${name}`, () => {
    const bytes = Buffer.from(text)
    assert.equal(STATEMENT_NAMES[statementKind(bytes, 0, bytes.length)], name)
    const found = classify(bytes, 0, bytes.length)
    assert.equal(STATEMENT_NAMES[found.kind], name)
    const told = found.keyspace === null ? found.table : `${found.keyspace}.${found.table}`
    assert.equal(told, table ?? null)
  })
}

test('a batch as text is each of its statements', () => {
  const bytes = Buffer.from(`BEGIN BATCH USING TIMESTAMP 1
    INSERT INTO t (k, v) VALUES (1, 'DELETE FROM t'); UPDATE t SET v = '' WHERE k = 2
    DELETE FROM t WHERE k IN (1, 2) APPLY BATCH; -- INSERT`)
  const kinds: number[] = []
  statementKinds(bytes, 0, bytes.length, kinds)
  assert.deepEqual(
    kinds.map((kind) => STATEMENT_NAMES[kind]),
    ['INSERT', 'UPDATE', 'DELETE'],
  )
})

test('statements are reads, writes and changes of the schema', () => {
  const typed = Object.groupBy(STATEMENT_NAMES, (_, kind) => STATEMENT_TYPES[kind]!)
  assert.deepEqual(typed.Write, ['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'BATCH'])
  assert.deepEqual(typed.Read, ['UNRECOGNIZED CQL', 'SELECT', 'LIST PERMISSIONS', 'LIST ROLES', 'LIST USERS', 'LIST SUPERUSERS', 'DESCRIBE']) // prettier-ignore
  assert.equal(typed.SchemaChange!.length, STATEMENT_NAMES.length - 12)
})

test('any bytes are classified', () => {
  const pieces = fc.constantFrom(
    'SELECT ',
    'FROM ',
    'a',
    '.',
    '"',
    "'",
    '(',
    ')',
    'BEGIN BATCH ',
    'ON ',
    '/*',
    '*/',
    '--',
    '\n',
    'USE ',
  )
  fc.assert(
    fc.property(fc.array(pieces), (texts) => {
      const bytes = Buffer.from(texts.join(''))
      const { kind } = classify(bytes, 0, bytes.length)
      const kinds: number[] = []
      statementKinds(bytes, 0, bytes.length, kinds)
      assert.ok(kind >= 0 && kind < STATEMENT_NAMES.length)
    }),
  )
})
