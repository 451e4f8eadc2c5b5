import type { Duration } from '../body/values.ts'

const SECOND = 1_000_000_000n

/** Months, days and nanoseconds of one of each unit. */
const UNITS: ReadonlyMap<string, readonly [months: bigint, days: bigint, nanoseconds: bigint]> = new Map([
  ['y', [12n, 0n, 0n]],
  ['mo', [1n, 0n, 0n]],
  ['w', [0n, 7n, 0n]],
  ['d', [0n, 1n, 0n]],
  ['h', [0n, 0n, 3600n * SECOND]],
  ['m', [0n, 0n, 60n * SECOND]],
  ['s', [0n, 0n, SECOND]],
  ['ms', [0n, 0n, 1_000_000n]],
  ['us', [0n, 0n, 1000n]],
  ['ns', [0n, 0n, 1n]],
])

const RANKS = [...UNITS.keys()]

// Without the flag i, with which Greek letters would do for µ.
const STANDARD = /(\d+)([mM][oO]|[mMuUµnN]?[sS]|[yYwWdDhHmM])/gy
const ISO = /^P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/
const ISO_WEEKS = /^P(\d+)W$/
const ISO_ALTERNATIVE = /^P(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)$/
const ISO_UNITS = ['y', 'mo', 'd', 'h', 'm', 's']

const INT_MAX = 2n ** 31n - 1n
const LONG_MAX = 2n ** 63n - 1n

/** A duration as CQL writes it, `1y2mo`, `-P1DT2H`, `P0001-02-03T04:05:06`; undefined where it is none. cql3/Duration.java of Apache Cassandra. */
export function parseDuration(text: string): Duration | undefined {
  const isNegative = text.startsWith('-')
  const parts = partsOf(isNegative ? text.slice(1) : text)
  if (parts === undefined) return undefined
  let months = 0n
  let days = 0n
  let nanoseconds = 0n
  for (const [count, unit] of parts) {
    const [inMonths, inDays, inNanoseconds] = UNITS.get(unit)!
    months += count * inMonths
    days += count * inDays
    nanoseconds += count * inNanoseconds
  }
  if (months > INT_MAX || days > INT_MAX || nanoseconds > LONG_MAX) return undefined
  const sign = isNegative ? -1n : 1n
  return { months: Number(sign * months), days: Number(sign * days), nanoseconds: sign * nanoseconds }
}

function partsOf(text: string): [count: bigint, unit: string][] | undefined {
  const iso = ISO.exec(text) ?? ISO_ALTERNATIVE.exec(text)
  if (iso !== null) return iso.slice(1).map((count, index) => [BigInt(count ?? 0), ISO_UNITS[index]!])
  const weeks = ISO_WEEKS.exec(text)
  if (weeks !== null) return [[BigInt(weeks[1]!), 'w']]
  const parts: [bigint, string][] = []
  let end = 0
  let last = -1
  for (const match of text.matchAll(STANDARD)) {
    const unit = match[2]!.toLowerCase().replace('µ', 'u')
    // From the largest down, each once.
    const rank = RANKS.indexOf(unit)
    if (rank <= last) return undefined
    last = rank
    parts.push([BigInt(match[1]!), unit])
    end = match.index + match[0].length
  }
  return parts.length > 0 && end === text.length ? parts : undefined
}
