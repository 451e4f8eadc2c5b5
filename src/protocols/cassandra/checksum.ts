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

/** Checksum of the payload of an outer frame. */
export function payloadChecksum(bytes: Buffer, start: number, end: number): number {
  return crc32(bytes.subarray(start, end), initial)
}
