import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { planOf, type Keyspace } from './cql-plan.ts'
import { ProtectedTables } from './protected-tables.ts'
import { Refusal } from './refusal.ts'

/** `s` is protected, `d` searchable as well; `Odd` of the table "Mixed" was made in quotes. */
const tables = new ProtectedTables({ ks: { t: ['s'], Mixed: ['Odd'] } }, { ks: { t: ['d'] }, other: { u: ['d'] } })

/** A plan in short: literals as they stand in the text, markers by their places, selected columns. */
function shown(text: string, keyspace: Keyspace): string | null {
  const bytes = Buffer.from(text)
  const plan = planOf(bytes, tables, keyspace)
  if (plan === null) return null
  const literals = plan.literals.map(({ column, start, end }) => `${column.name}=${bytes.toString('utf8', start, end)}`)
  const markers = plan.markers.map(({ column, marker, isList }) => `${column.name}=${isList ? 'list' : ''}?${marker.index}`) // prettier-ignore
  const selected = plan.selected === null ? [] : [`[${plan.selected.map((column) => column?.name ?? '-').join()}]`]
  return [...literals, ...markers, ...selected].join(' ')
}

/** Statements in the keyspace ks; null: about nothing protected; '': nothing to do before the reply. */
const PLANS: readonly [text: string, plan: string | null][] = [
  ["INSERT INTO t (k, s) VALUES (1, 'a')", "s='a'"],
  ["INSERT INTO ks.t (k, s, d) VALUES (1, $$it's$$, 0xCAFE)", "s=$$it's$$ d=0xCAFE"],
  ['insert into KS . T (S, k) values (?, ?)', 's=?0'],
  ['INSERT INTO "ks"."t" ("s", k) VALUES (:s, :k) IF NOT EXISTS USING TTL ?', 's=?0'],
  ["INSERT INTO t (k, v) VALUES (1, 'a')", ''],
  ['INSERT INTO t (k, s) VALUES (1, null)', ''],
  ["INSERT INTO t (k, s) VALUES (1, (text) 'a')", "s='a'"],
  ['INSERT INTO t (k, s) VALUES (1, (text) ?)', 's=?0'],
  ["INSERT INTO x (k, s) VALUES (1, 'a')", null],
  ["INSERT INTO other.t (k, s) VALUES (1, 'a')", null],
  ["INSERT INTO other.u (k, s, d) VALUES (1, 'a', 'b')", "d='b'"],
  ['INSERT INTO ks."T" (k, s) VALUES (1, \'a\')', null],
  ['INSERT INTO "Mixed" (k, "Odd", odd) VALUES (1, \'a\', \'b\')', "Odd='a'"],
  ['INSERT INTO mixed (k, "Odd") VALUES (1, \'a\')', null],
  ["UPDATE t SET s = 'a', v = 'b' WHERE k = 1", "s='a'"],
  ['UPDATE t USING TTL 5 SET v = ?, s = ? WHERE k = ? AND d = ? IF d = ? AND v = ?', 's=?1 d=?3 d=?4'],
  ["UPDATE t SET v = 'b' WHERE k = 1 IF d IN ('a', ?)", "d='a' d=?0"],
  ['UPDATE t SET m = m + {1}, l[0] = 2 WHERE k = 1', ''],
  ['DELETE s FROM t WHERE k = 1', ''],
  ["DELETE FROM t WHERE d = 'a'", "d='a'"],
  ['SELECT * FROM t', ''],
  ['SELECT s, v, d AS s FROM t WHERE k = ?', '[s,-,d]'],
  ['SELECT v AS s, writetime(s), ttl(s), count(s), count(*) FROM t', '[-,-,-,-,-]'],
  ["SELECT DISTINCT d FROM t WHERE d IN ('a', 'b') GROUP BY d", "d='a' d='b' [d]"],
  ['SELECT v FROM t WHERE d IN ? AND k = ?', 'd=list?0 [-]'],
  ['SELECT JSON v FROM t', '[-]'],
  ['SELECT s FROM system.local', null],
  ["SELECT v FROM x WHERE t = 's'", null],
  ["BEGIN BATCH INSERT INTO t (k, s) VALUES (?, ?); UPDATE x SET s = ? WHERE k = 1; UPDATE t SET d = 'a' WHERE k = ? APPLY BATCH", "d='a' s=?1"], // prettier-ignore
  ['CREATE TABLE t (k int PRIMARY KEY, s blob, d text)', ''],
  ['CREATE TABLE t (k int PRIMARY KEY, v int)', ''],
  ['TRUNCATE t', null],
  ['DROP TABLE ks.t', null],
  ['CREATE INDEX ON t (d)', null],
  ['ALTER TABLE t ADD z int', null],
  ['CREATE INDEX ON t (d) AND ALL THAT WILL COME', null],
]
for (const [text, plan] of PLANS)
  test(`${text}: ${plan === null ? 'about nothing protected' : plan || 'nothing to encrypt'}`, () => {
    assert.equal(shown(text, 'ks'), plan)
  })

