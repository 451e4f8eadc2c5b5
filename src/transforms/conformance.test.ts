import { z } from 'zod'
import { CASSANDRA } from '../../test/cassandra.ts'
import { conformance, type ConformanceOptions } from '../../test/conformance.ts'
import { KINDS } from '../config/kinds.ts'
import { around } from '../core/around.ts'
import { transform, type TransformKind } from '../core/kind.ts'
import { protect } from './protect/protect.ts'
import { tee } from './tee.ts'

/** Options of the kinds of the list that the kit can play; a kind with several faces has several. */
const OPTIONS: Record<string, readonly unknown[]> = {
  CassandraPeersRewrite: [{ port: 9044 }],
  Coalesce: [
    { flush_when_buffered_message_count: 5, flush_when_millis_since_last_flush: 30 },
    { flush_when_millis_since_last_flush: 10 },
  ],
  ConnectionBalanceAndPool: [{ max_connections: 2, chain: [] }],
  DebugForceEncode: [{ encode_requests: true, encode_responses: true }],
  DebugForceParse: [{ parse_requests: true, parse_responses: true }],
  DebugPrinter: [{}],
  DebugReturner: [{ Valkey: '42' }, { Fail: null }],
  Loopback: [{}],
  NullSink: [{}],
  ParallelMap: [
    { parallelism: 1, ordered_results: true, chain: [] },
    { parallelism: 3, ordered_results: false, chain: [] },
  ],
  QueryCounter: [{ counter_name: 'main' }],
  QueryTypeFilter: [{ DenyList: ['Read'] }, { AllowList: ['Read'] }, { DenyList: [] }],
  RequestThrottling: [
    { max_requests_per_second: 1_000_000 },
    { max_requests_per_second: 50, per_command: { GET: 3 }, per_key_prefix: { k: 5 }, per_user: 20 },
  ],
  ValkeyCache: [{ caching_schema: { 'ks.t': { partition_key: ['v'], range_key: [] } }, chain: [] }],
}
/** Kinds that send what came together several ways. */
const REORDERS = ['ParallelMap']
/** Kinds that need a server, and are proved in the simulator; one that writes files, beside its test; those that have more to them, below. */
const ELSEWHERE = [
  'CassandraSinkCluster',
  'CassandraSinkSingle',
  'DebugLogToFile',
  'Protect',
  'Tee',
  'ValkeySinkSingle',
]

for (const [type, load] of Object.entries(KINDS.transforms)) {
  if (ELSEWHERE.includes(type)) continue
  const kind = await load()
  if (OPTIONS[type] === undefined) throw new Error(`no options to play ${type} with`)
  const speech = kind.protocols?.includes('cassandra') === true ? { speech: CASSANDRA } : {}
  for (const options of OPTIONS[type]) conformance(kind, options, { ...speech, reorders: REORDERS.includes(type) })
}

/** The faces of a Tee: with a shadow that never replies, and with one that says what the server says. */
const FACES: [options: Record<string, unknown>, settings: ConformanceOptions][] = [
  [{}, {}],
  [{ buffer_size: 1, timeout_micros: 20_000 }, {}],
  [{}, { mirrors: ['chain'] }],
  [{ behavior: 'LogWarningOnMismatch' }, { mirrors: ['chain'] }],
  [{ behavior: 'FailOnMismatch' }, { mirrors: ['chain'] }],
  [{ behavior: { SubchainOnMismatch: { chain: [] } } }, { mirrors: ['chain', 'behavior.SubchainOnMismatch.chain'] }],
]
for (const [options, settings] of FACES) conformance(tee as TransformKind, { chain: [], ...options }, settings)

/** Of what passes some is protected, some is not, and some can't be. */
const KEYS = { Local: { kek: Buffer.alloc(32, 7).toString('base64'), kek_id: 'a' } }
const LISTS: readonly Record<string, unknown>[] = [
  { keyspace_table_columns: { ks: { t: ['s', 'native_port'] } } },
  { searchable_columns: { ks: { t: ['v'] } }, search_key: 'a', unprotected_values: 'pass' },
]
for (const lists of LISTS) conformance(protect as TransformKind, { key_manager: KEYS, ...lists }, { speech: CASSANDRA })
for (const unprotected_values of ['refuse', 'pass'])
  conformance(protect as TransformKind, { key_manager: KEYS, key_patterns: ['value-*'], unprotected_values }, {})

function kindOf(type: string, instance: Parameters<typeof transform>[0]['create']): TransformKind {
  return transform({ type, doc: `${type}, for tests.`, options: z.strictObject({}), create: instance }) as TransformKind
}

/** The ways to write a transform, besides. */
conformance(
  kindOf('Onion', () => () => around((batch, next) => next(batch))),
  {},
)
conformance(
  kindOf(
    'SlowOnion',
    (_options, { world }) =>
      () =>
        around(async (batch, next) => {
          const pause = () => new Promise<void>((resolve) => world.clock.after(world.random.next() * 20, resolve))
          await pause()
          const half = Math.floor(batch.length / 2)
          const first = next(batch.slice(0, half))
          await pause()
          await Promise.all([first, next(batch.slice(half))])
          await pause()
        }),
  ),
  {},
)
conformance(
  kindOf('Whole', () => () => ({
    wants: () => 'whole',
    onRequests: (batch, link) => link.forward(batch),
    onResponses: (batch, link) => link.reply(batch),
  })),
  {},
)
conformance(
  kindOf('Nothing', () => () => ({})),
  {},
)
