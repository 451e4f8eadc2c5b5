import { createHash } from 'node:crypto'
import { murmur3 } from './murmur3.ts'

/** Where on the ring a partition lies, by its key. */
export interface Partitioner {
  /** Of the bytes of a partition key: `routingKey`. */
  token(key: Buffer): bigint
  /** As system.local and system.peers tell the tokens of a node. Throws SyntaxError where it is none. */
  parse(text: string): bigint
}

const LONG_MIN = -(2n ** 63n)
const LONG_MAX = 2n ** 63n - 1n

/** dht/Murmur3Partitioner.java of Apache Cassandra. */
export const MURMUR3: Partitioner = {
  token(key) {
    if (key.length === 0) return LONG_MIN
    const token = murmur3(key)
    // The smallest is the place before all others, where no partition lies.
    return token === LONG_MIN ? LONG_MAX : token
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
