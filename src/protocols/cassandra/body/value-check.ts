import { parseInet, parseUuid } from './addresses.ts'
import type { SimpleType } from './cql-type.ts'
import type { Decimal, Duration, Value } from './values.ts'

const isInteger = (bits: number) => (value: Value) =>
  typeof value === 'number' && Number.isInteger(value) && value >= -(2 ** (bits - 1)) && value < 2 ** (bits - 1)

const isInt = isInteger(32)

function isLong(value: Value): boolean {
  return typeof value === 'bigint' && BigInt.asIntN(64, value) === value
}

const isNumber = (value: Value) => typeof value === 'number'
const isText = (value: Value) => typeof value === 'string'

function isDecimal(value: Value): boolean {
  const { scale, unscaled } = value as Partial<Decimal>
  return typeof unscaled === 'bigint' && scale !== undefined && isInt(scale)
}

function isDuration(value: Value): boolean {
  const { months, days, nanoseconds } = value as Partial<Duration>
  if (months === undefined || days === undefined || nanoseconds === undefined) return false
  return isInt(months) && isInt(days) && isLong(nanoseconds)
}

/** Is it what `decodeValue` gives for the type? Without this, much that is not would be written as something else. */
const CHECKS: Readonly<Record<SimpleType, (value: Value) => boolean>> = {
  ascii: isText,
  text: isText,
  blob: (value) => Buffer.isBuffer(value),
  boolean: (value) => typeof value === 'boolean',
  tinyint: isInteger(8),
  smallint: isInteger(16),
  int: isInt,
  date: isInt,
  bigint: isLong,
  counter: isLong,
  time: isLong,
  timestamp: isLong,
  varint: (value) => typeof value === 'bigint',
  float: isNumber,
  double: isNumber,
  decimal: isDecimal,
  duration: isDuration,
  uuid: (value) => typeof value === 'string' && parseUuid(value) !== null,
  timeuuid: (value) => typeof value === 'string' && parseUuid(value) !== null,
  inet: (value) => typeof value === 'string' && parseInet(value) !== null,
}

/** Throws TypeError where a value, which is not null, is not of the type. The value itself is not told. */
export function checkValue(type: SimpleType, value: Value): void {
  if (!CHECKS[type](value)) throw new TypeError(`a ${typeof value} that is no ${type}`)
}