/** Statements that are refused, and the column that is named. */
const REFUSALS: readonly [text: string, why: RegExp][] = [
  ["INSERT INTO t (k, s) VALUES (1, textAsBlob('a'))", /^ks\.t\.s is protected: give it a string/],
  ['INSERT INTO t (k, s) VALUES (1, 5)', /^ks\.t\.s /],
  ["INSERT INTO t (k, s) VALUES (1, ['a'])", /^ks\.t\.s /],
  ["INSERT INTO t (k, s) VALUES (1, 'a' + 'b')", /^ks\.t\.s /],
  ["INSERT INTO t (k, s) VALUES (1, (blob) textAsBlob('a'))", /^ks\.t\.s /],
  ["INSERT INTO t (k, s, d) VALUES (1, 'a')", /as many values as columns/],
  ["INSERT INTO t (k) VALUES (1, 'a')", /as many values as columns/],
  ['INSERT INTO t JSON \'{"s": "a"}\'', /^ks\.t\.s .*INSERT JSON/],
  ['INSERT INTO ks.t JSON ?', /INSERT JSON/],
  ["UPDATE t SET s = s + 'a' WHERE k = 1", /^ks\.t\.s .*not be changed in part/],
  ["UPDATE t SET s += 'a' WHERE k = 1", /changed in part/],
  ["UPDATE t SET s[0] = 'a' WHERE k = 1", /changed in part/],
  ["UPDATE t SET s.f = 'a' WHERE k = 1", /changed in part/],
  ['DELETE s[0] FROM t WHERE k = 1', /changed in part/],
  ["UPDATE t SET v = 1 WHERE k = 1 IF s = 'a'", /^ks\.t\.s .*not searchable.* a condition/],
  ["SELECT v FROM t WHERE s = 'a' ALLOW FILTERING", /^ks\.t\.s .*not searchable/],
  ["SELECT v FROM t WHERE d > 'a'", /^ks\.t\.d .*only = and IN/],
  ["SELECT v FROM t WHERE d LIKE 'a%'", /^ks\.t\.d /],
  ["SELECT v FROM t WHERE d CONTAINS 'a'", /^ks\.t\.d /],
  ["SELECT v FROM t WHERE (k, d) = (1, 'a')", /^ks\.t\.d /],
  ["SELECT v FROM t WHERE token(d) > token('a')", /^ks\.t\.d /],
  ["SELECT v FROM t WHERE d['a'] = 'b'", /^ks\.t\.d /],
  ["SELECT v FROM t WHERE d = textAsBlob('a')", /^ks\.t\.d /],
  ["SELECT v FROM t WHERE expr(i, 'a')", /^expr\(\) on the table ks\.t/],
  ['SELECT blobAsText(s) FROM t', /^ks\.t\.s .*nothing can be computed/],
  ['SELECT max(d) FROM t', /^ks\.t\.d /],
  ['SELECT CAST(s AS text) FROM t', /^ks\.t\.s /],
  ['SELECT (text) s FROM t', /^ks\.t\.s /],
  ['SELECT [s] FROM t', /^ks\.t\.s /],
  ['SELECT {k: s} FROM t', /^ks\.t\.s /],
  ['SELECT f(v, -s) FROM t', /^ks\.t\.s /],
  ['SELECT s[1..2] FROM t', /^ks\.t\.s /],
  ['SELECT ks.writetime(s) FROM t', /^ks\.t\.s /],
  ['SELECT JSON * FROM t', /SELECT JSON/],
  ['SELECT JSON s FROM t', /SELECT JSON/],
  ['SELECT v FROM t GROUP BY s', /^ks\.t\.s .*GROUP BY/],
  ['SELECT v FROM t WHERE k = 1 ORDER BY d', /^ks\.t\.d .*ordered/],
  ["BEGIN BATCH UPDATE t SET v = 1 WHERE k = 1; UPDATE t SET s = f('a') WHERE k = 1 APPLY BATCH", /^ks\.t\.s /],
  ['CREATE TABLE t (k int PRIMARY KEY, s int)', /^ks\.t\.s .*can't be of the type int/],
  ['CREATE TABLE t (k int PRIMARY KEY, s list<text>)', /of the type list/],
  ["INSERT INTO t (k, s) VALUES (1, 'a') AND MORE", /names a protected table could not be parsed/],
  ["INSRT INTO t (k, s) VALUES (1, 'a')", /could not be parsed/],
  ["SELECT s FROM t WHERE s = 'a", /could not be parsed/],
]
for (const [text, why] of REFUSALS)
  test(`${text} is refused`, () => {
    assert.throws(() => shown(text, 'ks'), (error) => error instanceof Refusal && why.test(error.message)) // prettier-ignore
  })

test('a table without a keyspace is of the one that was chosen, or of none', () => {
  const text = "INSERT INTO t (k, s) VALUES (1, 'a')"
  assert.equal(shown(text, null), null)
  assert.equal(shown(text, 'other'), null)
  assert.throws(() => shown(text, undefined), /in which keyspace the table t is/)
  assert.equal(shown("INSERT INTO ks.t (k, s) VALUES (1, 'a')", undefined), "s='a'")
  assert.equal(shown("INSERT INTO x (k, s) VALUES (1, 'a')", undefined), null)
})

test('a column that is protected twice is refused', () => {
  assert.throws(() => new ProtectedTables({ ks: { t: ['s'] } }, { ks: { t: ['s'] } }), /ks\.t\.s is protected twice/)
})

const gap = fc.constantFrom(' ', '\n', ' /* s */ ', ' -- t\n', '\t ')
const cased = (word: string) => fc.constantFrom(word, word.toUpperCase())
const table = fc.constantFrom('ks.t', 'KS.T', '"ks"."t"', 'ks . t', 't', '"t"')
const column = fc.constantFrom('s', 'S', '"s"', 'd', 'D', '"d"')
const hush = fc.constantFrom(
  "'hush'",
  '$$hush$$',
  "'it''s hush'",
  '0x68757368',
  "(text) 'hush'",
  "textAsBlob('hush')",
  "['hush']",
)
const operator = fc.constantFrom('=', 'IN', '>', 'LIKE', 'CONTAINS', '!=')
const listed = (sign: string, value: string) => (sign === 'IN' ? `(${value}, ${value})` : value)

/** Writes and reads whose hush is in a protected column. */
const statement = fc.oneof(
  fc.tuple(cased('insert'), gap, table, column, hush, fc.boolean()).map(([word, space, of, name, value, last]) =>
    last ? `${word}${space}INTO ${of} (k,${space}${name}) VALUES (1,${space}${value})` : `${word} INTO ${of} (${name}, k) VALUES (${value}, 1) IF NOT EXISTS`), // prettier-ignore
  fc.tuple(cased('update'), gap, table, column, hush, operator, hush).map(([word, space, of, name, value, sign, other]) =>
    `${word}${space}${of} SET v = 'x', ${name}${space}= ${value} WHERE k = 1 IF d ${sign} ${listed(sign, other)}`), // prettier-ignore
  fc.tuple(cased('select'), gap, table, column, hush, operator).map(([word, space, of, name, value, sign]) =>
    `${word}${space}v FROM ${of} WHERE${space}${name} ${sign} ${listed(sign, value)} ALLOW FILTERING`), // prettier-ignore
  fc.tuple(table, column, hush, operator).map(([of, name, value, sign]) => `DELETE FROM ${of} WHERE ${name} ${sign} ${listed(sign, value)}`), // prettier-ignore
)
const text = fc.oneof(statement, fc.array(statement.filter((each) => !/^select/i.test(each)), { minLength: 1, maxLength: 4 }).map((all) => `BEGIN UNLOGGED BATCH ${all.join('; ')}; APPLY BATCH;`)) // prettier-ignore

test('of what is given to a protected column all is encrypted, however it is written, or the statement is refused', () => {
  let planned = 0
  fc.assert(
    fc.property(text, (written) => {
      const bytes = Buffer.from(written)
      try {
        const plan = planOf(bytes, tables, 'ks')!
        const left = plan.literals.toSorted((a, b) => b.start - a.start).reduce((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), written) // prettier-ignore
        assert.ok(!/hush|68757368/.test(left), left)
        planned++
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
      }
    }),
    { numRuns: 2000 },
  )
  assert.ok(planned > 200, `${planned} of 2000`)
})
