// Hot path
import type { Frame } from '../core/frame.ts'
import { transform, type Counter, type Metrics } from '../core/kind.ts'
import type { QueryFacet } from '../core/protocol.ts'

const METRIC = 'shotover_query_count'
/** Names that get a counter of their own; what comes past them is counted together. */
const NAMES_MAX = 1000

/** One counter per name of a query. */
class QueryCounts {
  readonly #queries: QueryFacet
  readonly #counterName: string
  readonly #metrics: Metrics
  readonly #byCode: (Counter | null)[]
  readonly #byName = new Map<string, Counter>()
  readonly #names: string[] = []

  constructor(queries: QueryFacet, counterName: string, metrics: Metrics) {
    this.#queries = queries
    this.#counterName = counterName
    this.#metrics = metrics
    this.#byCode = new Array<null>(queries.codes?.count ?? 0).fill(null)
  }

  count(request: Frame): void {
    const counter = this.#byCode[request.code]
    if (counter !== undefined && counter !== null) counter.add(1)
    else if (counter === null) this.#first(request.code)
    else this.#countByName(request)
  }

  // Cold: once a command
  #first(code: number): void {
    const counter = this.#counter(this.#queries.codes!.name(code))
    this.#byCode[code] = counter
    counter.add(1)
  }

  #countByName(request: Frame): void {
    const names = this.#names
    names.length = 0
    this.#queries.names(request, names)
    for (let i = 0; i < names.length; i++) this.#counter(names[i]!).add(1)
  }

  #counter(name: string): Counter {
    const found = this.#byName.get(name)
    if (found !== undefined) return found
    if (this.#byName.size >= NAMES_MAX && name !== 'other') return this.#counter('other')
    const labels = { name: this.#counterName, query: name, type: this.#queries.metricType }
    const counter = this.#metrics.counter(METRIC, labels)
    this.#byName.set(name, counter)
    return counter
  }
}

/** Counts the queries that pass, by name. */
export const queryCounter = transform({
  type: 'QueryCounter',
  doc: 'Counts the queries that pass, by name, in the metric shotover_query_count.',
  needs: ['queries'],
  options: (z) =>
    z.strictObject({
      counter_name: z.string().describe('Label `name` of the counters in the metrics.'),
    }),
  example: { counter_name: 'main' },
  metrics: [METRIC],
  create({ counter_name: counterName }, { metrics }) {
    // A series with no more than its name, always 0, says that the counter is there before the first query.
    metrics.counter(METRIC, { name: counterName, query: '', type: '' })
    let counts: QueryCounts | null = null
    return ({ protocol }) => {
      const shared = (counts ??= new QueryCounts(protocol.queries!, counterName, metrics))
      return {
        onRequests(batch, link) {
          for (let i = 0; i < batch.length; i++) shared.count(batch[i]!.request)
          link.forward(batch)
        },
      }
    }
  },
})
