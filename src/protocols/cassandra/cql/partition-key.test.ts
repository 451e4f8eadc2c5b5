import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStatement } from './parse.ts'
import { partitionKey, type KeyColumn } from './partition-key.ts'
import type { Statement } from './tree.ts'
import { routingKey } from '../token.ts'

const KEYS: Readonly<Record<string, readonly KeyColumn[]>> = {
  one: [{ name: 'k', type: { type: 'int' } }],
  'ks.two': [
    { name: 'a', type: { type: 'text' } },
    { name: 'B', type: { type: 'int' } },
  ],
}

/** Values by the place of the marker, and by its name. */
const BOUND: Readonly<Record<string, Buffer>> = {
  0: Buffer.from('00000007', 'hex'),
  1: Buffer.from('00000008', 'hex'),
  x: Buffer.from('x'),
}

const STATEMENTS: readonly (readonly [text: string, key: string | null])[] = [
  ['SELECT * FROM one WHERE k = 1', '00000001'],
  ['SELECT * FROM one WHERE c > 5 AND (k = -1)', 'ffffffff'],
  ['SELECT * FROM one WHERE k = ?', '00000007'],
  ['SELECT * FROM one WHERE k IN (1)', '00000001'],
  ['SELECT * FROM one WHERE k IN (1, 2)', null],
  ['SELECT * FROM one WHERE k IN ?', null],
  ['SELECT * FROM one WHERE k > 1', null],
  ['SELECT * FROM one WHERE token(k) = 1', null],
  ['SELECT * FROM one WHERE k = f(1)', null],
  ['SELECT * FROM one WHERE k = (int) 1', '00000001'],
  ['SELECT * FROM one WHERE k = (int) ?', '00000007'],
  ["SELECT * FROM one WHERE k = 'x'", null],
  ['SELECT * FROM one', null],
  ['SELECT * FROM one WHERE c = :x AND k = ?', '00000008'],
  ['SELECT * FROM other WHERE k = 1', null],
  ['SELECT * FROM ks.two WHERE a = \'x\' AND "B" = 2', '00017800' + '00040000000200'],
  ['SELECT * FROM ks.two WHERE (a, "B") = (\'x\', 2)', '00017800' + '00040000000200'],
  ["SELECT * FROM ks.two WHERE a = 'x' AND b = 2", null],
  ['UPDATE ks.two SET v = 1 WHERE "B" = ? AND a = :x', '00017800' + '00040000000700'],
  ['INSERT INTO ks.two (v, "B", a) VALUES (now(), 2, \'x\')', '00017800' + '00040000000200'],
  ['INSERT INTO one JSON \'{"k": 1}\'', null],
  ['INSERT INTO one (k) VALUES (null)', null],
  ['DELETE FROM one WHERE k = 1 IF EXISTS', '00000001'],
  [
    'BEGIN BATCH INSERT INTO other (k) VALUES (5); DELETE FROM one WHERE k = 1; DELETE FROM one WHERE k = 2 APPLY BATCH',
    '00000001',
  ],
  ['TRUNCATE one', null],
]

for (const [text, key] of STATEMENTS)
  test(`the partition of ${text}`, () => {
    const bytes = Buffer.from(text)
    const statement = parseStatement(bytes)
    assert.notEqual(statement.type, 'unparsed')
    const found = partitionKey(
      bytes,
      statement as Statement,
      (keyspace, table) => KEYS[keyspace === null ? table : `${keyspace}.${table}`] ?? null,
    )
    const values = found?.parts.map((part) => (Buffer.isBuffer(part) ? part : BOUND[part.name?.text ?? part.index]!))
    assert.equal(values === undefined ? null : routingKey(values)!.toString('hex'), key)
  })
