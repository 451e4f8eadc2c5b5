import type { CqlType } from '../body/cql-type.ts'
import { decodeValue, type Value } from '../body/values.ts'

/**
 * A value as `SELECT JSON` and `toJson` have it: `toJSONString` of the classes in db/marshal of Apache Cassandra. Null for types that are not
 * written here: numbers with a fraction, times, and what users define.
 */
export function jsonText(type: CqlType, bytes: Buffer | null): string | null {
  if (bytes === null) return 'null'
  return text(type, decodeValue(type, bytes))
}

function text(type: CqlType, value: Value): string | null {
  if (value === null) return 'null'
  switch (type.type) {
    case 'text':
    case 'ascii':
    case 'inet':
    case 'uuid':
    case 'timeuuid':
      return JSON.stringify(Buffer.isBuffer(value) ? '' : value)
    case 'blob':
      return `"0x${(value as Buffer).toString('hex')}"`
    case 'boolean':
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
    case 'counter':
    case 'varint':
      return Buffer.isBuffer(value) ? '""' : String(value as number | bigint | boolean)
    case 'list':
    case 'set': {
      const items = all((value as readonly Value[]).map((item) => text(type.of, item)))
      return items === null ? null : `[${items.join(', ')}]`
    }
    case 'map': {
      const pairs = (value as readonly (readonly [Value, Value])[]).map(([key, each]) => pair(type, key, each))
      return all(pairs) === null ? null : `{${pairs.join(', ')}}`
    }
    case 'custom':
    case 'date':
    case 'decimal':
    case 'double':
    case 'duration':
    case 'float':
    case 'time':
    case 'timestamp':
    case 'tuple':
    case 'udt':
    case 'vector':
      return null
  }
}

/** Keys are strings, whatever they are. */
function pair(type: Extract<CqlType, { type: 'map' }>, key: Value, value: Value): string | null {
  const name = text(type.keys, key)
  const told = text(type.values, value)
  if (name === null || told === null) return null
  return `${name.startsWith('"') ? name : JSON.stringify(name)}: ${told}`
}

function all(texts: readonly (string | null)[]): readonly string[] | null {
  return texts.every((each) => each !== null) ? texts : null
}
