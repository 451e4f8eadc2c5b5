import type { Random } from '../../../world/world.ts'
import type { Asked } from './asked.ts'
import { tagOf, type Fact, type Journal } from './journal.ts'
import { KnownCounter, KnownList, KnownValue } from './known.ts'
import { OPERATIONS } from './script-table.ts'

const KEYS = 3

/** What one session of a model client does, drawn step by step, and what it knows of its own state as of the last request. */
export class Script {
  readonly session: number
  readonly journal: Journal
  readonly random: Random
  /** Largest value that it writes. */
  readonly valueBytesMax: number
  version: 2 | 3 = 2
  database = 0
  name: string | null = null
  connectionId: string | null = null
  /** Subscriptions as of the last request, and as of the last reply. */
  readonly channels = new Set<string>()
  readonly confirmed = new Set<string>()
  /** Channels that were ever subscribed to. */
  readonly met = new Set<string>()
  /** Messages to itself that have not come. */
  readonly awaited = new Set<string>()
  readonly #values = new Map<string, KnownValue>()
  readonly #counters = new Map<string, KnownCounter>()
  readonly #lists = new Map<string, KnownList>()
  #tags = 0

  constructor(session: number, journal: Journal, random: Random, valueBytesMax: number) {
    this.session = session
    this.journal = journal
    this.random = random
    this.valueBytesMax = valueBytesMax
  }

  /** The requests of one more step. */
  next(): readonly Asked[] {
    let at = this.below(OPERATIONS.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, operation] of OPERATIONS) {
      if (at < weight) return operation(this)
      at -= weight
    }
    return []
  }

  below(count: number): number {
    return Math.floor(this.random.next() * count)
  }

  chance(probability: number): boolean {
    return this.random.next() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }

  /** A key of the session's own. */
  key(kind: string): string {
    return `s${this.session}:${kind}${this.below(KEYS)}`
  }

  value(key: string): KnownValue {
    return this.#known(this.#values, key, () => new KnownValue())
  }

  counter(key: string): KnownCounter {
    return this.#known(this.#counters, key, () => new KnownCounter())
  }

  list(key: string): KnownList {
    return this.#known(this.#lists, key, () => new KnownList())
  }

  #known<T>(all: Map<string, T>, key: string, create: () => T): T {
    const place = `${this.database}/${key}`
    let known = all.get(place)
    if (known === undefined) all.set(place, (known = create()))
    return known
  }

  /** A tag for something written to `key`, in the journal from now on. */
  tag(key: string, kind: Fact['kind'] = 'plain'): string {
    const tag = tagOf(this.session, ++this.#tags, kind)
    this.journal.sent(tag, { session: this.session, key: `${this.database}/${key}`, kind })
    return tag
  }

  /** Unique text that nobody keeps a record of. */
  text(): string {
    return `e${this.session}.${++this.#tags}`
  }

  /** `tag` as a value of a length of its own; some are large. */
  filled(tag: string): string {
    if (this.chance(0.4)) return tag
    const size = Math.floor(this.valueBytesMax * this.random.next() ** (this.chance(0.1) ? 0.5 : 8))
    return `${tag}:${'0123456789abcde\n'.repeat(Math.ceil(size / 16)).slice(0, size)}`
  }
}
