// Hot path
import { ProtocolError, type Enclosure } from '../../core/protocol.ts'
import { headerChecksum, payloadChecksum } from './checksum.ts'
import { CorruptError } from './corrupt-error.ts'
import type { Format } from './cutter.ts'
import { errorFrame } from './envelope.ts'
import { compressBlock, compressedBytesMax, decompressBlock } from './lz4.ts'
import { ERROR_PROTOCOL } from './opcodes.ts'

/** Longest payload of one outer frame: its length has 17 bits. */
export const PAYLOAD_BYTES_MAX = (1 << 17) - 1
const CHECKSUM_BYTES = 4
/** Shorter payloads are not worth compressing. */
const COMPRESS_BYTES_MIN = 128

/** The header says that the payload is whole envelopes. */
const SELF_CONTAINED_PLAIN = 1 << 17
/** The same, in the upper 16 bits of a header that tells two lengths. */
const SELF_CONTAINED_LZ4 = 1 << 2

/** An outer frame that lies in `bytes`, opened. */
export class Payload {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
}

/**
 * The outer frames of version 5, native_protocol_v5.spec 2.2: a header with its checksum, the payload, and the checksum of that. With LZ4
 * the header tells two lengths, of which the second is 0 where the payload was not compressed.
 */
export class SegmentFormat implements Format, Enclosure {
  readonly headerBytes: number
  readonly #lz4: boolean

  constructor(lz4: boolean) {
    this.#lz4 = lz4
    this.headerBytes = lz4 ? 8 : 6
  }

  size(bytes: Buffer, at: number): number {
    const length = this.headerBytes - 3
    if (uint24(bytes, at + length) !== headerChecksum(bytes, at, length)) refuse('the checksum of a header is wrong')
    return this.headerBytes + (uint24(bytes, at) & PAYLOAD_BYTES_MAX) + CHECKSUM_BYTES
  }

  /** Opens the outer frame `bytes[start, end)`. Throws ProtocolError where it was damaged. */
  open(bytes: Buffer, start: number, end: number, into: Payload): void {
    const from = start + this.headerBytes
    const to = end - CHECKSUM_BYTES
    if (bytes.readUInt32LE(to) !== payloadChecksum(bytes, from, to)) refuse('the checksum of a payload is wrong')
    const length = this.#lz4 ? (uint24(bytes, start + 2) >> 1) & PAYLOAD_BYTES_MAX : 0
    into.bytes = length === 0 ? bytes : decompressed(bytes, from, to, length)
    into.start = length === 0 ? from : 0
    into.end = length === 0 ? to : length
  }

  enclose(bytes: Buffer, start: number, end: number): Buffer {
    return this.wrap(bytes, start, end, true)
  }

  /** Outer frames that carry `bytes[start, end)`; `whole`: it is whole envelopes. */
  wrap(bytes: Buffer, start: number, end: number, whole: boolean): Buffer {
    const size = end - start
    const count = Math.max(1, Math.ceil(size / PAYLOAD_BYTES_MAX))
    const overhead = this.headerBytes + CHECKSUM_BYTES
    const room = this.#lz4 ? compressedBytesMax(size) + count * 32 : size
    const out = Buffer.allocUnsafe(room + count * overhead)
    let to = 0
    for (let from = start; from < end || to === 0; from += PAYLOAD_BYTES_MAX)
      to = this.#write(bytes, from, Math.min(end, from + PAYLOAD_BYTES_MAX), whole && count === 1, out, to)
    return out.subarray(0, to)
  }

  #write(bytes: Buffer, start: number, end: number, selfContained: boolean, out: Buffer, at: number): number {
    const from = at + this.headerBytes
    const size = end - start
    let to = from
    let uncompressed = 0
    if (this.#lz4 && size >= COMPRESS_BYTES_MIN) {
      to = compressBlock(bytes, start, end, out, from)
      uncompressed = size
    }
    if (uncompressed === 0 || to - from >= size) {
      bytes.copy(out, from, start, end)
      to = from + size
      uncompressed = 0
    }
    if (this.#lz4) {
      const first = (to - from) | ((uncompressed & 0x7f) << 17)
      out.writeUIntLE(first, at, 3)
      out.writeUInt16LE((uncompressed >> 7) | (selfContained ? SELF_CONTAINED_LZ4 << 8 : 0), at + 3)
    } else out.writeUIntLE((to - from) | (selfContained ? SELF_CONTAINED_PLAIN : 0), at, 3)
    const length = this.headerBytes - 3
    out.writeUIntLE(headerChecksum(out, at, length), at + length, 3)
    out.writeUInt32LE(payloadChecksum(out, from, to), to)
    return to + CHECKSUM_BYTES
  }
}

/** Little-endian. */
function uint24(bytes: Buffer, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16)
}

// Cold: frames with LZ4 only
function decompressed(bytes: Buffer, from: number, to: number, length: number): Buffer {
  const out = Buffer.allocUnsafe(length)
  try {
    if (decompressBlock(bytes, from, to, out) === length) return out
  } catch (error) {
    if (!(error instanceof CorruptError)) throw error
  }
  return refuse('a payload can not be decompressed')
}

// Cold: the connection ends
function refuse(text: string): never {
  throw new ProtocolError(text, errorFrame(5, 0, ERROR_PROTOCOL, text))
}
