import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { statementKind } from './classify.ts'
import { NESTING_MAX, TOKENS_MAX } from './cursor.ts'
import { parseStatement, type Unparsed } from './parse.ts'
import { STATEMENT_NAMES } from './statement-kinds.ts'
import { OTHER_STATEMENTS, REFUSED, STATEMENTS } from './statements.table.ts'
import type { Delete, Insert, Reference, Select, Spot, Statement, Term, Update } from './tree.ts'

function parse(text: string): Statement {
  const statement = parseStatement(Buffer.from(text))
  if (statement.type === 'unparsed') assert.fail(`${text}: ${statement.reason}`)
  return statement
}

function refused(text: string): Unparsed {
  const statement = parseStatement(Buffer.from(text))
  if (statement.type !== 'unparsed') assert.fail(`taken: ${text.slice(0, 100)}`)
  return statement
}

function written({ of, keyspace, name }: Reference): string {
  const before = of === 'table' || of === 'keyspace' ? '' : `${of}:`
  return `${before}${keyspace === null ? '' : `${keyspace.text}.`}${name?.text ?? ''}`
}

for (const table of [STATEMENTS, OTHER_STATEMENTS])
  for (const [kind, rows] of Object.entries(table))
    test(`${rows.length} statements that are ${kind} are parsed`, () => {
      for (const [text, names] of rows) {
        const statement = parse(text)
        assert.equal(STATEMENT_NAMES[statement.kind], kind, text)
        const found = statement.references.filter(({ of }) => of !== 'function').map(written)
        assert.equal(found.join(' '), names, text)
        const bytes = Buffer.from(text)
        assert.equal(statementKind(bytes, 0, bytes.length), statement.kind, text)
      }
    })

test(`${REFUSED.length} texts that the server refuses are refused`, () => {
  for (const text of REFUSED) assert.equal(typeof refused(text).reason, 'string', text)
})

test('what is wrong and where is told', () => {
  assert.deepEqual(refused('SELECT a FROM t WHERE k = b'), { type: 'unparsed', kind: 0, at: 27, reason: '( expected, not the end' }) // prettier-ignore
  assert.equal(refused('SELECT a FROM t LIMITS').reason, 'the end expected, not "limits"')
  assert.equal(refused("SELECT a FROM t WHERE k = 'x").reason, 'a quote or a comment does not end')
})

/** A term in short, with what literals look like in the text. */
function short(text: string, term: Term): unknown {
  const each = (terms: readonly Term[]) => terms.map((one) => short(text, one))
  switch (term.term) {
    case 'literal':
      return `${term.type} ${Buffer.from(text).toString('utf8', term.start, term.end)}`
    case 'marker':
      return `?${term.marker.index}${term.marker.name?.text ?? ''}`
    case 'name':
      return term.name.text
    case 'call':
      return { [written(term.function)]: each(term.args) }
    case 'star':
      return '*'
    case 'list':
    case 'set':
    case 'tuple':
      return { [term.term]: each(term.items) }
    case 'map':
      return { map: term.entries.map((entry) => each(entry)) }
    case 'cast':
    case 'hint':
      return { [term.term]: short(text, term.of), to: term.to.type }
    case 'operation':
      return [short(text, term.first), ...term.rest.flatMap((one) => [one.operator, short(text, one.term)])]
    case 'negation':
      return { minus: short(text, term.of) }
    case 'path':
      return { of: short(text, term.of), steps: term.steps.map(({ step }) => step) }
  }
}

const TERMS: readonly (readonly [text: string, term: unknown])[] = [
  ['1', 'integer 1'],
  ['-1', 'integer -1'],
  ['- 1', 'integer - 1'],
  ['1.5e-3', 'float 1.5e-3'],
  ['-NaN', 'float -NaN'],
  ["'it''s'", "string 'it''s'"],
  ['$$x$$', 'string $$x$$'],
  ['true', 'boolean true'],
  ['null', 'null null'],
  ['0xCAFE', 'blob 0xCAFE'],
  ['b70de1d0-9908-4ae3-be34-5573e5b09f14', 'uuid b70de1d0-9908-4ae3-be34-5573e5b09f14'],
  ['-1y2mo', 'duration -1y2mo'],
  ['5µs', 'duration 5µs'],
  ['P1Y2M', 'duration P1Y2M'],
  ['P0001-02-03T04:05:06', 'duration P0001-02-03T04:05:06'],
  ['p1y', 'p1y'],
  ['PT', 'pt'],
  ['a + 1 * 2 - b', ['a', '+', ['integer 1', '*', 'integer 2'], '-', 'b']],
  ['-a', { minus: 'a' }],
  ['f(a, ?)', { 'function:f': ['a', '?0'] }],
  ['ks."F"()', { 'function:ks.F': [] }],
  ['count(*)', { 'function:count': ['*'] }],
  ['cast(a as text)', { cast: 'a', to: 'text' }],
  ['(set<int>) a', { hint: 'a', to: 'set' }],
  ['(a)', { tuple: ['a'] }],
  ['[:a, :b]', { list: ['?0a', '?1b'] }],
  ["{'a': 1, b: 2}", { map: [["string 'a'", 'integer 1'], ['b', 'integer 2']] }], // prettier-ignore
  ['{}', { set: [] }],
  ["u.f['x'][1..2]", { of: 'u', steps: ['field', 'element', 'slice'] }],
]

