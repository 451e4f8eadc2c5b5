import type { SourceKind, TransformKind } from '../core/kind.ts'

/** Every kind by the key that it has in a topology. A kind is loaded when a topology names it. */
export interface KindList {
  readonly sources: Readonly<Record<string, () => Promise<SourceKind>>>
  readonly transforms: Readonly<Record<string, () => Promise<TransformKind>>>
}

/** THE list. */
export const KINDS: KindList = {
  sources: {
    Cassandra: async () => (await import('../protocols/cassandra/source.ts')).cassandraSource,
    Valkey: async () => (await import('../protocols/valkey/source.ts')).valkeySource,
  },
  transforms: {
    CassandraPeersRewrite: async () => (await import('../protocols/cassandra/peers-rewrite.ts')).cassandraPeersRewrite,
    CassandraSinkCluster: async () => (await import('../protocols/cassandra/sink-cluster.ts')).cassandraSinkCluster,
    CassandraSinkSingle: async () => (await import('../protocols/cassandra/sink-single.ts')).cassandraSinkSingle,
    Coalesce: async () => (await import('../transforms/coalesce.ts')).coalesce,
    ConnectionBalanceAndPool: async () =>
      (await import('../transforms/connection-balance-and-pool.ts')).connectionBalanceAndPool,
    DebugForceEncode: async () => (await import('../transforms/debug-force-encode.ts')).debugForceEncode,
    DebugForceParse: async () => (await import('../transforms/debug-force-parse.ts')).debugForceParse,
    DebugLogToFile: async () => (await import('../transforms/debug-log-to-file.ts')).debugLogToFile,
    DebugPrinter: async () => (await import('../transforms/debug-printer.ts')).debugPrinter,
    DebugReturner: async () => (await import('../transforms/debug-returner.ts')).debugReturner,
    Loopback: async () => (await import('../transforms/loopback.ts')).loopback,
    NullSink: async () => (await import('../transforms/null-sink.ts')).nullSink,
    ParallelMap: async () => (await import('../transforms/parallel-map.ts')).parallelMap,
    Protect: async () => (await import('../transforms/protect/protect.ts')).protect,
    QueryCounter: async () => (await import('../transforms/query-counter.ts')).queryCounter,
    QueryTypeFilter: async () => (await import('../transforms/query-type-filter.ts')).queryTypeFilter,
    RequestThrottling: async () => (await import('../transforms/request-throttling.ts')).requestThrottling,
    Tee: async () => (await import('../transforms/tee.ts')).tee,
    ValkeyCache: async () => (await import('../transforms/valkey-cache/valkey-cache.ts')).valkeyCache,
    ValkeySinkSingle: async () => (await import('../protocols/valkey/sink-single.ts')).valkeySinkSingle,
  },
}

/** Kinds that Shotover has. Those that are not in the list are refused by name, as not supported yet. */
export const SHOTOVER_SOURCES: readonly string[] = ['Cassandra', 'Kafka', 'OpenSearch', 'Valkey']
export const SHOTOVER_TRANSFORMS: readonly string[] = [
  'CassandraPeersRewrite',
  'CassandraSinkCluster',
  'CassandraSinkSingle',
  'Coalesce',
  'ConnectionBalanceAndPool',
  'DebugForceEncode',
  'DebugForceParse',
  'DebugLogToFile',
  'DebugPrinter',
  'DebugReturner',
  'KafkaSinkCluster',
  'KafkaSinkSingle',
  'NullSink',
  'OpenSearchSinkSingle',
  'ParallelMap',
  'QueryCounter',
  'QueryTypeFilter',
  'RequestThrottling',
  'Tee',
  'ValkeyCache',
  'ValkeyClusterPortsRewrite',
  'ValkeySinkCluster',
  'ValkeySinkSingle',
]

/** Fields that kinds of the list have in Shotover and not yet here. */
export const FIELDS_NOT_YET: Readonly<Record<string, readonly string[]>> = {}

/** Names that kinds had in earlier releases. */
export const RENAMED_KINDS: Readonly<Record<string, string>> = {
  LoadBalance: 'ConnectionBalanceAndPool',
  Redis: 'Valkey',
  RedisCache: 'ValkeyCache',
  RedisClusterPortsRewrite: 'ValkeyClusterPortsRewrite',
  RedisSinkCluster: 'ValkeySinkCluster',
  RedisSinkSingle: 'ValkeySinkSingle',
  Null: 'NullSink',
}
