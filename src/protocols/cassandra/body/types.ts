import { CorruptError } from '../corrupt-error.ts'
import type { Reader } from '../reader.ts'
import {
  DEPTH_MAX,
  isSimple,
  marshalName,
  SIMPLE_TYPES,
  type CqlType,
  type Field,
  type SimpleType,
} from './cql-type.ts'
import { parseMarshal } from './marshal.ts'
import type { Writer } from './writer.ts'

const simpleById = new Map<number, SimpleType>(
  Object.entries(SIMPLE_TYPES).map(([name, id]) => [id, name as SimpleType]),
)

const CUSTOM = 0x00
const LIST = 0x20
const MAP = 0x21
const SET = 0x22
const UDT = 0x30
const TUPLE = 0x31

/** An [option] that is a type. Throws CorruptError. */
export function readType(reader: Reader, depth = 0): CqlType {
  if (depth > DEPTH_MAX) throw new CorruptError(`types that are nested more than ${DEPTH_MAX} deep`)
  const id = reader.short()
  const simple = simpleById.get(id)
  if (simple !== undefined) return { type: simple }
  switch (id) {
    case CUSTOM: {
      const name = reader.string()
      return parseMarshal(name) ?? { type: 'custom', name }
    }
    case LIST:
      return { type: 'list', of: readType(reader, depth + 1) }
    case SET:
      return { type: 'set', of: readType(reader, depth + 1) }
    case MAP: {
      const keys = readType(reader, depth + 1)
      return { type: 'map', keys, values: readType(reader, depth + 1) }
    }
    case UDT: {
      const keyspace = reader.string()
      const name = reader.string()
      const fields: Field[] = []
      for (let count = reader.short(); count > 0; count--)
        fields.push({ name: reader.string(), type: readType(reader, depth + 1) })
      return { type: 'udt', keyspace, name, fields }
    }
    case TUPLE: {
      const of: CqlType[] = []
      for (let count = reader.short(); count > 0; count--) of.push(readType(reader, depth + 1))
      return { type: 'tuple', of }
    }
    default:
      throw new CorruptError(`an unknown type: ${id}`)
  }
}

/** Writes a type as an [option]. What has no id of its own is named by its class. */
export function writeType(writer: Writer, type: CqlType, version: number): void {
  if (isSimple(type)) {
    // Before version 5 a duration has no id.
    if (type.type === 'duration' && version < 5) writer.short(CUSTOM).string(marshalName(type))
    else writer.short(SIMPLE_TYPES[type.type])
    return
  }
  switch (type.type) {
    case 'list':
    case 'set':
      writer.short(type.type === 'list' ? LIST : SET)
      writeType(writer, type.of, version)
      break
    case 'map':
      writer.short(MAP)
      writeType(writer, type.keys, version)
      writeType(writer, type.values, version)
      break
    case 'tuple':
      writer.short(TUPLE).short(type.of.length)
      for (const each of type.of) writeType(writer, each, version)
      break
    case 'udt':
      writer.short(UDT).string(type.keyspace).string(type.name).short(type.fields.length)
      for (const { name, type: each } of type.fields) {
        writer.string(name)
        writeType(writer, each, version)
      }
      break
    case 'vector':
    case 'custom':
      writer.short(CUSTOM).string(marshalName(type))
  }
}
