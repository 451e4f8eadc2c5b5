import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

// What Shotover's own integration tests ask of its process, of its transforms for any protocol, and of Valkey without a cluster, and where
// the same is asked here: [their test, what it asks, our file, words of our test's name].

const RUNNER = 'test/real/shotover-runner.test.ts'
const VALKEY = 'test/real/shotover-valkey.test.ts'
const TLS = 'test/real/valkey-tls.test.ts'
const LINE = 'test/golden/command-line.test.ts'
const TEE = 'test/real/tee.test.ts'
const CACHE = 'src/transforms/valkey-cache/valkey-cache.test.ts'
const PEERS_REWRITE = 'src/protocols/cassandra/peers-rewrite.test.ts'
const THEIRS = 'test/golden/shotover-topologies.test.ts'

const ROWS: readonly (readonly [theirs: string, asks: string, file: string, words: string])[] = [
  ['runner: request_id_increments', 'ids of connections rise by one', RUNNER, 'connections are numbered from 1'],
  ['runner: early_shutdown', 'starts and stops without a client', RUNNER, 'started and stopped without a client'],
  ['runner: responds_sigterm', 'ends cleanly', LINE, 'ends with 0 on SIGTERM and SIGINT'],
  ['runner: responds_sigterm', 'a thousand signals', RUNNER, 'a thousand SIGTERMs at once are one'],
  ['runner: responds_sigint', 'ends cleanly', LINE, 'ends with 0 on SIGTERM and SIGINT'],
  ['runner: invalid topology', 'non_terminating_last', THEIRS, 'invalid_non_terminating_last'],
  ['runner: invalid topology', 'terminating_not_last', THEIRS, 'invalid_terminating_not_last'],
  ['runner: invalid topology', 'subchains', THEIRS, 'invalid_subchains'],
  ['runner: invalid topology', 'one ERROR event, exit 1', LINE, 'one ERROR event with the causes, exit 1'],
  ['runner: protocol_mismatch', 'exact text', THEIRS, 'invalid_protocol_mismatch'],
  ['runner: source_port_is_already_bound', 'text, exit 1', LINE, 'a port that is taken fails the start'],
  ['runner: source_port_is_already_bound', 'starts once it is free', RUNNER, 'once its port is free it starts'],
  ['runner: runtime_listener_create_failure', 'counter, WARN, recovery', RUNNER, 'at a hard limit a port'],
  [
    'observability: test_metrics',
    'keys and values',
    'test/real/metric-keys.test.ts',
    'the series are those of Shotover',
  ],
  ['observability: metrics_disabled', 'works', 'src/runtime/process.test.ts', 'without an admin interface it serves'],
  ['query_type_filter', 'deny, allow, pipelines', RUNNER, 'QueryTypeFilter: what it refuses'],
  ['log_to_file', 'exact bytes', RUNNER, 'DebugLogToFile: the bytes of each message'],
  ['tee: ignore', 'match and mismatch', TEE, 'tee/${name}'],
  ['tee: log', 'match and mismatch, WARN', TEE, "['log_with_mismatch', '41'"],
  ['tee: fail', 'match and mismatch, text', TEE, "['fail_with_mismatch', '41'"],
  ['tee: subchain', 'where the SET lands', TEE, "['subchain_with_mismatch', '41'"],
  ['tee: switch_main_chain', 'GET, PUT, three behaviors', TEE, 'tee/switch_chain'],
  ['valkey: cluster_dr', 'flush on shutdown, not before', TEE, 'valkey/cluster-dr in small'],
  ['unit: Coalesce timers', 'count, wait, both', 'src/transforms/coalesce.test.ts', 'whichever comes first'],
  ['unit: Tee chain validation', 'texts', THEIRS, 'Tee with chains that are none'],
  [
    'request_throttling',
    '50 pass of a burst',
    'test/real/throttling.test.ts',
    'let through together what a second allows',
  ],
  ['cassandra: cassandra_valkey_cache', 'hits and misses by metric', CACHE, 'a read is kept, and answered from there'],
  ['cassandra: cassandra_valkey_cache', 'the suite', 'test/clients/cassandra/cached.ts', 'every way to change rows'],
  ['cassandra: peers_rewrite_v4', 'port in all selections', PEERS_REWRITE, 'the port is in the columns'],
  [
    'cassandra: peers_rewrite_v3',
    'unconfigured table peers_v2',
    PEERS_REWRITE,
    'replies of other requests, and errors',
  ],
  [
    'cassandra: request_throttling',
    'batches of 25 and 60',
    'src/transforms/request-throttling.test.ts',
    'a BATCH counts',
  ],
  ['valkey: passthrough_standard', 'every command', 'test/real/valkey-raw.test.ts', 'the same bytes come back'],
  ['valkey: passthrough_standard', 'every command', 'test/real/valkey-commands.test.ts', 'gives the same bytes'],
  ['valkey: passthrough_standard', 'drivers', 'test/real/valkey-ioredis.test.ts', ''],
  ['valkey: passthrough_standard', 'drivers', 'test/real/valkey-node-redis.test.ts', ''],
  ['valkey: passthrough_standard', 'invalid frame', VALKEY, 'what is no request is warned of'],
  ['valkey: passthrough_standard', 'failed_requests is 3', VALKEY, 'an error reply is a failed request'],
  ['valkey: passthrough_valkey_down', 'exact error', 'test/real/valkey-backend.test.ts', 'a server that is down'],
  ['valkey: tls_source_and_tls_single_sink', 'every kind', TLS, 'valkey/tls, valkey'],
  ['valkey: tls_source_and_tls_single_sink', 'no client certificate', TLS, "'tls-no-client-auth'"],
  ['valkey: tls_source_and_tls_single_sink', 'a wrong name', TLS, "'tls-no-verify-hostname'"],
  ['valkey: passthrough encode', 'every command', 'test/real/valkey-encode.test.ts', 'encoded again'],
  [
    'valkey: 10 resets are no warning',
    'no WARN',
    'test/real/valkey-abuse.test.ts',
    'connect and reset are worth no warning',
  ],
]

const root = join(import.meta.dirname, '../..')

for (const [theirs, asks, file, words] of ROWS) {
  test(`${theirs}, ${asks}: ${file} asks it`, () => {
    assert.ok(readFileSync(join(root, file), 'utf8').includes(words), `no test of that name: ${words}`)
  })
}
