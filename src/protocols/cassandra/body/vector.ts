import { CorruptError } from '../corrupt-error.ts'
import { Reader } from '../reader.ts'
import type { CqlType } from './cql-type.ts'
import type { Value } from './values.ts'
import { readUnsignedVint, writeUnsignedVint } from './vints.ts'

type Vector = Extract<CqlType, { type: 'vector' }>

const FIXED_BYTES: Readonly<Partial<Record<CqlType['type'], number>>> = {
  bigint: 8,
  boolean: 1,
  counter: 8,
  date: 4,
  double: 8,
  float: 4,
  int: 4,
  smallint: 2,
  time: 8,
  timestamp: 8,
  timeuuid: 16,
  tinyint: 1,
  uuid: 16,
}

/** In a vector these have a length of their own before them, though they are always equally long. */
const SIZED_IN_VECTORS = new Set<CqlType['type']>(['date', 'time', 'smallint', 'tinyint', 'counter'])

/** Bytes of every value of the type; null where they differ. */
export function fixedBytes(type: CqlType): number | null {
  return FIXED_BYTES[type.type] ?? null
}

/** Bytes of an element where a vector has none of their lengths. */
function elementBytes(type: CqlType): number | null {
  if (type.type === 'vector') {
    const each = elementBytes(type.of)
    return each === null ? null : each * type.size
  }
  return SIZED_IN_VECTORS.has(type.type) ? null : fixedBytes(type)
}

/** Elements one behind the other; those of differing length have it before them, as an unsigned vint. */
export function readVector(
  bytes: Buffer,
  { of, size }: Vector,
  decode: (type: CqlType, bytes: Buffer) => Value,
): Value[] {
  const reader = new Reader(bytes)
  const each = elementBytes(of)
  if (size > bytes.length) throw new CorruptError(`a vector of ${size} in ${bytes.length} bytes`)
  const items: Value[] = []
  for (let i = 0; i < size; i++) items.push(decode(of, reader.range(each ?? Number(readUnsignedVint(reader)))))
  return items
}

export function writeVector(
  values: readonly Value[],
  { of }: Vector,
  encode: (type: CqlType, value: Value) => Buffer | null,
): Buffer {
  const each = elementBytes(of)
  const pieces: Buffer[] = []
  for (const value of values) {
    const bytes = encode(of, value)
    if (bytes === null) throw new TypeError('a vector has no null in it')
    if (each === null) pieces.push(writeUnsignedVint(BigInt(bytes.length)))
    pieces.push(bytes)
  }
  return Buffer.concat(pieces)
}
