import assert from 'node:assert/strict'
import { test } from 'node:test'
import { qualify, quoted, renameKeyspace, restrict, splice, type Edit } from './edits.ts'
import { parseStatement } from './parse.ts'
import type { Statement } from './tree.ts'

function edited(text: string, edits: (statement: Statement) => Edit | Edit[]): string {
  // What stands before and behind the statement belongs to somebody else.
  const bytes = Buffer.from(`....${text}....`)
  const statement = parseStatement(bytes, 4, bytes.length - 4)
  assert.notEqual(statement.type, 'unparsed', text)
  return splice(bytes, [edits(statement as Statement)].flat(), 4, bytes.length - 4).toString()
}

const RENAMED: readonly (readonly [text: string, renamed: string])[] = [
  ['SELECT a FROM ks.t', 'SELECT a FROM "New".t'],
  ['SELECT a FROM  KS /* ks */ .  t -- ks.t', 'SELECT a FROM  "New" /* ks */ .  t -- ks.t'],
  ['SELECT a FROM "Ks".t', 'SELECT a FROM "Ks".t'],
  ["SELECT ks.f(a), ks.b FROM ks.t WHERE ks = 'ks.t'", 'SELECT "New".f(a), ks.b FROM "New".t WHERE ks = \'ks.t\''],
  ['USE "ks"', 'USE "New"'],
  ['CREATE TABLE ks.t (k ks.u PRIMARY KEY, ks int)', 'CREATE TABLE "New".t (k "New".u PRIMARY KEY, ks int)'],
  ["INSERT INTO ks.t (k) VALUES ('ключ', ks.f(1))", 'INSERT INTO "New".t (k) VALUES (\'ключ\', "New".f(1))'],
  [
    'BEGIN BATCH DELETE FROM ks.t WHERE k = 1; DELETE FROM a.t WHERE k = 1; DELETE FROM ks.u WHERE k = 1 APPLY BATCH',
    'BEGIN BATCH DELETE FROM "New".t WHERE k = 1; DELETE FROM a.t WHERE k = 1; DELETE FROM "New".u WHERE k = 1 APPLY BATCH',
  ],
  ['GRANT SELECT ON KEYSPACE ks TO ks', 'GRANT SELECT ON KEYSPACE "New" TO ks'],
  ['SELECT a FROM t', 'SELECT a FROM t'],
]

for (const [text, renamed] of RENAMED)
  test(`the keyspace is renamed in ${text}`, () =>
    assert.equal(
      edited(text, (statement) => renameKeyspace(statement, 'ks', 'New')),
      renamed,
    ))

const QUALIFIED: readonly (readonly [text: string, qualified: string])[] = [
  ['SELECT f(a) FROM t', 'SELECT f(a) FROM ks.t'],
  ['SELECT a FROM ks2.t', 'SELECT a FROM ks2.t'],
  ['CREATE INDEX i ON t (v)', 'CREATE INDEX i ON ks.t (v)'],
  ['ALTER TABLE t ADD v frozen<u>', 'ALTER TABLE ks.t ADD v frozen<ks.u>'],
  ['USE x', 'USE x'],
]

for (const [text, qualified] of QUALIFIED)
  test(`a keyspace is given to ${text}`, () =>
    assert.equal(
      edited(text, (statement) => qualify(statement, 'ks')),
      qualified,
    ))

const RESTRICTED: readonly (readonly [text: string, restricted: string])[] = [
  ['SELECT a FROM t', 'SELECT a FROM t WHERE x = 1'],
  ['SELECT a FROM ks.t LIMIT 1', 'SELECT a FROM ks.t WHERE x = 1 LIMIT 1'],
  ["SELECT a FROM t WHERE k = '🐛' ORDER BY c", "SELECT a FROM t WHERE k = '🐛' AND x = 1 ORDER BY c"],
  ['DELETE FROM t WHERE k = 1 IF EXISTS', 'DELETE FROM t WHERE k = 1 AND x = 1 IF EXISTS'],
]

for (const [text, restricted] of RESTRICTED)
  test(`a relation is added to ${text}`, () =>
    assert.equal(
      edited(text, (statement) =>
        statement.type === 'select' || statement.type === 'delete' ? restrict(statement, 'x = 1') : [],
      ),
      restricted,
    ))

test('a name is quoted where it has to be', () => {
  const names = ['ks', 'a_1', 'Ks', 'a b', 'a"b', '1a', 'select', 'token', ''].map(quoted)
  assert.deepEqual(names, ['ks', 'a_1', '"Ks"', '"a b"', '"a""b"', '"1a"', '"select"', '"token"', '""'])
})

test('edits that overlap or lie outside are refused', () => {
  const bytes = Buffer.from('abc')
  const edit = (start: number, end: number): Edit => ({ start, end, text: 'x' })
  assert.throws(() => splice(bytes, [edit(0, 2), edit(1, 3)]), RangeError)
  assert.throws(() => splice(bytes, [edit(2, 4)]), RangeError)
  assert.equal(splice(bytes, [edit(3, 3), edit(0, 1)]).toString(), 'xbcx')
})
