/** Simple types by their ids in an [option], native_protocol_v5.spec 4.2.5.2. */
export const SIMPLE_TYPES = {
  ascii: 0x01,
  bigint: 0x02,
  blob: 0x03,
  boolean: 0x04,
  counter: 0x05,
  decimal: 0x06,
  double: 0x07,
  float: 0x08,
  int: 0x09,
  timestamp: 0x0b,
  uuid: 0x0c,
  text: 0x0d,
  varint: 0x0e,
  timeuuid: 0x0f,
  inet: 0x10,
  date: 0x11,
  time: 0x12,
  smallint: 0x13,
  tinyint: 0x14,
  duration: 0x15,
} as const

export type SimpleType = keyof typeof SIMPLE_TYPES

/** The type of a column. */
export type CqlType =
  | { readonly type: SimpleType }
  | { readonly type: 'list' | 'set'; readonly of: CqlType }
  | { readonly type: 'map'; readonly keys: CqlType; readonly values: CqlType }
  | { readonly type: 'tuple'; readonly of: readonly CqlType[] }
  | { readonly type: 'udt'; readonly keyspace: string; readonly name: string; readonly fields: readonly Field[] }
  | { readonly type: 'vector'; readonly of: CqlType; readonly size: number }
  /** The name of a class of the server that stands for none of these. */
  | { readonly type: 'custom'; readonly name: string }

export interface Field {
  readonly name: string
  readonly type: CqlType
}

/** Types may be nested so deep. */
export const DEPTH_MAX = 64

const MARSHAL = 'org.apache.cassandra.db.marshal.'

/** Classes of the simple types, without their package. */
export const MARSHAL_NAMES: Readonly<Record<SimpleType, string>> = {
  ascii: 'AsciiType',
  bigint: 'LongType',
  blob: 'BytesType',
  boolean: 'BooleanType',
  counter: 'CounterColumnType',
  decimal: 'DecimalType',
  double: 'DoubleType',
  float: 'FloatType',
  int: 'Int32Type',
  timestamp: 'TimestampType',
  uuid: 'UUIDType',
  text: 'UTF8Type',
  varint: 'IntegerType',
  timeuuid: 'TimeUUIDType',
  inet: 'InetAddressType',
  date: 'SimpleDateType',
  time: 'TimeType',
  smallint: 'ShortType',
  tinyint: 'ByteType',
  duration: 'DurationType',
}

export type Simple = Extract<CqlType, { type: SimpleType }>

/** Is it a type that no other stands in? */
export function isSimple(type: CqlType): type is Simple {
  return Object.hasOwn(SIMPLE_TYPES, type.type)
}

/** How the server's classes are named that stand for a type. */
export function marshalName(type: CqlType): string {
  if (isSimple(type)) return MARSHAL + MARSHAL_NAMES[type.type]
  switch (type.type) {
    case 'custom':
      return type.name
    case 'list':
      return `${MARSHAL}ListType(${marshalName(type.of)})`
    case 'set':
      return `${MARSHAL}SetType(${marshalName(type.of)})`
    case 'map':
      return `${MARSHAL}MapType(${marshalName(type.keys)},${marshalName(type.values)})`
    case 'tuple':
      return `${MARSHAL}TupleType(${type.of.map(marshalName).join(',')})`
    case 'vector':
      return `${MARSHAL}VectorType(${marshalName(type.of)} , ${type.size})`
    case 'udt': {
      const hex = (text: string) => Buffer.from(text).toString('hex')
      const fields = type.fields.map((field) => `${hex(field.name)}:${marshalName(field.type)}`)
      return `${MARSHAL}UserType(${[type.keyspace, hex(type.name), ...fields].join(',')})`
    }
  }
}
