import type { Reader } from '../reader.ts'

/** An [unsigned vint]: as many ones at the top of the first byte as there are further bytes. */
export function readUnsignedVint(reader: Reader): bigint {
  const first = reader.byte()
  const more = Math.clz32(~(first << 24))
  let value = more >= 8 ? 0n : BigInt(first & (0xff >> (more + 1)))
  for (let i = 0; i < more; i++) value = (value << 8n) | BigInt(reader.byte())
  return value
}

/** A [vint]: signed, its sign in the lowest bit. */
export function readVint(reader: Reader): bigint {
  const value = readUnsignedVint(reader)
  return (value >> 1n) ^ -(value & 1n)
}

export function writeUnsignedVint(value: bigint): Buffer {
  let more = 0
  while (more < 8 && value >= 1n << BigInt(7 * (more + 1))) more++
  const bytes = Buffer.alloc(more + 1)
  let left = value
  for (let i = more; i > 0; i--) {
    bytes[i] = Number(left & 0xffn)
    left >>= 8n
  }
  bytes[0] = (0xff00 >> more) & 0xff
  if (more < 8) bytes[0]! |= Number(left)
  return bytes
}

export function writeVint(value: bigint): Buffer {
  return writeUnsignedVint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)))
}

/** Two's complement of any length, most significant byte first. */
export function readVarint(bytes: Buffer): bigint {
  if (bytes.length === 0) return 0n
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`))
}

/** Its size comes from its digits: trying sizes would cost the square of it, minutes for a long one. */
export function writeVarint(value: bigint): Buffer {
  const hex = (value < 0n ? ~value : value).toString(16)
  const bits = (hex.length - 1) * 4 + 32 - Math.clz32(parseInt(hex[0]!, 16))
  // One bit more for the sign.
  const size = Math.floor(bits / 8) + 1
  const digits = BigInt.asUintN(size * 8, value).toString(16)
  return Buffer.from(digits.padStart(size * 2, '0'), 'hex')
}
