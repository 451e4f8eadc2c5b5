import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SIMPLE_TYPES, type CqlType, type SimpleType } from '../body/cql-type.ts'
import { parseTypeName, resolveType } from './type-name.ts'

const int: CqlType = { type: 'int' }
const user: Extract<CqlType, { type: 'udt' }> = {
  type: 'udt',
  keyspace: 'ks',
  name: 'U',
  fields: [{ name: 'f', type: int }],
}

/** As system_schema.columns has them, or a CREATE TABLE. */
const TYPES: readonly (readonly [text: string, type: CqlType | null])[] = [
  ['int', int],
  ['VARCHAR', { type: 'text' }],
  ['frozen<map<text, list<int>>>', { type: 'map', keys: { type: 'text' }, values: { type: 'list', of: int } }],
  ['set< frozen <set<int>> >', { type: 'set', of: { type: 'set', of: int } }],
  ['tuple<int, text, tuple<int>>', { type: 'tuple', of: [int, { type: 'text' }, { type: 'tuple', of: [int] }] }],
  ['vector<float, 3>', { type: 'vector', of: { type: 'float' }, size: 3 }],
  ['frozen<"U">', user],
  ['ks."U"', user],
  ['list<frozen<ks."U">>', { type: 'list', of: user }],
  ['nobody', null],
  ['"int"', null],
  ['list<nobody>', null],
  ["'com.example.Own'", { type: 'custom', name: 'com.example.Own' }],
]

for (const [text, type] of TYPES)
  test(`the type ${text}`, () => {
    const parsed = parseTypeName(text)
    assert.ok(parsed)
    assert.deepEqual(
      resolveType(parsed, (_, name) => (name === 'U' ? user : null)),
      type,
    )
  })

for (const text of [
  '',
  'list',
  'list<int',
  'list<int>>',
  'map<int>',
  'tuple<>',
  'vector<int>',
  'vector<int, x>',
  'int int',
  'a.b.c',
])
  test(`${JSON.stringify(text)} is no type, or a user’s`, () => {
    const parsed = parseTypeName(text)
    assert.ok(parsed === null || parsed.type === 'udt')
  })

test('types nested 10,000 deep are refused', () => {
  assert.equal(parseTypeName(`${'frozen<'.repeat(10_000)}int${'>'.repeat(10_000)}`), null)
})

test('types survive being written', () => {
  const simple = fc.constantFrom(...(Object.keys(SIMPLE_TYPES) as SimpleType[])).map((type) => [type, { type }])
  const { type } = fc.letrec<{ type: [string, CqlType] }>((tie) => ({
    type: fc.oneof(
      { maxDepth: 4 },
      simple as fc.Arbitrary<[string, CqlType]>,
      tie('type').map(([text, of]) => [`list<${text}>`, { type: 'list', of }] as [string, CqlType]),
      tie('type').map(([text, of]) => [`frozen<set<${text}>>`, { type: 'set', of }] as [string, CqlType]),
      fc.tuple(tie('type'), tie('type')).map(([a, b]) => [`map<${a[0]}, ${b[0]}>`, { type: 'map', keys: a[1], values: b[1] }] as [string, CqlType]), // prettier-ignore
    ),
  }))
  fc.assert(
    fc.property(type, ([text, expected]) => {
      assert.deepEqual(
        resolveType(parseTypeName(text)!, () => null),
        expected,
      )
    }),
  )
})
