import { crc32 } from 'node:zlib'

/** Place of a name in the order of scans: never 0, which means the beginning. */
function scanPlace(name: string): number {
  return crc32(Buffer.from(name, 'latin1')) + 1
}

/**
 * One step of a scan: a cursor is the place of the next name, so what stays during a whole scan is always found, whatever else
 * comes and goes. `ordered` must be sorted by place.
 */
export function scanStep(
  ordered: readonly string[],
  cursor: number,
  count: number,
): { cursor: number; names: string[] } {
  let low = 0
  let high = ordered.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (scanPlace(ordered[middle]!) < cursor) low = middle + 1
    else high = middle
  }
  let end = Math.min(low + count, ordered.length)
  // Names of one place go together.
  while (end < ordered.length && end > 0 && scanPlace(ordered[end]!) === scanPlace(ordered[end - 1]!)) end++
  return { cursor: end < ordered.length ? scanPlace(ordered[end]!) : 0, names: ordered.slice(low, end) }
}

/** Names sorted by their place. */
export function scanOrder(names: Iterable<string>): string[] {
  return [...names]
    .map((name) => [scanPlace(name), name] as const)
    .sort((a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1))
    .map(([, name]) => name)
}
