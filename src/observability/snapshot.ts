import { addBuckets } from './histogram.ts'
import type { MetricType } from './names.ts'

/** Values of a summary: how many there ever were, and those of the last windows. */
export interface Distribution {
  readonly count: number
  /** Pairs of bucket and count. */
  readonly buckets: readonly number[]
  readonly unitsPerOne: number
}

/** One series as it stands. Plain data: threads send it to each other. */
export interface Sample {
  readonly name: string
  readonly type: MetricType
  readonly labels: Readonly<Record<string, string>>
  /** Of a summary: the sum of all values. */
  readonly value: number
  readonly distribution: Distribution | null
}

export type Snapshot = readonly Sample[]

/** Adds up the samples that have the same name and labels. Each name comes once, its series together, in order. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Map<string, Sample[]> {
  const merged = new Map<string, Sample>()
  for (const sample of snapshots.flat()) {
    const key = `${sample.name} ${JSON.stringify(sample.labels)}`
    const found = merged.get(key)
    merged.set(key, found === undefined ? sample : sum(found, sample))
  }
  const families = new Map<string, Sample[]>()
  for (const key of [...merged.keys()].sort()) {
    const sample = merged.get(key)!
    const family = families.get(sample.name)
    if (family === undefined) families.set(sample.name, [sample])
    else family.push(sample)
  }
  return families
}

/** What of a thread outlives it: numbers that only grow. */
export function lasting(snapshot: Snapshot): Snapshot {
  const kept: Sample[] = []
  for (const sample of snapshot) {
    if (sample.type === 'counter') kept.push(sample)
    else if (sample.distribution !== null) {
      kept.push({ ...sample, distribution: { ...sample.distribution, buckets: [] } })
    }
  }
  return kept
}

function sum(a: Sample, b: Sample): Sample {
  return { ...a, value: a.value + b.value, distribution: sumDistributions(a.distribution, b.distribution) }
}

function sumDistributions(a: Distribution | null, b: Distribution | null): Distribution | null {
  if (a === null || b === null) return a ?? b
  return { ...a, count: a.count + b.count, buckets: addBuckets(a.buckets, b.buckets) }
}
