import { z } from 'zod'
import type { TransformKind } from '../core/kind.ts'
import { KINDS, type KindList } from './kinds.ts'
import { schemaOf } from './options.ts'
import { settingsSchema } from './settings.ts'
import { sourceSchemaOf } from './topology.ts'

type JsonSchema = Record<string, unknown>

const DIALECT = 'http://json-schema.org/draft-07/schema#'

function toJson(schema: z.ZodType): JsonSchema {
  const json = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
  })
  return json
}

/** JSON schema of config.yaml. */
export function configSchema(): JsonSchema {
  return { $schema: DIALECT, title: 'Shotover config.yaml', ...nullable(toJson(settingsSchema)) }
}

/** JSON schema of topology.yaml, with all kinds of the list, and users' own by the keys that they have in a topology. */
export async function topologySchema(
  kinds: KindList = KINDS,
  users: ReadonlyMap<string, TransformKind> = new Map(),
): Promise<JsonSchema> {
  const transforms: Record<string, JsonSchema> = {}
  for (const load of Object.values(kinds.transforms)) {
    const kind = await load()
    transforms[kind.type] = transformSchema(kind)
  }
  for (const [key, kind] of users) transforms[key] = transformSchema(kind)
  const sources: Record<string, JsonSchema> = {}
  for (const load of Object.values(kinds.sources)) {
    const kind = await load()
    sources[kind.type] = withChains({ ...nullable(toJson(sourceSchemaOf(kind))), description: kind.doc })
  }
  return {
    $schema: DIALECT,
    title: 'Shotover topology.yaml',
    type: 'object',
    properties: { sources: { type: 'array', items: { $ref: '#/definitions/source' } } },
    required: ['sources'],
    additionalProperties: false,
    definitions: {
      source: singleKey(sources, {}),
      transform: singleKey(transforms, USER_KINDS),
      chain: { type: 'array', items: { $ref: '#/definitions/transform' } },
    },
  }
}

function transformSchema({ options, doc }: TransformKind): JsonSchema {
  return withChains(nullable(named(toJson(schemaOf(options)), doc)))
}

/** Any other transform of a user's own: its key is a file or a package, and only the process that loads it knows its options. */
const USER_KINDS: Record<string, JsonSchema> = {
  '^\\.{0,2}/': { type: ['object', 'null'], description: 'A transform of your own, in a file.' },
  '^[a-z0-9@][a-z0-9@/._-]*$': { type: ['object', 'null'], description: 'A transform of your own, in an npm package.' },
}

function singleKey(kinds: Record<string, JsonSchema>, patterns: Record<string, JsonSchema>): JsonSchema {
  return {
    type: 'object',
    properties: kinds,
    ...(Object.keys(patterns).length === 0 ? {} : { patternProperties: patterns }),
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
  }
}

/** Adds what every transform has: a name; and says what it is. A transform with nothing but a name may have no map at all. */
function named(schema: JsonSchema, doc: string): JsonSchema {
  const name = {
    type: 'string',
    description: 'Name of the transform, unique in the file; derived from its type where absent.',
  }
  const properties = { name, ...(schema.properties as Record<string, JsonSchema>) }
  const type = (schema.required as string[] | undefined)?.length ? 'object' : ['object', 'null']
  return { ...schema, type, properties, description: doc }
}

/** Null for an optional field is as good as its absence, at every depth. */
function nullable(schema: JsonSchema): JsonSchema {
  const properties = schema.properties as Record<string, JsonSchema> | undefined
  if (properties === undefined) return schema
  const required = (schema.required as string[] | undefined) ?? []
  const fields = Object.entries(properties).map(([name, field]): [string, JsonSchema] => {
    const inner = nullable(field)
    if (required.includes(name) || typeof inner.type !== 'string' || inner.type === 'null') return [name, inner]
    return [
      name,
      { ...inner, type: [inner.type, 'null'], ...(Array.isArray(inner.enum) ? { enum: [...inner.enum, null] } : {}) },
    ]
  })
  return { ...schema, properties: Object.fromEntries(fields) }
}

/** Chains stand in the schemas of kinds as arrays of anything, under the key `chain`. */
function withChains(schema: JsonSchema): JsonSchema {
  for (const choice of ['anyOf', 'oneOf'])
    if (Array.isArray(schema[choice])) return { ...schema, [choice]: (schema[choice] as JsonSchema[]).map(withChains) }
  const properties = schema.properties as Record<string, JsonSchema> | undefined
  if (properties === undefined) return schema
  const fields = Object.entries(properties).map(([name, field]): [string, JsonSchema] =>
    name === 'chain' ? [name, { $ref: '#/definitions/chain' }] : [name, withChains(field)],
  )
  return { ...schema, properties: Object.fromEntries(fields) }
}
