import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from '../../src/config/diagnostics.ts'
import { checkTopology } from '../../src/config/topology.ts'

// Topologies of the shape of those that Shotover's own tests start: the kinds as they are, not those of test/golden/kinds.ts. Each is taken
// as it is, or refused with Shotover's text, which its tests compare.

const sink = (name = 'valkey-sink') =>
  `- ValkeySinkSingle: { name: "${name}", remote_address: "127.0.0.1:1111", connect_timeout_ms: 3000 }`

function source(type: string, name: string, listen: string, chain: readonly string[], more = ''): string {
  const lines = chain.map((line) => `        ${line}\n`).join('')
  return `  - ${type}:\n      name: "${name}"\n      listen_addr: "127.0.0.1:${listen}"\n${more}      chain:\n${lines}`
}

const LIMIT = '      connection_limit: 3000000\n'
const counter = '- QueryCounter: { name: "query-counter", counter_name: valkey-chain }'

/** A Tee of chains that answer with texts, as Shotover's topologies of tee/ have them. */
function teed(behavior: string, within: string, more: readonly string[] = []): string {
  return source('Valkey', 'valkey', '6379', [
    '- Tee:',
    '    name: "tee"',
    `    ${behavior}`,
    '    buffer_size: 10000',
    ...more.map((line) => `    ${line}`),
    '    chain:',
    `      - DebugReturner: { name: "debug-returner1", Valkey: "${within}" }`,
    '- DebugReturner: { name: "debug-returner2", Valkey: "42" }',
  ])
}

/** Columns that are protected, with names that the transform had before Shotover gave it up. */
function protectedColumns(keys: readonly string[]): string {
  return source('Cassandra', 'cassandra', '9042', [
    '- Protect:',
    '    keyspace_table_columns:',
    '      test_protect_keyspace:',
    '        test_table:',
    '          - col1',
    '    key_manager:',
    ...keys.map((line) => `      ${line}`),
    '- CassandraSinkSingle: { remote_address: "127.0.0.1:9043", connect_timeout_ms: 3000 }',
  ])
}

const MISMATCH = `behavior: { SubchainOnMismatch: { chain: [{ ${sink('mismatch').slice(2)} }] } }`

const TAKEN: Readonly<Record<string, string>> = {
  'null-valkey/topology': source('Valkey', 'valkey', '6379', [counter, '- NullSink: { name: "null-sink" }']),
  'null-valkey/topology-hard-connection-limit': source(
    'Valkey',
    'valkey',
    '6379',
    [counter, '- NullSink: { name: "null-sink" }'],
    '      connection_limit: 1\n      hard_connection_limit: true\n',
  ),
  'null-cassandra/topology': source('Cassandra', 'cassandra', '9042', ['- NullSink: { name: "null-sink" }']),
  'cassandra/peers-rewrite': source('Cassandra', 'cassandra', '9044', [
    '- CassandraPeersRewrite: { name: "peers-rewrite", port: 9044 }',
    '- CassandraSinkSingle: { name: "sink", remote_address: "127.0.0.1:9043", connect_timeout_ms: 3000 }',
  ]),
  'query_type_filter/simple':
    source(
      'Valkey',
      'valkey1',
      '6379',
      [
        '- QueryTypeFilter: { name: "filter", DenyList: [Write] }',
        '- DebugReturner: { name: "returner", Valkey: "42" }',
      ],
      LIMIT,
    ) +
    source(
      'Valkey',
      'valkey2',
      '6380',
      [
        '- QueryTypeFilter: { name: "filter1", AllowList: [Read] }',
        '- DebugReturner: { name: "returner1", Valkey: "42" }',
      ],
      LIMIT,
    ),
  'log-to-file/topology': source('Valkey', 'valkey', '6379', [
    '- DebugLogToFile: { name: "debug-log-to-file" }',
    sink(),
  ]),
  'tee/ignore': teed('behavior: Ignore', '42'),
  'tee/ignore_with_mismatch': teed('behavior: Ignore', '41'),
  'tee/log': teed('behavior: LogWarningOnMismatch', '42'),
  'tee/log_with_mismatch': teed('behavior: LogWarningOnMismatch', '41'),
  'tee/fail': teed('behavior: FailOnMismatch', '42'),
  'tee/fail_with_mismatch': teed('behavior: FailOnMismatch', '41'),
  'tee/subchain': teed(MISMATCH, '42'),
  'tee/subchain_with_mismatch': teed(MISMATCH, '41'),
  'tee/switch_chain': teed('behavior: Ignore', '41', ['switch_port: 1234']),
  'cassandra/protect-local, as of 0.7': protectedColumns([
    'Local:',
    '  kek: Ht8M1nDO/7fay+cft71M2Xy7j30EnLAsA84hSUMCm1k=',
    '  kek_id: ""',
  ]),
  'cassandra/protect-aws, as of 0.7': protectedColumns([
    'AWSKms:',
    '  endpoint: "http://localhost:5000"',
    '  region: "us-east-1"',
    '  cmk_id: "alias/aws/secretsmanager"',
    '  number_of_bytes: 32',
  ]),
  'valkey/passthrough/topology': source('Valkey', 'valkey', '6379', [sink()]),
  'valkey/passthrough/topology-encode': source('Valkey', 'valkey', '6379', [
    '- DebugForceEncode: { name: "debug-force-encode", encode_requests: true, encode_responses: true }',
    sink(),
  ]),
}