for (const [text, expected] of TERMS)
  test(`the term ${text}`, () => {
    const statement = `SELECT ${text} FROM t`
    const { selectors } = parse(statement) as Select
    assert.equal(selectors.length, 1)
    assert.deepEqual(short(statement, selectors[0]!.term), expected)
  })

/** on, columns, operator, number of values, and whether one marker is the list. */
const RELATIONS: readonly (readonly [text: string, ...rest: unknown[]])[] = [
  ['k = 1', 'column', ['k'], '=', 1, false],
  ['"K" IN (1, 2, 3)', 'column', ['K'], 'IN', 3, false],
  ['k IN ?', 'column', ['k'], 'IN', 0, true],
  ['k IN (?)', 'column', ['k'], 'IN', 1, false],
  ['k NOT IN ()', 'column', ['k'], 'NOT IN', 0, false],
  ['(a, b) > (1, 2)', 'tuple', ['a', 'b'], '>', 1, false],
  ['token(a, b) <= ?', 'token', ['a', 'b'], '<=', 1, false],
  ['m[1] = 2', 'element', ['m'], '=', 1, false],
  ['m CONTAINS KEY 1', 'column', ['m'], 'CONTAINS KEY', 1, false],
  ['m NOT CONTAINS 1', 'column', ['m'], 'NOT CONTAINS', 1, false],
  ['c BETWEEN 1 AND 2', 'column', ['c'], 'BETWEEN', 2, false],
  ['c IS NOT NULL', 'column', ['c'], 'IS NOT NULL', 0, false],
  ['expr(i, 1)', 'index', ['i'], 'EXPR', 1, false],
  ['((k = 1))', 'column', ['k'], '=', 1, false],
]

for (const [text, ...expected] of RELATIONS)
  test(`the relation ${text}`, () => {
    const { where } = parse(`SELECT a FROM t WHERE x = 1 AND ${text} AND y = 2`) as Select
    assert.equal(where!.relations.length, 3)
    const { on, columns, operator, values, list } = where!.relations[1]!
    assert.deepEqual([on, columns.map((column) => column.text), operator, values.length, list !== null], expected)
  })

const ASSIGNMENTS: readonly (readonly [text: string, operator: string, key: string | null])[] = [
  ['c = 1', '=', null],
  ['c = c + 1', '+=', null],
  ['c += 1', '+=', null],
  ['c = c - {1}', '-=', null],
  ['c = c -1', '-=', null],
  ['c = [1] + c', 'prepend', null],
  ['c[1] = 2', '=', 'element'],
  ['c.f = 2', '=', 'field'],
]

for (const [text, operator, key] of ASSIGNMENTS)
  test(`the assignment ${text}`, () => {
    const { assignments } = parse(`UPDATE t SET a = 1, ${text} WHERE k = 1`) as Update
    const found = assignments[1]!
    assert.deepEqual([found.column.text, found.operator, found.key?.step ?? null], ['c', operator, key])
  })

test('the clauses of a SELECT are told apart', () => {
  const statement = parse('SELECT JSON DISTINCT a AS b FROM t GROUP BY a, c ORDER BY c DESC, v ANN OF ? PER PARTITION LIMIT 2 LIMIT ? ALLOW FILTERING') as Select // prettier-ignore
  assert.equal(statement.json && statement.distinct && statement.allowsFiltering, true)
  assert.equal(statement.selectors[0]!.alias!.text, 'b')
  assert.equal(statement.groupBy.length, 2)
  assert.deepEqual(statement.orderBy.map(({ column, descending, near }) => [column.text, descending, near?.term]), [['c', true, undefined], ['v', false, 'marker']]) // prettier-ignore
  assert.deepEqual([statement.perPartitionLimit!.term, statement.limit!.term], ['literal', 'marker'])
})

test('an INSERT has its columns and values, or a text', () => {
  const insert = parse('INSERT INTO t (k, "V") VALUES (?, 1) IF NOT EXISTS USING TTL ? AND TIMESTAMP 1') as Insert
  assert.deepEqual(insert.columns.map(({ text }) => text), ['k', 'V']) // prettier-ignore
  assert.equal(insert.values.length, 2)
  assert.equal(insert.ifNotExists, true)
  assert.deepEqual([insert.using!.ttl!.term, insert.using!.timestamp!.term], ['marker', 'literal'])
  const json = parse("INSERT INTO t JSON '{}'") as Insert
  assert.deepEqual([json.columns, json.values, json.json!.term, json.using], [[], [], 'literal', null])
})

test('a DELETE has what it deletes, and on what condition', () => {
  const statement = parse("DELETE a, m['x'], u.f FROM t WHERE k = 1 IF a = 1 AND m[1] IN ?") as Delete
  assert.deepEqual(statement.deletions.map(({ column, key }) => [column.text, key?.step]), [['a', undefined], ['m', 'element'], ['u', 'field']]) // prettier-ignore
  assert.equal(statement.ifs!.relations.length, 2)
  assert.equal((parse('DELETE FROM t WHERE k = 1 IF EXISTS') as Delete).ifExists, true)
})

