import { randomBytes, randomInt } from 'node:crypto'
import { parseInet } from '../../../src/protocols/cassandra/body/addresses.ts'
import type { CqlType } from '../../../src/protocols/cassandra/body/cql-type.ts'
import { encodeValue, type Value } from '../../../src/protocols/cassandra/body/values.ts'

// Random values of every type that a key may be of.

export interface KeyValue {
  readonly bytes: Buffer
  /** As it stands in CQL. */
  readonly literal: string
  /** As nodetool takes it; null: it takes none of this type. */
  readonly text: string | null
}

export interface KeyType {
  /** As it stands in CQL. */
  readonly name: string
  readonly type: CqlType
  /** Its literals are sorted, or computed, by the server alone. */
  readonly isOpaque: boolean
  random(): KeyValue
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _-.'
const letters = (alphabet: string) => Array.from({ length: randomInt(1, 40) }, () => alphabet[randomInt(alphabet.length)]).join('') // prettier-ignore
const signed = (bits: number) => BigInt.asIntN(bits, BigInt(`0x${randomBytes(Math.ceil(bits / 8)).toString('hex')}`))
const two = (number: number) => String(number).padStart(2, '0')
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** What stands in CQL and what nodetool takes are the same, but for quotes. */
type Drawn = readonly [value: Value, text: string, literal?: string]

function uuid(version: number): string {
  const hex = randomBytes(16).toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${version}${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}

function inet(): Drawn {
  const ipv4 = [...randomBytes(4)].join('.')
  const ipv6 = Array.from({ length: 8 }, () => randomInt(1, 0x10000).toString(16)).join(':')
  const text = randomInt(2) === 0 ? ipv4 : ipv6
  return [parseInet(text) === null ? '0.0.0.0' : text, text, quoted(text)]
}

function decimal(): Drawn {
  const unscaled = signed(randomInt(1, 100))
  const scale = randomInt(-20, 20)
  return [{ unscaled, scale }, scale === 0 ? String(unscaled) : `${unscaled}e${-scale}`]
}

function time(): Drawn {
  const nanoseconds = BigInt(randomInt(86_400)) * 1_000_000_000n + BigInt(randomInt(1_000_000_000))
  const seconds = Number(nanoseconds / 1_000_000_000n)
  const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':')
  const text = `${clock}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}`
  return [nanoseconds, text, quoted(text)]
}

function date(): Drawn {
  const days = randomInt(-20_000, 40_000)
  const text = new Date(days * 86_400_000).toISOString().slice(0, 10)
  return [days, text, quoted(text)]
}

function double(): Drawn {
  const value = Number((Math.random() * 10 ** randomInt(-10, 10)).toPrecision(12)) * (randomInt(2) === 0 ? 1 : -1)
  return [value, value.toExponential()]
}

function float(): Drawn {
  const value = Math.fround(Math.random() * 10 ** randomInt(-5, 5))
  return [value, value.toExponential()]
}

const integer = (bits: number) => (): Drawn => {
  const value = signed(bits)
  return [bits <= 32 ? Number(value) : value, String(value)]
}

const text = (alphabet: string) => (): Drawn => {
  const value = letters(alphabet)
  return [value, value, quoted(value)]
}

const SIMPLE: Readonly<Record<string, () => Drawn>> = {
  ascii: text(LETTERS),
  text: text(`${LETTERS}äöüжш€'`),
  bigint: integer(64),
  int: integer(32),
  smallint: integer(16),
  tinyint: integer(8),
  varint: () => {
    const value = signed(randomInt(1, 200))
    return [value, String(value)]
  },
  boolean: () => (randomInt(2) === 0 ? [true, 'true'] : [false, 'false']),
  blob: () => {
    const value = randomBytes(randomInt(1, 60))
    return [value, value.toString('hex'), `0x${value.toString('hex')}`]
  },
  date,
  time,
  timestamp: () => {
    const ms = BigInt(randomInt(-10_000_000_000, 2_000_000_000_000))
    return [ms, String(ms)]
  },
  decimal,
  double,
  float,
  inet,
  uuid: () => {
    const value = uuid(4)
    return [value, value]
  },
  timeuuid: () => {
    const value = uuid(1)
    return [value, value]
  },
}

function simple(name: string): KeyType {
  const type = { type: name } as CqlType
  return {
    name,
    type,
    isOpaque: false,
    random() {
      const [value, told, literal = told] = SIMPLE[name]!()
      return { bytes: encodeValue(type, value)!, literal, text: told }
    },
  }
}

function composed(name: string, type: CqlType, isOpaque: boolean, draw: () => readonly [Value, string]): KeyType {
  return {
    name,
    type,
    isOpaque,
    random() {
      const [value, literal] = draw()
      return { bytes: encodeValue(type, value)!, literal, text: null }
    },
  }
}

const INT: CqlType = { type: 'int' }
const TEXT: CqlType = { type: 'text' }
const small = () => randomInt(-1000, 1000)

/** The last one is a type of the users': `CREATE TYPE point (x int, y text)`, in the keyspace. */
export function keyTypes(keyspace: string): KeyType[] {
  const fields = [{ name: 'x', type: INT }, { name: 'y', type: TEXT }] // prettier-ignore
  const sorted = () => [...new Set(Array.from({ length: 3 }, () => randomInt(1000)))].sort((a, b) => a - b)
  return [
    ...Object.keys(SIMPLE).map(simple),
    composed('frozen<list<int>>', { type: 'list', of: INT }, false, () => {
      const items = Array.from({ length: randomInt(1, 5) }, small)
      return [items, `[${items.join(', ')}]`]
    }),
    composed('frozen<set<int>>', { type: 'set', of: INT }, true, () => {
      const items = sorted()
      return [items, `{${items.join(', ')}}`]
    }),
    composed('frozen<map<int, text>>', { type: 'map', keys: INT, values: TEXT }, true, () => {
      const entries = sorted().map((key): [number, string] => [key, letters(LETTERS)])
      return [entries, `{${entries.map(([key, value]) => `${key}: ${quoted(value)}`).join(', ')}}`]
    }),
    composed('frozen<tuple<int, text>>', { type: 'tuple', of: [INT, TEXT] }, false, () => {
      const value: [number, string] = [small(), letters(LETTERS)]
      return [value, `(${value[0]}, ${quoted(value[1])})`]
    }),
    composed('frozen<point>', { type: 'udt', keyspace, name: 'point', fields }, false, () => {
      const value: [number, string] = [small(), letters(LETTERS)]
      return [value, `{x: ${value[0]}, y: ${quoted(value[1])}}`]
    }),
  ]
}
