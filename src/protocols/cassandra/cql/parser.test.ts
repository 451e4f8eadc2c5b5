import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseStatement } from './parser.ts'
import type { ParsedStatement, Relation, TableName, Term } from './syntax.ts'

function parse(text: string): ParsedStatement | null {
  return parseStatement(Buffer.from(text))
}

/** A term in few words. */
function told(term: Term): string {
  const list = (items: readonly Term[]) => items.map(told).join(' ')
  switch (term.type) {
    case 'literal':
      return term.kind === 'string' ? `'${term.text}'` : term.text
    case 'marker':
      return `${term.name === null ? '?' : `:${term.name}`}${term.index}`
    case 'column':
      return term.name.text
    case 'star':
      return '*'
    case 'list':
    case 'set':
    case 'tuple':
      return `${term.type}(${list(term.items)})`
    case 'map':
      return `map(${term.entries.map((entry) => list(entry)).join(', ')})`
    case 'udt':
      return `udt(${term.fields.map(([name, value]) => `${name} ${told(value)}`).join(', ')})`
    case 'function':
      return `${term.keyspace === null ? '' : `${term.keyspace}.`}${term.name}(${list(term.args)})`
    case 'cast':
      return `cast(${told(term.of)} ${term.to})`
    case 'hint':
      return `hint(${term.to} ${told(term.of)})`
    case 'negation':
      return `-${told(term.of)}`
    case 'operation':
      return `(${told(term.left)} ${term.operator} ${told(term.right)})`
    case 'field':
      return `${told(term.of)}.${term.name}`
    case 'element':
      return `${told(term.of)}[${told(term.key)}]`
    case 'slice':
      return `${told(term.of)}[${term.from === null ? '' : told(term.from)}..${term.to === null ? '' : told(term.to)}]`
  }
}

function relations(all: readonly Relation[]): string {
  return all.map(({ left, operator, right }) => `${told(left)} ${operator} ${right.map(told).join(' ')}`).join(' & ')
}

/** What is parsed, in words. */
function summary(statement: ParsedStatement): string {
  const table = ({ table: { keyspace, table } }: { table: TableName }) =>
    `${keyspace === null ? '' : `${keyspace.text}.`}${table.text}`
  const using = (of: { using: { timestamp: Term | null; ttl: Term | null } }) =>
    `${of.using.timestamp === null ? '' : ` timestamp ${told(of.using.timestamp)}`}${of.using.ttl === null ? '' : ` ttl ${told(of.using.ttl)}`}`
  const condition = (of: { condition: string | readonly Relation[] | null }) =>
    of.condition === null ? '' : ` if ${typeof of.condition === 'string' ? of.condition : relations(of.condition)}`
  switch (statement.type) {
    case 'select': {
      const words = [
        statement.isJson ? 'json' : '',
        statement.isDistinct ? 'distinct' : '',
        statement.selectors.map(({ term, alias }) => told(term) + (alias === null ? '' : ` as ${alias}`)).join(', '),
        `of ${table(statement)}`,
        statement.where.length === 0 ? '' : `where ${relations(statement.where)}`,
        statement.groupBy.length === 0 ? '' : `by ${statement.groupBy.map(told).join(', ')}`,
        statement.orderBy.map(({ term, isDescending, ann }) => `order ${told(term)}${isDescending ? ' desc' : ''}${ann === null ? '' : ` near ${told(ann)}`}`).join(', '), // prettier-ignore
        statement.perPartitionLimit === null ? '' : `each ${told(statement.perPartitionLimit)}`,
        statement.limit === null ? '' : `limit ${told(statement.limit)}`,
        statement.allowsFiltering ? 'filtering' : '',
      ]
      return words.filter((word) => word !== '').join(' ')
    }
    case 'insert': {
      const columns = statement.columns?.map(({ text }) => text).join(' ') ?? 'json'
      return `${table(statement)} (${columns}) (${statement.values.map(told).join(', ')})${condition(statement)}${using(statement)}`
    }
    case 'update': {
      const set = statement.assignments.map(
        ({ target, operator, value }) => `${told(target)} ${operator} ${told(value)}`,
      )
      return `${table(statement)}${using(statement)} set ${set.join(', ')} where ${relations(statement.where)}${condition(statement)}`
    }
    case 'delete':
      return `${statement.targets.map(told).join(', ')} of ${table(statement)}${using(statement)} where ${relations(statement.where)}${condition(statement)}`
    case 'batch':
      return `${statement.kind}${using(statement)}: ${statement.statements.map(summary).join('; ')}`
    case 'truncate':
      return `truncate ${table(statement)}`
    case 'use':
      return `use ${statement.keyspace.text}`
  }
}

