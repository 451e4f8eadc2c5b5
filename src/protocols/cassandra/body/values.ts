import { CorruptError } from '../corrupt-error.ts'
import { Reader } from '../reader.ts'
import { parseInet, parseUuid, readInet, readUuid } from './addresses.ts'
import { fixedBytes, readVector, writeVector } from './vector.ts'
import { isSimple, type CqlType, type Simple } from './cql-type.ts'
import { checkValue } from './value-check.ts'
import { readVint, readVarint, writeVint, writeVarint } from './vints.ts'

export interface Decimal {
  readonly unscaled: bigint
  readonly scale: number
}

export interface Duration {
  readonly months: number
  readonly days: number
  readonly nanoseconds: bigint
}

/**
 * A value as JavaScript has it. bigint, counter, time (nanoseconds of the day) and timestamp (milliseconds since 1970) and varint: bigint;
 * date: days since 1970; uuid, timeuuid and inet: text; list, set, tuple, vector and the fields of a user's type: an array; map: an array
 * of pairs. An empty Buffer where a type has a value for no bytes at all, and for blob and custom types: the bytes.
 */
export type Value = string | number | bigint | boolean | null | Buffer | Decimal | Duration | readonly Value[]

type Composed = Exclude<CqlType, Simple>

/** Days of a date are counted from here, so that they are positive. */
const DATE_EPOCH = 2 ** 31

/** Decodes a value, native_protocol_v5.spec 6. Throws CorruptError where the bytes are not of the type. */
export function decodeValue(type: CqlType, bytes: Buffer | null): Value {
  if (bytes === null) return null
  if (type.type === 'text' || type.type === 'ascii') return bytes.toString('utf8')
  if (bytes.length === 0) return bytes
  return isSimple(type) ? decodeSimple(type, bytes) : decodeComposed(type, bytes)
}

function decodeSimple(type: Simple, bytes: Buffer): Value {
  const size = fixedBytes(type)
  if (size !== null && size !== bytes.length) throw new CorruptError(`a ${type.type} of ${bytes.length} bytes`)
  switch (type.type) {
    case 'ascii':
    case 'text':
      return bytes.toString('utf8')
    case 'blob':
      return bytes
    case 'bigint':
    case 'counter':
    case 'time':
    case 'timestamp':
      return bytes.readBigInt64BE()
    case 'boolean':
      return bytes[0] !== 0
    case 'double':
      return bytes.readDoubleBE()
    case 'float':
      return bytes.readFloatBE()
    case 'int':
      return bytes.readInt32BE()
    case 'smallint':
      return bytes.readInt16BE()
    case 'tinyint':
      return bytes.readInt8()
    case 'date':
      return bytes.readUInt32BE() - DATE_EPOCH
    case 'uuid':
    case 'timeuuid':
      return readUuid(bytes)
    case 'inet':
      return readInet(bytes)
    case 'varint':
      return readVarint(bytes)
    case 'decimal': {
      const reader = new Reader(bytes)
      return { scale: reader.int(), unscaled: readVarint(reader.range(reader.left)) }
    }
    case 'duration': {
      const reader = new Reader(bytes)
      return { months: Number(readVint(reader)), days: Number(readVint(reader)), nanoseconds: readVint(reader) }
    }
  }
}

function decodeComposed(type: Composed, bytes: Buffer): Value {
  const reader = new Reader(bytes)
  switch (type.type) {
    case 'custom':
      return bytes
    case 'vector':
      return readVector(bytes, type, decodeValue)
    case 'list':
    case 'set': {
      const items: Value[] = []
      for (let count = reader.length(); count > 0; count--) items.push(decodeValue(type.of, reader.value()))
      return items
    }
    case 'map': {
      const pairs: Value[] = []
      for (let count = reader.length(); count > 0; count--)
        pairs.push([decodeValue(type.keys, reader.value()), decodeValue(type.values, reader.value())])
      return pairs
    }
    // Fields that were added later may be missing at the end.
    case 'tuple':
      return type.of.map((each) => (reader.left === 0 ? null : decodeValue(each, reader.value())))
    case 'udt':
      return type.fields.map((field) => (reader.left === 0 ? null : decodeValue(field.type, reader.value())))
  }
}

