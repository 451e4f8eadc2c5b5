// Hot path
import { CorruptError } from './corrupt-error.ts'

const HASH_BITS = 13
/** Where four bytes with this hash stood last, plus 1; shared by all calls, none of which leaves anything in it that counts. */
const table = new Int32Array(1 << HASH_BITS)

/** Matches end so many bytes before the end of the block, and start so many: lz4_Block_format.md, "End of block conditions". */
const LAST_LITERALS = 5
const MATCH_START_LIMIT = 12
const MATCH_MIN = 4
const OFFSET_MAX = 0xffff

/** Most bytes that a block of `size` bytes becomes. */
export function compressedBytesMax(size: number): number {
  return size + Math.ceil(size / 255) + 16
}

/** Compresses `source[start, end)` into an LZ4 block that starts at `at` of `target`; returns where it ends. */
export function compressBlock(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  let anchor = start
  let from = start
  let to = at
  if (end - start > MATCH_START_LIMIT) {
    table.fill(0)
    const limit = end - MATCH_START_LIMIT
    const matchLimit = end - LAST_LITERALS
    let misses = 0
    while (from <= limit) {
      const word = source.readInt32LE(from)
      const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS)
      const candidate = table[hash]! - 1 + start
      table[hash] = from - start + 1
      if (candidate < start || from - candidate > OFFSET_MAX || source.readInt32LE(candidate) !== word) {
        // What does not compress is stepped through ever faster.
        from += 1 + (misses++ >> 6)
        continue
      }
      misses = 0
      let length = MATCH_MIN
      while (from + length < matchLimit && source[from + length] === source[candidate + length]) length++
      to = writeSequence(source, anchor, from, target, to, from - candidate, length)
      from += length
      anchor = from
    }
  }
  return writeLiterals(source, anchor, end, target, to, 0)
}

function writeSequence(
  source: Buffer,
  anchor: number,
  from: number,
  target: Buffer,
  at: number,
  offset: number,
  length: number,
): number {
  const rest = length - MATCH_MIN
  let to = writeLiterals(source, anchor, from, target, at, Math.min(rest, 15))
  target[to++] = offset & 0xff
  target[to++] = offset >> 8
  return rest >= 15 ? writeLength(target, to, rest - 15) : to
}

function writeLiterals(source: Buffer, start: number, end: number, target: Buffer, at: number, low: number): number {
  const count = end - start
  target[at] = (Math.min(count, 15) << 4) | low
  const to = count >= 15 ? writeLength(target, at + 1, count - 15) : at + 1
  source.copy(target, to, start, end)
  return to + count
}

function writeLength(target: Buffer, at: number, length: number): number {
  let to = at
  let left = length
  for (; left >= 255; left -= 255) target[to++] = 255
  target[to++] = left
  return to
}

/**
 * Decompresses the LZ4 block `source[start, end)` into `target`, until that is full: a target shorter than the block's content gets
 * the beginning of it. Returns how many bytes were written. Throws CorruptError.
 * @param isTorn Only the beginning of the block is there: it may end anywhere.
 */
export function decompressBlock(source: Buffer, start: number, end: number, target: Buffer, isTorn = false): number {
  const size = target.length
  let from = start
  let to = 0
  while (from < end && to < size) {
    const token = source[from++]!
    let count = token >> 4
    if (count === 15) {
      let more = 255
      while (more === 255) {
        if (from >= end) return tornAt(to, isTorn, 'a length')
        more = source[from++]!
        count += more
      }
    }
    if (from + count > end) {
      if (!isTorn) return tornAt(to, isTorn, 'literals')
      count = end - from
    }
    const copied = Math.min(count, size - to)
    if (copied < 32) for (let i = 0; i < copied; i++) target[to + i] = source[from + i]!
    else source.copy(target, to, from, from + copied)
    from += count
    to += copied
    if (from === end || to === size) break
    if (from + 2 > end) return tornAt(to, isTorn, 'an offset')
    const offset = source[from]! | (source[from + 1]! << 8)
    from += 2
    if (offset === 0 || offset > to) throw new CorruptError('an LZ4 block refers to what stands before it')
    let length = (token & 15) + MATCH_MIN
    if (length === 15 + MATCH_MIN) {
      let more = 255
      while (more === 255) {
        if (from >= end) return tornAt(to, isTorn, 'a length')
        more = source[from++]!
        length += more
      }
    }
    length = Math.min(length, size - to)
    if (offset >= length) target.copyWithin(to, to - offset, to - offset + length)
    else for (let i = 0; i < length; i++) target[to + i] = target[to + i - offset]!
    to += length
  }
  return to
}

// Cold: large requests
function tornAt(written: number, isTorn: boolean, what: string): number {
  if (!isTorn) throw new CorruptError(`an LZ4 block ends in ${what}`)
  return written
}