const STATEMENTS: readonly (readonly [text: string, summary: string])[] = [
  ['SELECT * FROM ks.t', '* of ks.t'],
  ['SELECT a, "B" AS c, count(*), ttl(v) FROM t;', 'a, B as c, count(*), ttl(v) of t'],
  ['SELECT json, distinct FROM t', 'json, distinct of t'],
  ['SELECT JSON DISTINCT k FROM t', 'json distinct k of t'],
  ['SELECT cast(a AS text), ks.f(a, 1), (int) 5, -a + 2 * b FROM t', 'cast(a text), ks.f(a 1), hint(int 5), (-a + (2 * b)) of t'], // prettier-ignore
  ["SELECT m['x'], m['a'..'b'], u.f, l[..?] FROM t", "m['x'], m['a'..'b'], u.f, l[..?0] of t"],
  ['SELECT v FROM t WHERE k = ? AND c >= :low AND c < 5', 'v of t where k = ?0 & c >= :low1 & c < 5'],
  ['SELECT v FROM t WHERE (a, b) > (1, 2) AND token(k) > token(?)', 'v of t where tuple(a b) > tuple(1 2) & token(k) > token(?0)'], // prettier-ignore
  ["SELECT v FROM t WHERE k IN (1, ?) AND (c, d) IN ((1, 2), ?) AND e IN ?", 'v of t where k in 1 ?0 & tuple(c d) in tuple(1 2) ?1 & e in ?2'], // prettier-ignore
  ["SELECT v FROM t WHERE s CONTAINS 'a' AND m CONTAINS KEY 'b' AND v LIKE 'c%' AND w IS NOT NULL", "v of t where s contains 'a' & m contains key 'b' & v like 'c%' & w is not null"], // prettier-ignore
  ['SELECT v FROM t WHERE (k = 1) AND ((c) = 2)', 'v of t where k = 1 & tuple(c) = 2'],
  ["SELECT * FROM t WHERE m['k'] = 1 ALLOW FILTERING", "* of t where m['k'] = 1 filtering"],
  ['SELECT v FROM t GROUP BY k, c ORDER BY c DESC, d PER PARTITION LIMIT 2 LIMIT ?', 'v of t by k, c order c desc, order d each 2 limit ?0'], // prettier-ignore
  ['SELECT v FROM t ORDER BY e ANN OF [0.1, -2] LIMIT 3', 'v of t order e near list(0.1 -2) limit 3'],
  ["INSERT INTO t (k, v) VALUES (1, 'it''s')", "t (k v) (1, 'it's')"],
  ['INSERT INTO ks.t (k) VALUES (?) IF NOT EXISTS USING TTL ? AND TIMESTAMP 5', 'ks.t (k) (?0) if not exists timestamp 5 ttl ?1'], // prettier-ignore
  ["INSERT INTO t JSON '{}' DEFAULT UNSET", "t (json) ('{}')"],
  ['INSERT INTO t (a) VALUES ({1, 2})', 't (a) (set(1 2))'],
  ["INSERT INTO t (a) VALUES ({'x': [1], 'y': []})", "t (a) (map('x' list(1), 'y' list()))"],
  ["INSERT INTO t (a) VALUES ({street: 'Long', n: {1}})", "t (a) (udt(street 'Long', n set(1)))"],
  ['INSERT INTO t (a) VALUES ({})', 't (a) (set())'],
  ['INSERT INTO t (a, b, c, d) VALUES (0xCAFE, 12345678-1234-1234-1234-123456789abc, true, NaN)', 't (a b c d) (0xCAFE, 12345678-1234-1234-1234-123456789abc, true, nan)'], // prettier-ignore
  ['INSERT INTO t (a, b) VALUES (now(), 1h30m)', 't (a b) (now(), 1h30m)'],
  ["UPDATE t USING TTL 5 SET v = 'a', m['k'] = 1, u.f = ?, c = c + 1, l += [2] WHERE k = 1 IF v = 'b' AND l[0] = 1", "t ttl 5 set v = 'a', m['k'] = 1, u.f = ?0, c = (c + 1), l += list(2) where k = 1 if v = 'b' & l[0] = 1"], // prettier-ignore
  ['UPDATE t SET v = 1 WHERE k = 1 IF EXISTS', 't set v = 1 where k = 1 if exists'],
  ["DELETE v, m['k'], u.f FROM t USING TIMESTAMP 1 WHERE k = 1 IF v = 2", "v, m['k'], u.f of t timestamp 1 where k = 1 if v = 2"], // prettier-ignore
  ['DELETE FROM t WHERE k = 1', ' of t where k = 1'],
  ["BEGIN UNLOGGED BATCH USING TIMESTAMP 1 INSERT INTO t (k) VALUES (?); DELETE FROM u WHERE k = ? APPLY BATCH;", 'unlogged timestamp 1: t (k) (?0);  of u where k = ?1'], // prettier-ignore
  ['BEGIN BATCH APPLY BATCH', 'logged: '],
  ['TRUNCATE TABLE ks.t', 'truncate ks.t'],
  ['USE "Ks"', 'use Ks'],
  ['/* a */ SELECT k -- b\n FROM t // c', 'k of t'],
]

