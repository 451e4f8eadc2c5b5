// Hot path
import { crc32 } from 'node:zlib'

const CRC24_INITIAL = 0x875060
const CRC24_POLYNOMIAL = 0x1974f0b

const crc24Table = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 16
  for (let bit = 0; bit < 8; bit++) {
    crc <<= 1
    if (crc & 0x1000000) crc ^= CRC24_POLYNOMIAL
  }
  crc24Table[byte] = crc
}

/** Checksum of the header of an outer frame, 3 or 5 bytes: native_protocol_v5.spec 2.2. */
export function headerChecksum(bytes: Buffer, at: number, length: number): number {
  let crc = CRC24_INITIAL
  for (let i = at; i < at + length; i++) crc = ((crc << 8) ^ crc24Table[((crc >> 16) ^ bytes[i]!) & 0xff]!) & 0xffffff
  return crc
}

/** The CRC32 of a payload starts from that of these four bytes. */
const initial = crc32(Buffer.from([0xfa, 0x2d, 0x55, 0xca]))

const CRC32_POLYNOMIAL = 0xedb88320
/** Up to so many bytes Node's own takes longer to call than to run: 150 ns against 50 for 60 bytes, as much for 250. */
const SHORT_BYTES_MAX = 240

/** Eight tables of 256: what a byte with so many more behind it does to the sum. Slicing by eight, as zlib has it. */
const crc32Tables = new Int32Array(8 * 256)
for (let byte = 0; byte < 256; byte++) {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32_POLYNOMIAL : crc >>> 1
  crc32Tables[byte] = crc
}
for (let at = 256; at < crc32Tables.length; at++) {
  const before = crc32Tables[at - 256]!
  crc32Tables[at] = (before >>> 8) ^ crc32Tables[before & 0xff]!
}

/** Checksum of the payload of an outer frame. */
export function payloadChecksum(bytes: Buffer, start: number, end: number): number {
  return end - start > SHORT_BYTES_MAX
    ? crc32(bytes.subarray(start, end), initial)
    : shortChecksum(bytes, start, end, crc32Tables)
}

function shortChecksum(bytes: Buffer, start: number, end: number, tables: Int32Array): number {
  let crc = ~initial
  let at = start
  for (; at + 8 <= end; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24))
    crc =
      tables[1792 + (low & 0xff)]! ^
      tables[1536 + ((low >>> 8) & 0xff)]! ^
      tables[1280 + ((low >>> 16) & 0xff)]! ^
      tables[1024 + (low >>> 24)]! ^
      tables[768 + bytes[at + 4]!]! ^
      tables[512 + bytes[at + 5]!]! ^
      tables[256 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}
