import { transform } from '../../core/kind.ts'
import { Cache } from './cache.ts'
import { CachedSession, type Shared } from './cached-session.ts'
import { CacheConnection } from './connection.ts'
import { Debts, SHARED_BYTES } from './debts.ts'
import { PreparedPlans } from './prepared-plans.ts'
import { Requests } from './requests.ts'
import { tableNamed, Tables } from './tables.ts'

const HITS = 'shotover_cache_hit_count'
const MISSES = 'shotover_cache_miss_count'
const BYPASSES = 'shotover_cache_bypass_count'
const FAILURES = 'shotover_cache_failures_count'

const TIMEOUT_MS = 250
/** Of the largest message that comes whole, what stands beside the body in an entry. */
const ENTRY_OVERHEAD_BYTES = 1024

/** Keeps replies of Cassandra in Valkey. */
export const valkeyCache = transform({
  type: 'ValkeyCache',
  doc:
    'Keeps what Cassandra answered to reads of single partitions in Valkey, and answers from there for as long as nothing is written to them ' +
    'through such a transform.',
  protocols: ['cassandra'],
  options: (z) =>
    z.strictObject({
      caching_schema: z
        .record(
          z
            .string()
            .refine((text) => tableNamed(text) !== null, 'must be the name of a table with its keyspace, ks.table'),
          z.strictObject({
            partition_key: z.array(z.string()).describe('Columns of the partition key, in their order.'),
            range_key: z.array(z.string()).describe('Columns of the clustering key, in their order.'),
          }),
        )
        .describe(
          'The tables of which replies are kept, `ks.table`, with the columns of their keys. The server is asked for these too; where it says otherwise it is believed, and the log has a warning.',
        ),
      ttl_ms: z
        .int()
        .min(1)
        .optional()
        .describe(
          'Milliseconds for which a reply is kept at most; where absent until something is written, or Valkey drops it.',
        ),
      timeout_ms: z
        .int()
        .min(1)
        .default(TIMEOUT_MS)
        .describe('Milliseconds that Valkey has for an answer. After that requests go on without the cache.'),
      key_prefix: z
        .string()
        .default('')
        .describe('What all keys in Valkey begin with: for caches of several clusters that share one.'),
      chain: z.array(z.unknown()).describe('The chain to Valkey; it ends with a sink of Valkey.'),
    }),
  subChains: (_options, name) => [{ place: 'chain', names: [name], protocol: 'Valkey', isDetached: true }],
  example: {
    caching_schema: { 'ks.users': { partition_key: ['id'], range_key: [] } },
    chain: [{ NullSink: { name: 'each' } }],
  },
  metrics: [HITS, MISSES, BYPASSES, FAILURES],
  sharedBytes: () => SHARED_BYTES,
  create(options, { world, log, metrics, limits, chains, shared: memory, onClose }) {
    const { ttl_ms: ttlMs = null, timeout_ms: timeoutMs, key_prefix: prefix } = options
    const tables = new Tables(options.caching_schema, prefix, world, log)
    const connection = new CacheConnection(chains['chain']![0]!, { world, log, timeoutMs })
    const failures = (operation: string) => metrics.counter(FAILURES, { operation })
    const debts = new Debts(
      memory,
      tables.all.map(({ key }) => key),
    )
    const cache = new Cache(connection, debts, {
      world,
      log,
      ttlMs,
      probeKey: `${prefix}:probe`,
      metrics: {
        hits: metrics.counter(HITS, {}),
        misses: metrics.counter(MISSES, {}),
        bypasses: metrics.counter(BYPASSES, {}),
        failures: {
          lookup: failures('lookup'),
          fill: failures('fill'),
          invalidation: failures('invalidation'),
        },
      },
    })
    onClose(() => cache.close())
    const prepared = new PreparedPlans()
    const requests = new Requests(tables, prepared)
    const bytesMax = limits.cutThroughBytes - ENTRY_OVERHEAD_BYTES
    const shared: Shared = { cache, tables, prepared, requests, bytesMax }
    return (session, previous) => new CachedSession(shared, session, previous)
  },
})