for (const [name, sources] of Object.entries(TAKEN)) {
  test(`${name} is taken as it is`, async () => {
    const { sources: checked } = await checkTopology('topology.yaml', `---\nsources:\n${sources}`)
    assert.ok(checked.length > 0)
  })
}

const REFUSED: Readonly<Record<string, readonly [sources: string, lines: readonly string[]]>> = {
  invalid_non_terminating_last: [
    source('Valkey', 'valkey', '6379', ['- DebugPrinter: { name: "debug-printer" }']),
    [
      'valkey source:',
      '  valkey chain:',
      '    Non-terminating Transform DebugPrinter named "debug-printer" is last in chain. Last Transform must be terminating.',
    ],
  ],
  invalid_terminating_not_last: [
    source('Valkey', 'valkey', '6379', ['- NullSink: { name: "null-sink-1" }', '- NullSink: { name: "null-sink-2" }']),
    [
      'valkey source:',
      '  valkey chain:',
      '    Terminating Transform NullSink named "null-sink-1" is not last in chain. Terminating Transform must be last in chain.',
    ],
  ],
  invalid_subchains: [
    source('Valkey', 'valkey1', '6379', [
      '- NullSink: { name: "sink-1" }',
      '- NullSink: { name: "sink-2" }',
      '- DebugPrinter: { name: "debug" }',
    ]) +
      source('Valkey', 'valkey2', '6379', [
        '- DebugPrinter: { name: "debug1" }',
        '- ParallelMap: { name: "pmap", chain: [{ NullSink: { name: "p-sink" } }, { DebugPrinter: { name: "p-debug" } }], parallelism: 1, ordered_results: false }',
      ]),
    [
      'valkey1 source:',
      '  valkey1 chain:',
      '    Terminating Transform NullSink named "sink-1" is not last in chain. Terminating Transform must be last in chain.',
      '    Terminating Transform NullSink named "sink-2" is not last in chain. Terminating Transform must be last in chain.',
      '    Non-terminating Transform DebugPrinter named "debug" is last in chain. Last Transform must be terminating.',
      'valkey2 source:',
      '  valkey2 chain:',
      '    ParallelMap:',
      '      pmap[0] chain:',
      '        Terminating Transform NullSink named "p-sink" is not last in chain. Terminating Transform must be last in chain.',
      '        Non-terminating Transform DebugPrinter named "p-debug" is last in chain. Last Transform must be terminating.',
    ],
  ],
  invalid_protocol_mismatch: [
    source('Cassandra', 'cassandra', '6379', [
      '- QueryCounter: { name: "query-counter", counter_name: cassandra }',
      sink(),
    ]),
    ['Transform ValkeySinkSingle requires upchain protocol to be one of [Valkey] but was Cassandra'],
  ],
  'Coalesce without a field': [
    source('Valkey', 'valkey', '6379', ['- Coalesce: { name: "coalesce" }', sink()]),
    [
      'valkey source:',
      '  valkey chain:',
      '    Coalesce:',
      '      Need to provide at least one of these fields:',
      '      * flush_when_buffered_message_count',
      '      * flush_when_millis_since_last_flush',
      '    ',
      '      But none of them were provided.',
      '      Check https://shotover.io/docs/latest/transforms.html#coalesce for more information.',
    ],
  ],
  'Tee with chains that are none': [
    source('Valkey', 'valkey', '6379', [
      '- Tee:',
      '    name: "tee"',
      '    behavior: { SubchainOnMismatch: { chain: [{ DebugPrinter: { name: "printer" } }] } }',
      '    chain: [{ NullSink: { name: "null1" } }, { NullSink: { name: "null2" } }]',
      sink(),
    ]),
    [
      'valkey source:',
      '  valkey chain:',
      '    Tee:',
      '      tee chain:',
      '        Terminating Transform NullSink named "null1" is not last in chain. Terminating Transform must be last in chain.',
      '      tee.mismatch chain:',
      '        Non-terminating Transform DebugPrinter named "printer" is last in chain. Last Transform must be terminating.',
    ],
  ],
  'request throttling below its least': [
    source('Valkey', 'valkey', '6379', [
      '- RequestThrottling: { name: "throttle", max_requests_per_second: 49 }',
      sink(),
    ]),
    [
      'valkey source:',
      '  valkey chain:',
      '    RequestThrottling:',
      '      max_requests_per_second has a minimum allowed value of 50',
    ],
  ],
}

for (const [name, [sources, lines]] of Object.entries(REFUSED)) {
  test(`${name} is refused with Shotover's text`, async () => {
    await assert.rejects(checkTopology('topology.yaml', `---\nsources:\n${sources}`), (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      assert.deepEqual(error.causes, [`Topology errors\n${lines.join('\n')}\n`])
      return true
    })
  })
}
