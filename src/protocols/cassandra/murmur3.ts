// Hot path

/** Results of the arithmetic on 64 bits, in two halves of 32: a bigint costs an allocation for each of some 50 steps. */
let high = 0
let low = 0

/**
 * What Apache Cassandra takes for MurmurHash3 x64 128 (utils/MurmurHash.java, seed 0): the first half of the hash of `bytes[at, end)`, of
 * which `into` gets the upper 32 bits and the lower ones.
 */
export function murmur3(bytes: Buffer, at: number, end: number, into: Int32Array): void {
  let h1High = 0
  let h1Low = 0
  let h2High = 0
  let h2Low = 0
  const blocksEnd = end - ((end - at) % 16)
  for (let block = at; block < blocksEnd; block += 16) {
    mixFirst(bytes.readInt32LE(block + 4), bytes.readInt32LE(block))
    rotate(h1High ^ high, h1Low ^ low, 27)
    add(high, low, h2High, h2Low)
    multiply(high, low, 0, 5)
    add(high, low, 0, 0x52dce729)
    h1High = high
    h1Low = low
    mixSecond(bytes.readInt32LE(block + 12), bytes.readInt32LE(block + 8))
    rotate(h2High ^ high, h2Low ^ low, 31)
    add(high, low, h1High, h1Low)
    multiply(high, low, 0, 5)
    add(high, low, 0, 0x38495ab5)
    h2High = high
    h2Low = low
  }
  if (end > blocksEnd + 8) {
    tail(bytes, blocksEnd + 8, end)
    mixSecond(high, low)
    h2High ^= high
    h2Low ^= low
  }
  if (end > blocksEnd) {
    tail(bytes, blocksEnd, Math.min(end, blocksEnd + 8))
    mixFirst(high, low)
    h1High ^= high
    h1Low ^= low
  }
  finish(h1High, h1Low, h2High, h2Low, end - at)
  into[0] = high
  into[1] = low
}

function finish(h1High: number, h1Low: number, h2High: number, h2Low: number, length: number): void {
  add(h1High, h1Low ^ length, h2High, h2Low ^ length)
  const sumHigh = high
  const sumLow = low
  add(sumHigh, sumLow, h2High, h2Low ^ length)
  avalanche(high, low)
  const secondHigh = high
  const secondLow = low
  avalanche(sumHigh, sumLow)
  add(high, low, secondHigh, secondLow)
}

/** Up to 8 bytes. Cassandra takes each for a signed one: the sign goes into all that is above it. */
function tail(bytes: Buffer, at: number, end: number): void {
  let upper = 0
  let lower = 0
  for (let i = at; i < end; i++) {
    const byte = bytes.readInt8(i)
    const shift = (i - at) * 8
    if (shift >= 32) upper ^= byte << (shift - 32)
    else {
      lower ^= byte << shift
      upper ^= shift === 0 ? byte >> 31 : byte >> (32 - shift)
    }
  }
  high = upper
  low = lower
}

function mixFirst(upper: number, lower: number): void {
  multiply(upper, lower, 0x87c37b91, 0x114253d5)
  rotate(high, low, 31)
  multiply(high, low, 0x4cf5ad43, 0x2745937f)
}

function mixSecond(upper: number, lower: number): void {
  multiply(upper, lower, 0x4cf5ad43, 0x2745937f)
  rotate(high, low, 33)
  multiply(high, low, 0x87c37b91, 0x114253d5)
}

function avalanche(upper: number, lower: number): void {
  multiply(upper, lower ^ (upper >>> 1), 0xff51afd7, 0xed558ccd)
  multiply(high, low ^ (high >>> 1), 0xc4ceb9fe, 0x1a85ec53)
  low ^= high >>> 1
}

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const sum = (aLow >>> 0) + (bLow >>> 0)
  low = sum | 0
  high = (aHigh + bHigh + (sum > 0xffffffff ? 1 : 0)) | 0
}

function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const a0 = aLow & 0xffff
  const a1 = aLow >>> 16
  const b0 = bLow & 0xffff
  const b1 = bLow >>> 16
  const middle = a1 * b0 + ((a0 * b0) >>> 16)
  const other = a0 * b1 + (middle & 0xffff)
  const carried = a1 * b1 + (middle >>> 16) + (other >>> 16)
  high = (carried + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) | 0
  low = Math.imul(aLow, bLow)
}

function rotate(upper: number, lower: number, bits: number): void {
  if (bits < 32) {
    high = (upper << bits) | (lower >>> (32 - bits))
    low = (lower << bits) | (upper >>> (32 - bits))
  } else {
    high = (lower << (bits - 32)) | (upper >>> (64 - bits))
    low = (upper << (bits - 32)) | (lower >>> (64 - bits))
  }
}