for (const [text, expected] of STATEMENTS) {
  test(text, () => {
    const parsed = parse(text)
    assert.ok(parsed !== null)
    assert.equal(summary(parsed), expected)
  })
}

const OTHERS = [
  '',
  'SELECT',
  'SELECT FROM t',
  'SELECT * FROM',
  'SELECT * FROM select',
  'SELECT * FROM t WHERE',
  'SELECT * FROM t WHERE k',
  'SELECT * FROM t LIMIT',
  "SELECT * FROM t WHERE k = 'a",
  'SELECT * FROM t x',
  'SELECT * FROM t; SELECT * FROM t',
  'INSERT INTO t (k) VALUES (1',
  'INSERT INTO t VALUES (1)',
  'UPDATE t SET v WHERE k = 1',
  "UPDATE t SET v '=' 1 WHERE k = 1",
  'DELETE WHERE k = 1',
  'BEGIN BATCH SELECT * FROM t APPLY BATCH',
  'BEGIN BATCH INSERT INTO t (k) VALUES (1)',
  'CREATE TABLE t (k int PRIMARY KEY)',
]

for (const text of OTHERS) test(`${JSON.stringify(text)} is not parsed`, () => assert.equal(parse(text), null))

test('names and tables are found where they stand', () => {
  const text = 'SELECT * FROM "K""s" . Tab WHERE k = 1'
  const parsed = parse(text)
  assert.ok(parsed?.type === 'select')
  const { keyspace, table } = parsed.table
  assert.equal(text.slice(keyspace!.start, keyspace!.end), '"K""s"')
  assert.equal(text.slice(table.start, table.end), 'Tab')
})

test('terms that are nested too deep are not parsed, and cost little', () => {
  for (const nested of [
    '('.repeat(50_000),
    '['.repeat(50_000),
    '{'.repeat(50_000),
    '-'.repeat(50_000),
    'f('.repeat(50_000),
    '(('.repeat(49),
    '(a)'.repeat(5000),
  ])
    // prettier-ignore
    for (const text of [`SELECT * FROM t WHERE ${nested}`, `SELECT ${nested}`, `INSERT INTO t (a) VALUES (${nested}`])
      assert.equal(parse(text), null)
})

test('any text is parsed or not, in a moment', () => {
  const words =
    'SELECT FROM t k WHERE = AND ( ) [ ] { } , . : ? 1 \'a\' "b" IN INSERT INTO VALUES UPDATE SET DELETE BEGIN BATCH APPLY IF NOT EXISTS - + * token cast AS ;'
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words.split(' ')), { maxLength: 60 }), (pieces) => {
      const parsed = parse(pieces.join(' '))
      if (parsed !== null) assert.equal(typeof summary(parsed), 'string')
    }),
    { numRuns: 2000 },
  )
})
