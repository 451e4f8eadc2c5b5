import { CorruptError } from './corrupt-error.ts'

/** Bytes that a Snappy block becomes, and where its elements begin: a varint of at most 32 bits. Throws CorruptError. */
export function snappyLength(source: Buffer, start: number, end: number): { length: number; at: number } {
  let length = 0
  for (let i = 0; i < 5 && start + i < end; i++) {
    const byte = source[start + i]!
    length += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { length, at: start + i + 1 }
  }
  throw new CorruptError('a Snappy block begins without a length')
}

/**
 * Decompresses the elements `source[start, end)` of a Snappy block into `target`, until that is full. Returns how many bytes were
 * written. Throws CorruptError. Format: format_description.txt of google/snappy.
 * @param isTorn Only the beginning of the block is there: it may end anywhere.
 */
export function decompressSnappy(source: Buffer, start: number, end: number, target: Buffer, isTorn = false): number {
  const size = target.length
  let from = start
  let to = 0
  while (from < end && to < size) {
    const tag = source[from++]!
    let length = (tag >> 2) + 1
    if ((tag & 3) === 0) {
      if (length > 60) {
        const bytes = length - 60
        if (from + bytes > end) return tornAt(to, isTorn, 'a length')
        length = source.readUIntLE(from, bytes) + 1
        from += bytes
      }
      if (from + length > end) {
        if (!isTorn) return tornAt(to, isTorn, 'a literal')
        length = end - from
      }
      to += source.copy(target, to, from, from + Math.min(length, size - to))
      from += length
      continue
    }
    const bytes = [1, 2, 4][(tag & 3) - 1]!
    if (from + bytes > end) return tornAt(to, isTorn, 'an offset')
    let offset = source.readUIntLE(from, bytes)
    from += bytes
    if (bytes === 1) {
      offset |= (tag & 0xe0) << 3
      length = ((tag >> 2) & 7) + 4
    }
    if (offset === 0 || offset > to) throw new CorruptError('a Snappy block refers to what stands before it')
    length = Math.min(length, size - to)
    if (offset >= length) target.copyWithin(to, to - offset, to - offset + length)
    else for (let i = 0; i < length; i++) target[to + i] = target[to + i - offset]!
    to += length
  }
  return to
}

// Cold: large requests
function tornAt(written: number, isTorn: boolean, what: string): number {
  if (!isTorn) throw new CorruptError(`a Snappy block ends in ${what}`)
  return written
}