test('a table has its columns and its key', () => {
  const statement = parse('CREATE TABLE t (a int, b text static, c frozen<list<int>>, PRIMARY KEY ((a, c), d), d int)')
  if (statement.type !== 'create table') assert.fail(statement.type)
  assert.deepEqual(statement.columns.map(({ name, type, isStatic }) => [name.text, type.type, isStatic]), [['a', 'int', false], ['b', 'text', true], ['c', 'list', false], ['d', 'int', false]]) // prettier-ignore
  assert.deepEqual([statement.partitionKey, statement.clusteringKey].map((names) => names.map(({ text }) => text)), [['a', 'c'], ['d']]) // prettier-ignore
})

test('bind markers have their places, those of a batch among all of it', () => {
  const text = "BEGIN BATCH USING TIMESTAMP ? INSERT INTO t (k, v) VALUES (:a, f(?)); UPDATE t SET v = '?' WHERE k IN ? APPLY BATCH" // prettier-ignore
  const statement = parse(text)
  if (statement.type !== 'batch') assert.fail(statement.type)
  const told = (of: Statement) => of.markers.map(({ index, start, end }) => `${index}${text.slice(start, end)}`)
  assert.deepEqual(told(statement), ['0?', '1:a', '2?', '3?'])
  assert.deepEqual(statement.statements.map(told), [['1:a', '2?'], ['3?']])
})

const NESTED: readonly (readonly [what: string, open: string, inner: string, close: string])[] = [
  ['lists', '[', '1', ']'],
  ['sets', '{', '1', '}'],
  ['maps', '{1: ', '1', '}'],
  ['tuples', '(', '1', ')'],
  ['calls', 'f(', '1', ')'],
  ['casts', 'cast(', '1', ' as int)'],
  ['hints', '(int)', '1', ''],
  ['minuses', '- ', 'a', ''],
  ['types', '(list<', 'int', '>) a'],
  ['types of types', '(frozen<list<', 'int', '>>) a'],
]

for (const [what, open, inner, close] of NESTED)
  test(`${what} nested 10,000 deep are refused, some are not`, () => {
    const nested = (depth: number) => `SELECT ${open.repeat(depth)}${inner}${close.repeat(depth)} FROM t`
    assert.match(refused(nested(10_000)).reason, new RegExp(`nested more than ${NESTING_MAX} deep|expected`))
    if (!what.startsWith('types')) parse(nested(NESTING_MAX / 5))
  })

test('relations in 10,000 brackets are refused', () => {
  const nested = `SELECT a FROM t WHERE ${'('.repeat(10_000)}k = 1${')'.repeat(10_000)}`
  assert.match(refused(nested).reason, /nested/)
})

test('what is long but not deep is parsed', () => {
  const sum = parse(`SELECT ${'1 + '.repeat(50_000)}1 FROM t`) as Select
  assert.equal(sum.selectors[0]!.term.term, 'operation')
  parse(`SELECT a FROM t WHERE k IN (${'?,'.repeat(60_000)}?)`)
  parse(`SELECT a FROM t WHERE k = '${'x'.repeat(5_000_000)}'`)
  parse(`SELECT a${'.b'.repeat(50_000)} FROM t`)
})

test('what has too many words is refused', () => {
  assert.match(refused(`SELECT a FROM t WHERE k IN (${'?,'.repeat(TOKENS_MAX)}?)`).reason, /more than \d+ words/)
})

/** Every place in a tree. */
function* spots(tree: unknown): Iterable<Spot> {
  if (typeof tree !== 'object' || tree === null) return
  if ('start' in tree && 'end' in tree) yield tree as Spot
  for (const part of Object.values(tree)) yield* spots(part)
}

const all = [STATEMENTS, OTHER_STATEMENTS].flatMap((table) => Object.values(table).flatMap((rows) => rows.map(([text]) => text))) // prettier-ignore
const words = [...new Set(all.flatMap((text) => text.split(/(?<=\W)|(?=\W)/)))]

test('any words, and statements with some words otherwise, are parsed or refused, with places in the text', () => {
  const mutated = fc
    .tuple(fc.constantFrom(...all), fc.nat(), fc.nat({ max: 3 }), fc.array(fc.constantFrom(...words), { maxLength: 3 }))
    .map(([text, at, gone, others]) => {
      const parts = text.split(/(?<=\W)|(?=\W)/)
      parts.splice(at % parts.length, gone, ...others)
      return parts.join('')
    })
  const random = fc.array(fc.constantFrom(...words), { maxLength: 30 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(mutated, random), (text) => {
      const bytes = Buffer.from(`'"${text}'"/*`)
      const statement = parseStatement(bytes, 2, bytes.length - 4)
      for (const { start, end } of spots(statement)) assert.ok(start >= 2 && end >= start && end <= bytes.length - 4)
    }),
    { numRuns: 2000 },
  )
})

test('any bytes are parsed or refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => void parseStatement(Buffer.from(bytes))))
})
