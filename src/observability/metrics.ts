import type { Counter, Gauge, Metrics, Summary } from '../core/kind.ts'
import { Histogram } from './histogram.ts'
import { FAMILIES, type Family, type MetricType } from './names.ts'
import { Slot } from './slot.ts'
import type { Sample, Snapshot } from './snapshot.ts'

const SLOTS_PER_CHUNK = 512
/** Series of one family on one thread. What clients name beyond that is counted together. */
const SERIES_MAX = 1000
const OTHER = 'other'
/** Longer values of labels are cut: clients can choose some of them. */
const LABEL_LENGTH_MAX = 200
const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/
/** Latencies are kept to the microsecond. */
const UNITS_PER_SECOND = 1_000_000

interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly slot: Slot | null
  readonly histogram: Histogram | null
}

/** All series of one name. */
interface FamilyState {
  readonly name: string
  readonly type: MetricType
  readonly labelNames: readonly string[]
  readonly openLabel: string | null
  readonly unitsPerOne: number
  readonly series: Map<string, Series>
}

/** Reads numbers that are kept elsewhere, when metrics are scraped. Values of the same name and labels are added up. */
export type Collector = (add: (name: string, labels: Record<string, string>, value: number) => void) => void

/** The metrics of one thread. Only that thread writes them; others see snapshots. */
export class Registry implements Metrics {
  readonly #families = new Map<string, FamilyState>()
  readonly #collectors: Collector[] = []
  readonly #seriesMax: number
  #slots = new Float64Array(SLOTS_PER_CHUNK)
  #slotsUsed = 0

  constructor(seriesMax: number = SERIES_MAX) {
    this.#seriesMax = seriesMax
  }

  counter(name: string, labels: Record<string, string>): Counter {
    return this.#series(name, 'counter', labels).slot!
  }

  gauge(name: string, labels: Record<string, string>): Gauge {
    return this.#series(name, 'gauge', labels).slot!
  }

  /** Values of a name that ends in `_seconds` are kept to the microsecond, others to whole numbers; both to 1 part in 64. */
  summary(name: string, labels: Record<string, string>): Summary {
    return this.#series(name, 'summary', labels).histogram!
  }

  /** `collector` is asked at every snapshot. The names that it adds must stand in the table of names. */
  collect(collector: Collector): void {
    this.#collectors.push(collector)
  }

  /** Begins the next window of all summaries. */
  rotate(): void {
    for (const family of this.#families.values()) {
      if (family.type !== 'summary') continue
      for (const series of family.series.values()) series.histogram!.rotate()
    }
  }

  /** Everything as it stands. */
  snapshot(): Snapshot {
    const samples: Sample[] = []
    for (const { name, type, series, unitsPerOne } of this.#families.values()) {
      for (const { labels, slot, histogram } of series.values()) {
        if (histogram === null) samples.push({ name, type, labels, value: slot!.value, distribution: null })
        else {
          const distribution = { count: histogram.count, buckets: histogram.buckets(), unitsPerOne }
          samples.push({ name, type, labels, value: histogram.sum, distribution })
        }
      }
    }
    const add = (name: string, labels: Record<string, string>, value: number) => {
      const family = FAMILIES[name]
      if (family === undefined) throw new Error(`metric ${name} does not stand in the table of names`)
      samples.push({ name, type: family.type, labels, value, distribution: null })
    }
    for (const collector of this.#collectors) collector(add)
    return samples
  }

  #series(name: string, type: MetricType, labels: Record<string, string>): Series {
    const family = this.#family(name, type, labels)
    const ordered = orderLabels(family, labels)
    const key = keyOf(ordered)
    return family.series.get(key) ?? this.#newSeries(family, ordered, key)
  }

  #newSeries(family: FamilyState, labels: Record<string, string>, key: string): Series {
    if (family.series.size >= this.#seriesMax) {
      const together = overflowLabels(family, labels)
      const found = family.series.get(keyOf(together))
      if (found !== undefined) return found
      labels = together
      key = keyOf(together)
    }
    const histogram = family.type === 'summary' ? new Histogram(family.unitsPerOne) : null
    const series = { labels, histogram, slot: histogram === null ? this.#newSlot() : null }
    family.series.set(key, series)
    return series
  }

  #newSlot(): Slot {
    if (this.#slotsUsed === SLOTS_PER_CHUNK) {
      this.#slots = new Float64Array(SLOTS_PER_CHUNK)
      this.#slotsUsed = 0
    }
    return new Slot(this.#slots, this.#slotsUsed++)
  }

  #family(name: string, type: MetricType, labels: Record<string, string>): FamilyState {
    const found = this.#families.get(name)
    if (found !== undefined) {
      if (found.type !== type) throw new Error(`metric ${name} is a ${found.type}, not a ${type}`)
      return found
    }
    const known: Family | undefined = FAMILIES[name]
    if (known !== undefined && known.type !== type) throw new Error(`metric ${name} is a ${known.type}, not a ${type}`)
    if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} can't be the name of a metric`)
    const labelNames = Object.keys(labels)
    for (const label of labelNames) {
      if (!LABEL.test(label) || label === 'quantile') throw new Error(`metric ${name} can't have a label ${label}`)
    }
    const family = {
      name,
      type,
      labelNames,
      openLabel: known?.openLabel ?? null,
      unitsPerOne: name.endsWith('_seconds') ? UNITS_PER_SECOND : 1,
      series: new Map<string, Series>(),
    }
    this.#families.set(name, family)
    return family
  }
}

/** The labels in the order of their family. Throws where they are not those of the family. */
function orderLabels(family: FamilyState, labels: Record<string, string>): Record<string, string> {
  const ordered: Record<string, string> = {}
  for (const name of family.labelNames) {
    const value = labels[name]
    if (value === undefined) throw new Error(`metric ${family.name} lacks its label ${name}`)
    ordered[name] = value.length > LABEL_LENGTH_MAX ? value.slice(0, LABEL_LENGTH_MAX) : value
  }
  if (Object.keys(labels).length !== family.labelNames.length) {
    throw new Error(`metric ${family.name} has the labels ${family.labelNames.join(', ')} and no others`)
  }
  return ordered
}

/** The series that counts what has no room of its own. A family without an open label has one for all. */
function overflowLabels(family: FamilyState, labels: Record<string, string>): Record<string, string> {
  const together: Record<string, string> = {}
  for (const name of family.labelNames) {
    together[name] = family.openLabel === null || family.openLabel === name ? OTHER : labels[name]!
  }
  return together
}

function keyOf(labels: Record<string, string>): string {
  let key = ''
  for (const name in labels) key += `${labels[name]!.length}:${labels[name]!}`
  return key
}
