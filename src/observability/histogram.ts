// Hot path
import type { Summary } from '../core/kind.ts'

/** Buckets per power of two, as a power of two itself: values are kept to 1 part in 64. */
const SUB_BITS = 5
const SUB_BUCKETS = 1 << SUB_BITS
const VALUE_MAX = 0x7fffffff
const BUCKETS = ((31 - SUB_BITS) << SUB_BITS) + SUB_BUCKETS
/** Quantiles look back over these windows; the oldest is forgotten at each rotation. */
const WINDOWS = 3

const SUM = 0
const COUNT = 1

/** Counts of values in logarithmic buckets, each split linearly: constant cost, constant memory. */
export class Histogram implements Summary {
  readonly #unitsPerOne: number
  readonly #totals = new Float64Array(2)
  readonly #windows: Uint32Array[] = []
  #window: Uint32Array
  #turn = 0

  /** `unitsPerOne`: into how many whole units a value of 1 is divided; smaller differences are lost. */
  constructor(unitsPerOne: number) {
    this.#unitsPerOne = unitsPerOne
    for (let i = 0; i < WINDOWS; i++) this.#windows.push(new Uint32Array(BUCKETS))
    this.#window = this.#windows[0]!
  }

  /** Of all time. */
  get sum(): number {
    return this.#totals[SUM]!
  }

  /** Of all time. */
  get count(): number {
    return this.#totals[COUNT]!
  }

  observe(value: number): void {
    if (!(value >= 0)) return
    const units = value * this.#unitsPerOne
    const whole = units < VALUE_MAX ? (units + 0.5) | 0 : VALUE_MAX
    let bucket = whole
    if (whole >= 2 * SUB_BUCKETS) {
      const shift = 31 - SUB_BITS - Math.clz32(whole)
      bucket = (shift << SUB_BITS) + (whole >> shift)
    }
    this.#window[bucket]!++
    this.#totals[SUM]! += value
    this.#totals[COUNT]!++
  }

  /** Begins the next window and forgets the oldest. */
  rotate(): void {
    this.#turn = (this.#turn + 1) % WINDOWS
    this.#window = this.#windows[this.#turn]!
    this.#window.fill(0)
  }

  /** What the windows hold together, as pairs of bucket and count, lowest first. */
  buckets(): number[] {
    const pairs: number[] = []
    const [first, second, third] = this.#windows
    for (let i = 0; i < BUCKETS; i++) {
      const count = first![i]! + second![i]! + third![i]!
      if (count !== 0) pairs.push(i, count)
    }
    return pairs
  }
}

/** The value in the middle of a bucket, in units. */
function middle(bucket: number): number {
  if (bucket < 2 * SUB_BUCKETS) return bucket
  const shift = (bucket >> SUB_BITS) - 1
  const low = (bucket - (shift << SUB_BITS)) * 2 ** shift
  return low + (2 ** shift - 1) / 2
}

/** The value below which the given part of all values lies. `pairs` as `Histogram.buckets` gives them; 0 where there are none. */
export function quantile(pairs: readonly number[], part: number, unitsPerOne: number): number {
  let total = 0
  for (let i = 1; i < pairs.length; i += 2) total += pairs[i]!
  if (total === 0) return 0
  const rank = Math.max(1, Math.ceil(part * total))
  let seen = 0
  let bucket = 0
  for (let i = 0; i < pairs.length && seen < rank; i += 2) {
    bucket = pairs[i]!
    seen += pairs[i + 1]!
  }
  return middle(bucket) / unitsPerOne
}

/** Adds the second list of pairs to the first; both lowest first. */
export function addBuckets(a: readonly number[], b: readonly number[]): number[] {
  const sum: number[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const left = i < a.length ? a[i]! : Infinity
    const right = j < b.length ? b[j]! : Infinity
    const bucket = Math.min(left, right)
    let count = 0
    if (left === bucket) {
      count += a[i + 1]!
      i += 2
    }
    if (right === bucket) {
      count += b[j + 1]!
      j += 2
    }
    sum.push(bucket, count)
  }
  return sum
}
