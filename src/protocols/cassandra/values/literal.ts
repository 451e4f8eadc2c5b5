import { parseInet } from '../body/addresses.ts'
import { isSimple, type CqlType, type SimpleType } from '../body/cql-type.ts'
import { encodeValue, type Decimal, type Value } from '../body/values.ts'
import type { LiteralType, Name, Term } from '../cql/tree.ts'
import { parseDuration } from './duration-text.ts'
import { parseDate, parseTime, parseTimestamp } from './time-text.ts'

/**
 * The bytes of a value that is written in the text, as the server encodes it for a column of this type: Constants.java of Apache Cassandra.
 * Null for `null`; undefined where it is none of the type, or only the server knows, as of calls.
 */
export function encodeLiteral(bytes: Buffer, term: Term, type: CqlType): Buffer | null | undefined {
  switch (term.term) {
    case 'hint':
      return encodeLiteral(bytes, term.of, type)
    case 'literal':
      if (term.type === 'null') return null
      // Of what is no string nothing so long has a place in a key, and numbers cost the square of their lengths.
      if (
        !isSimple(type) ||
        (term.type !== 'string' && term.type !== 'blob' && term.end - term.start > NUMBER_BYTES_MAX)
      )
        return undefined
      return encodeSimple(term.type, textOf(bytes, term), type.type)
    case 'list':
      if (type.type === 'list') return composed(bytes, term.items, type.type, () => type.of)
      if (type.type !== 'vector' || term.items.length !== type.size) return undefined
      return composed(bytes, term.items, isFixed(type.of) ? 'fixed' : 'vector', () => type.of)
    case 'tuple':
      // What has more to it than brackets around a value.
      if (type.type !== 'tuple' || term.items.length > type.of.length) return undefined
      return composed(bytes, term.items, 'tuple', (index) => type.of[index]!)
    case 'map':
      return type.type === 'udt' ? usersValue(bytes, term.entries, type) : undefined
    // The server sorts sets and maps, each type in its own order, and computes the rest.
    case 'set':
    case 'call':
    case 'cast':
    case 'marker':
    case 'name':
    case 'negation':
    case 'operation':
    case 'path':
    case 'star':
      return undefined
  }
}

const NUMBER_BYTES_MAX = 1000

/** What a literal stands for, without quotes; a number with its sign beside it. */
function textOf(bytes: Buffer, { start, end, type }: Term & { readonly type: LiteralType }): string {
  const text = bytes.toString('utf8', start, end)
  if (type !== 'string') return text.replace(/^-\s+/, '-')
  return unquoted(text)
}

/** What a string literal stands for: `'it''s'`, or `$$it's$$`. */
export function unquoted(text: string): string {
  return text.startsWith('$') ? text.slice(2, -2) : text.slice(1, -1).replaceAll("''", "'")
}

/** What stands around encoded values. Those of a fixed size have nothing in a vector. */
type Around = 'list' | 'tuple' | 'vector' | 'fixed'

function composed(
  bytes: Buffer,
  items: readonly Term[],
  around: Around,
  typeOf: (index: number) => CqlType,
): Buffer | undefined {
  const pieces: Piece[] = []
  for (const [index, item] of items.entries()) {
    const encoded = encodeLiteral(bytes, item, typeOf(index))
    if (encoded === undefined || (encoded === null && around !== 'tuple')) return undefined
    pieces.push(encoded)
  }
  return joined(around, pieces)
}

type Piece = Buffer | null

type UsersType = Extract<CqlType, { type: 'udt' }>

function usersValue(bytes: Buffer, entries: readonly (readonly [Term, Term])[], type: UsersType): Buffer | undefined {
  const given = new Map<string, Term>()
  for (const [key, value] of entries) {
    if (key.term !== 'name') return undefined
    given.set((key.name satisfies Name).text, value)
  }
  const pieces: Piece[] = []
  for (const { name, type: each } of type.fields) {
    const term = given.get(name)
    const encoded = term === undefined ? null : encodeLiteral(bytes, term, each)
    if (encoded === undefined) return undefined
    pieces.push(encoded)
    given.delete(name)
  }
  return given.size === 0 ? joined('tuple', pieces) : undefined
}

