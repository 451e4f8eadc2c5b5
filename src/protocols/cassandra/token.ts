import { createHash } from 'node:crypto'
import { murmur3 } from './murmur3.ts'
import type { Tokens } from './tokens.ts'

/** Where on the ring a partition lies, by its key. */
export interface Partitioner {
  /** Of the bytes of a partition key: `routingKey`. */
  token(key: Buffer): bigint
  /** The place of the token of the key `bytes[at, end)` among those of a ring, as `Tokens.indexOf` tells it. */
  indexIn(tokens: Tokens, bytes: Buffer, at: number, end: number): number
  /** As system.local and system.peers tell the tokens of a node. Throws SyntaxError where it is none. */
  parse(text: string): bigint
}

const INT_MIN = -(2 ** 31)
const INT_MAX = 2 ** 31 - 1

/** A token of Murmur3: its upper 32 bits and its lower ones. */
const halves = new Int32Array(2)

function murmur3Token(bytes: Buffer, at: number, end: number): void {
  if (at === end) {
    halves[0] = INT_MIN
    halves[1] = 0
    return
  }
  murmur3(bytes, at, end, halves)
  if (halves[0] !== INT_MIN || halves[1] !== 0) return
  // The smallest is the place before all others, where no partition lies.
  halves[0] = INT_MAX
  halves[1] = -1
}

/** dht/Murmur3Partitioner.java of Apache Cassandra. */
export const MURMUR3: Partitioner = {
  token(key) {
    murmur3Token(key, 0, key.length)
    return (BigInt(halves[0]!) << 32n) | BigInt(halves[1]! >>> 0)
  },
  indexIn(tokens, bytes, at, end) {
    murmur3Token(bytes, at, end)
    return tokens.indexOfHalves(halves[0]!, halves[1]!)
  },
  parse: (text) => BigInt(text),
}

/** dht/RandomPartitioner.java of Apache Cassandra: MD5 as a signed number, without its sign. */
export const RANDOM: Partitioner = {
  token(key) {
    if (key.length === 0) return -1n
    const hash = BigInt.asIntN(128, BigInt(`0x${createHash('md5').update(key).digest('hex')}`))
    return hash < 0n ? -hash : hash
  },
  indexIn: (tokens, bytes, at, end) => tokens.indexOf(RANDOM.token(bytes.subarray(at, end))),
  parse: (text) => BigInt(text),
}

/** By the class that system.local names; null for those whose tokens are no numbers. */
export function partitionerOf(className: string): Partitioner | null {
  if (className.endsWith('Murmur3Partitioner')) return MURMUR3
  return className.endsWith('.RandomPartitioner') || className === 'RandomPartitioner' ? RANDOM : null
}

/** Longest component of a key: its length has two bytes. */
const COMPONENT_BYTES_MAX = 0xffff

/**
 * The bytes of a partition key: of one column its value, of several each with its length before and a zero behind it
 * (db/marshal/CompositeType.java). Null where a value is longer than the server takes.
 */
export function routingKey(values: readonly Buffer[]): Buffer | null {
  if (values.length === 1) return values[0]!
  let size = 0
  for (const value of values) {
    if (value.length > COMPONENT_BYTES_MAX) return null
    size += value.length + 3
  }
  const key = Buffer.allocUnsafe(size)
  let at = 0
  for (const value of values) {
    at = key.writeUInt16BE(value.length, at)
    at += value.copy(key, at)
    at = key.writeUInt8(0, at)
  }
  return key
}
