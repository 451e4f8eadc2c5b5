import type { Frame } from '../../core/frame.ts'
import { CorruptError } from './corrupt-error.ts'
import { flagsOf, HEADER_BYTES, versionOf } from './envelope.ts'
import { decompressBlock } from './lz4.ts'
import { FLAG_COMPRESSED } from './opcodes.ts'
import { decompressSnappy, snappyLength } from './snappy.ts'

/** How the bodies of a connection are compressed, where their frames say that they are: bits of `Frame.code` that its wire sets. */
export const COMPRESSION_NONE = 0
export const COMPRESSION_LZ4 = 1 << 16
export const COMPRESSION_SNAPPY = 2 << 16
const COMPRESSION = COMPRESSION_LZ4 | COMPRESSION_SNAPPY

/** The value of STARTUP's option COMPRESSION, in any case. What is not known is left to the server to refuse. */
export function compressionNamed(name: string | undefined): number {
  if (name === undefined) return COMPRESSION_NONE
  const lower = name.toLowerCase()
  if (lower === 'lz4') return COMPRESSION_LZ4
  return lower === 'snappy' ? COMPRESSION_SNAPPY : COMPRESSION_NONE
}

/** From version 5 on outer frames are compressed, and the flag says nothing; the Java driver sets it all the same. */
export function isCompressed(frame: Frame): boolean {
  return (flagsOf(frame) & FLAG_COMPRESSED) !== 0 && versionOf(frame) < 5
}

/**
 * The body of a frame as it was before it was compressed; of a head, what has arrived of it. Where it is not compressed it shares the
 * frame's memory. At most `bytesMax` bytes of a compressed one, which are its beginning. Throws CorruptError.
 */
export function plainBody(frame: Frame, bytesMax: number): Buffer {
  const body =
    frame.edits === null
      ? frame.bytes.subarray(frame.start + HEADER_BYTES, frame.end)
      : frame.toBuffer().subarray(HEADER_BYTES)
  if (!isCompressed(frame)) return body
  const kind = frame.code & COMPRESSION
  if (kind === COMPRESSION_LZ4) {
    if (body.length < 4) throw new CorruptError('a compressed body without its length')
    const out = roomFor(frame, body, body.readUInt32BE(0), bytesMax)
    return told(frame, out, decompressBlock(body, 4, body.length, out, !frame.whole))
  }
  if (kind === COMPRESSION_SNAPPY) {
    const { length, at } = snappyLength(body, 0, body.length)
    const out = roomFor(frame, body, length, bytesMax)
    return told(frame, out, decompressSnappy(body, at, body.length, out, !frame.whole))
  }
  throw new CorruptError('a compressed body on a connection without compression')
}

/** More than this no byte of LZ4 or Snappy becomes: nothing is allocated on the word of a peer alone. */
const RATIO_MAX = 255

/** For a body that says to become so long; of a head, for what can have come of it. */
function roomFor({ announced }: Frame, body: Buffer, length: number, bytesMax: number): Buffer {
  const compressedBytes = announced - HEADER_BYTES
  if (length > compressedBytes * RATIO_MAX) throw new CorruptError(`${compressedBytes} bytes that say to be ${length}`)
  return Buffer.allocUnsafe(Math.min(length, bytesMax, body.length * RATIO_MAX))
}

function told({ whole }: Frame, out: Buffer, written: number): Buffer {
  if (!whole) return out.subarray(0, written)
  if (written !== out.length) throw new CorruptError('a compressed body is shorter than it says')
  return out
}