/** Encodes what `decodeValue` gives. Throws TypeError where the value is not of the type. */
export function encodeValue(type: CqlType, value: Value): Buffer | null {
  if (value === null) return null
  if (Buffer.isBuffer(value) && value.length === 0) return value
  return isSimple(type) ? encodeSimple(type, value) : encodeComposed(type, value)
}

function encodeSimple(type: Simple, value: Value): Buffer {
  checkValue(type.type, value)
  switch (type.type) {
    case 'text':
    case 'ascii':
      return Buffer.from(value as string)
    case 'blob':
      return value as Buffer
    case 'bigint':
    case 'counter':
    case 'time':
    case 'timestamp':
      return written(8, (bytes) => bytes.writeBigInt64BE(value as bigint))
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0])
    case 'double':
      return written(8, (bytes) => bytes.writeDoubleBE(value as number))
    case 'float':
      return written(4, (bytes) => bytes.writeFloatBE(value as number))
    case 'int':
      return written(4, (bytes) => bytes.writeInt32BE(value as number))
    case 'smallint':
      return written(2, (bytes) => bytes.writeInt16BE(value as number))
    case 'tinyint':
      return written(1, (bytes) => bytes.writeInt8(value as number))
    case 'date':
      return written(4, (bytes) => bytes.writeUInt32BE((value as number) + DATE_EPOCH))
    case 'uuid':
    case 'timeuuid':
      return parseUuid(value as string)!
    case 'inet':
      return parseInet(value as string)!
    case 'varint':
      return writeVarint(value as bigint)
    case 'decimal': {
      const { scale, unscaled } = value as Decimal
      return Buffer.concat([written(4, (bytes) => bytes.writeInt32BE(scale)), writeVarint(unscaled)])
    }
    case 'duration': {
      const { months, days, nanoseconds } = value as Duration
      return Buffer.concat([writeVint(BigInt(months)), writeVint(BigInt(days)), writeVint(nanoseconds)])
    }
  }
}

function encodeComposed(type: Composed, value: Value): Buffer {
  if (type.type === 'custom') {
    if (!Buffer.isBuffer(value)) throw new TypeError('a value of a type that is not known is its bytes')
    return value
  }
  if (!Array.isArray(value)) throw new TypeError(`a ${type.type} is an array`)
  const values = value as readonly Value[]
  switch (type.type) {
    case 'vector':
      if (values.length !== type.size) throw new TypeError(`a vector of ${type.size} with ${values.length} elements`)
      return writeVector(values, type, encodeValue)
    case 'list':
    case 'set':
      return Buffer.concat([counted(values.length), ...values.map((each) => sized(encodeValue(type.of, each)))])
    case 'map': {
      const pairs = values.map(pairOf)
      const both = pairs.flatMap(([key, each]) => [encodeValue(type.keys, key), encodeValue(type.values, each)])
      return Buffer.concat([counted(pairs.length), ...both.map(sized)])
    }
    case 'tuple':
      if (values.length > type.of.length) throw new TypeError('a tuple with too many elements')
      return Buffer.concat(type.of.map((each, index) => sized(encodeValue(each, values[index] ?? null))))
    case 'udt':
      if (values.length > type.fields.length) throw new TypeError('a value with too many fields')
      return Buffer.concat(type.fields.map((field, index) => sized(encodeValue(field.type, values[index] ?? null))))
  }
}

function pairOf(value: Value): readonly [Value, Value] {
  if (!Array.isArray(value) || value.length !== 2) throw new TypeError('a map is an array of pairs')
  return value as [Value, Value]
}

function written(size: number, write: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.alloc(size)
  write(bytes)
  return bytes
}

function counted(count: number): Buffer {
  return written(4, (bytes) => bytes.writeInt32BE(count))
}

/** A [bytes]. */
function sized(bytes: Buffer | null): Buffer {
  return bytes === null ? counted(-1) : Buffer.concat([counted(bytes.length), bytes])
}
