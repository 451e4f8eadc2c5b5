import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TEST_KINDS } from '../../test/golden/kinds.ts'
import { KINDS } from './kinds.ts'
import { configSchema, topologySchema } from './schema.ts'

type Json = { [key: string]: Json } & { type?: string | string[]; enum?: unknown[]; description?: string }

const schemas = (await topologySchema(TEST_KINDS)) as Json
const transforms = schemas.definitions.transform.properties
const sources = schemas.definitions.source.properties

test('every kind has its place, under a map with one key', () => {
  assert.deepEqual(Object.keys(transforms), Object.keys(TEST_KINDS.transforms))
  assert.deepEqual(Object.keys(sources), Object.keys(TEST_KINDS.sources))
  for (const part of [schemas.definitions.transform, schemas.definitions.source]) {
    assert.deepEqual([part.minProperties, part.maxProperties, part.additionalProperties], [1, 1, false])
  }
})

test('chains lead back to transforms, at every depth', () => {
  const chain = { $ref: '#/definitions/chain' }
  assert.deepEqual(sources.Valkey.properties.chain, chain)
  assert.deepEqual(transforms.ParallelMap.properties.chain, chain)
  assert.deepEqual(transforms.Tee.properties.behavior.anyOf[1].properties.SubchainOnMismatch.properties.chain, chain)
  assert.deepEqual(schemas.definitions.chain.items, { $ref: '#/definitions/transform' })
})

test('a transform with no field that must be there may have no map', () => {
  assert.deepEqual(transforms.NullSink.type, ['object', 'null'])
  assert.equal(transforms.QueryCounter.type, 'object')
})

test('names of transforms are optional, fields that may be absent may be null', () => {
  assert.deepEqual(transforms.QueryCounter.required, ['counter_name'])
  assert.deepEqual(transforms.QueryCounter.properties.name.type, ['string', 'null'])
  assert.equal(transforms.QueryCounter.properties.counter_name.type, 'string')
  assert.deepEqual(sources.Valkey.properties.connection_limit.type, ['integer', 'null'])
  assert.deepEqual(sources.Valkey.properties.limits.properties.stall_ms.type, ['integer', 'null'])
})

test('users have keys of their own', () => {
  const patterns = Object.keys(schemas.definitions.transform.patternProperties).map((pattern) => new RegExp(pattern))
  const accepted = (key: string) => patterns.some((pattern) => pattern.test(key))
  for (const key of ['./a.ts', '../a.ts', '/a.ts', 'my-transform', '@me/x']) assert.ok(accepted(key), key)
  for (const key of ['NullSnk', 'nullSink']) assert.ok(!accepted(key), key)
})

/** Paths of fields that say nothing of themselves. */
function undescribed(schema: Json, path: string): string[] {
  return Object.entries((schema.properties ?? {}) as Record<string, Json>).flatMap(([name, field]) => {
    const inside = undescribed(field, `${path}.${name}`)
    const silent = field.description === undefined && field.$ref === undefined
    return silent ? [`${path}.${name}`, ...inside] : inside
  })
}

test('every field of every kind says what it is', async () => {
  assert.deepEqual(undescribed(configSchema() as Json, 'config'), [])
  const { definitions } = (await topologySchema(KINDS)) as Json
  for (const kinds of [definitions.source.properties, definitions.transform.properties]) {
    for (const [type, schema] of Object.entries(kinds as Record<string, Json>)) {
      assert.ok(schema.description, type)
      assert.deepEqual(undescribed(schema, type), [])
    }
  }
})

test("a transform of a user's own has its place by its key, beside those that nobody knows", async () => {
  const mine = await TEST_KINDS.transforms.QueryCounter()
  const { definitions } = (await topologySchema(TEST_KINDS, new Map([['./mine.ts', mine]]))) as Json
  assert.deepEqual(definitions.transform.properties['./mine.ts'], transforms.QueryCounter)
  assert.ok('patternProperties' in definitions.transform)
})