/** The pieces are encoded already: taken for blobs they stay as they are, and get around them what such values have. */
function joined(around: Around, pieces: readonly Piece[]): Buffer {
  const of: CqlType = { type: 'blob' }
  switch (around) {
    case 'fixed':
      return Buffer.concat(pieces as Buffer[])
    case 'list':
      return encodeValue({ type: 'list', of }, pieces)!
    case 'tuple':
      return encodeValue({ type: 'tuple', of: pieces.map(() => of) }, pieces)!
    case 'vector':
      return encodeValue({ type: 'vector', of, size: pieces.length }, pieces)!
  }
}

const FIXED: ReadonlySet<CqlType['type']> = new Set(['bigint', 'boolean', 'double', 'float', 'int', 'timestamp', 'timeuuid', 'uuid']) // prettier-ignore

function isFixed(type: CqlType): boolean {
  return type.type === 'vector' ? isFixed(type.of) : FIXED.has(type.type)
}

/** By which kinds of literals the server takes for a type: `Constants.Literal.testAssignment`. */
function encodeSimple(literal: LiteralType, text: string, type: SimpleType): Buffer | undefined {
  const value = LITERALS[literal]?.(text, type)
  return value === undefined || value === null ? undefined : encodeValue({ type }, value)!
}

const LITERALS: Readonly<Partial<Record<LiteralType, (text: string, type: SimpleType) => Value | undefined>>> = {
  string: (text, type) => STRINGS[type]?.(text),
  integer: integerValue,
  float: floatValue,
  boolean: (text, type) => (type === 'boolean' ? text.toLowerCase() === 'true' : undefined),
  uuid: (text, type) => (type === 'uuid' || type === 'timeuuid' ? text : undefined),
  blob: (text, type) => (type === 'blob' && text.length % 2 === 0 ? Buffer.from(text.slice(2), 'hex') : undefined),
  duration: (text, type) => (type === 'duration' ? parseDuration(text) : undefined),
}

const STRINGS: Readonly<Partial<Record<SimpleType, (text: string) => Value | undefined>>> = {
  text: (text) => text,
  ascii: (text) => (Buffer.byteLength(text) === text.length ? text : undefined),
  inet: (text) => (isInet(text) ? text : undefined),
  date: parseDate,
  time: parseTime,
  timestamp: parseTimestamp,
}

/** An address that the server takes as it is: what maps one of version 4 it turns into that. */
function isInet(text: string): boolean {
  const bytes = parseInet(text)
  return bytes !== null && !(bytes.length === 16 && bytes.subarray(0, 12).equals(MAPPED))
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex')

const RANGES: Readonly<Partial<Record<SimpleType, bigint>>> = {
  tinyint: 7n,
  smallint: 15n,
  int: 31n,
  bigint: 63n,
  counter: 63n,
  timestamp: 63n,
}

/** Nanoseconds of a day. */
const DAY = 86_400_000_000_000n

function integerValue(text: string, type: SimpleType): Value | undefined {
  if (type === 'double' || type === 'float' || type === 'decimal') return floatValue(text, type)
  const value = BigInt(text)
  const bits = RANGES[type]
  if (bits !== undefined) {
    if (value < -(2n ** bits) || value >= 2n ** bits) return undefined
    return bits < 63n ? Number(value) : value
  }
  if (type === 'varint') return value
  if (type === 'time') return value >= 0n && value < DAY ? value : undefined
  // Days, of which 2^31 is the first one of 1970.
  if (type === 'date') return value >= 0n && value < 2n ** 32n ? Number(value) - 2 ** 31 : undefined
  return undefined
}

/** Digits of a decimal that are worth being computed with; BigDecimal takes any. */
const SCALE_MAX = 10_000

function floatValue(text: string, type: SimpleType): Value | undefined {
  const number = /^-?nan$/i.test(text) ? NaN : /^-?infinity$/i.test(text) ? (text[0] === '-' ? -Infinity : Infinity) : Number(text) // prettier-ignore
  if (type === 'double' || type === 'float') return Number.isFinite(number) || /[nN]/.test(text) ? number : undefined
  return type === 'decimal' && Number.isFinite(number) ? decimal(text) : undefined
}

function decimal(text: string): Decimal | undefined {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d*))?(?:e([+-]?\d+))?$/i.exec(text)!
  const scale = fraction.length - Number(exponent)
  return Math.abs(scale) <= SCALE_MAX ? { unscaled: BigInt(`${sign}${whole}${fraction}`), scale } : undefined
}
