import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConfigError } from './diagnostics.ts'
import { checkSettings, describeSettings, readSettings } from './settings.ts'

const ACCEPTED: [string, object][] = [
  ['main_log_level: info', { mainLogLevel: 'info', observability: null, limits: {} }],
  [
    'main_log_level: "info, shotover=debug"\nobservability_interface: "127.0.0.1:9001"',
    { mainLogLevel: 'info, shotover=debug', observability: { host: '127.0.0.1', port: 9001 }, limits: {} },
  ],
  [
    '---\nmain_log_level: off\nobservability_interface: "[::1]:9001"\nlimits:',
    { mainLogLevel: 'off', observability: { host: '::1', port: 9001 }, limits: {} },
  ],
  ['main_log_level: ""\nobservability_interface:', { mainLogLevel: '', observability: null, limits: {} }],
  [
    'main_log_level: info\nlimits: { stall_ms: 5, process_bytes_max: 1073741824, quantum_frames: null }',
    { mainLogLevel: 'info', observability: null, limits: { stallMs: 5, processBytesMax: 1073741824 } },
  ],
  [
    'main_log_level: info\naccess_log: { path: a.log, sample: 0.5 }\ntracing: { endpoint: "http://c:4318/v1/traces" }',
    {
      mainLogLevel: 'info',
      observability: null,
      limits: {},
      accessLog: { path: 'a.log', sample: 0.5 },
      tracing: { endpoint: 'http://c:4318/v1/traces', serviceName: 'shotover', sample: 0.01 },
    },
  ],
  [
    'main_log_level: info\naccess_log: {}',
    { mainLogLevel: 'info', observability: null, limits: {}, accessLog: { path: null, sample: 1 } },
  ],
]
for (const [yaml, settings] of ACCEPTED) {
  test(`settings ${JSON.stringify(yaml)} are read`, () => assert.deepEqual(checkSettings('c.yaml', yaml), settings))
}

const REFUSED: [string, string, string][] = [
  [
    'main_log_level: info\naccess_log: { sample: 0 }\ntracing: { endpoint: "c:4318", sample: 2 }',
    'Failed to parse config file c.yaml\n\nCaused by:\n    access_log.sample: invalid value: integer `0`, expected more than 0 at line 2 column 23',
    'c.yaml:2:23: access_log.sample: invalid value: integer `0`, expected more than 0\nc.yaml:3:22: tracing.endpoint: must be the URL of a collector, such as http://127.0.0.1:4318/v1/traces\nc.yaml:3:40: tracing.sample: invalid value: integer `2`, expected at most 1',
  ],
  [
    '',
    'Failed to parse config file c.yaml\n\nCaused by:\n    missing field `main_log_level` at line 1 column 1',
    'c.yaml:1:1: missing field `main_log_level`',
  ],
  [
    'main_log_level: info\nmain_log_levl: debug\nobservability_interface: 9001',
    'Failed to parse config file c.yaml\n\nCaused by:\n    unknown field `main_log_levl`, expected one of `main_log_level`, `observability_interface`, `limits`, `access_log`, `tracing` at line 2 column 1',
    'c.yaml:2:1: unknown field `main_log_levl`, expected one of `main_log_level`, `observability_interface`, `limits`, `access_log`, `tracing`\n    hint: did you mean `main_log_level`?\nc.yaml:3:26: observability_interface: invalid type: integer `9001`, expected a string',
  ],
  [
    'main_log_level: good=info,bad=blah,warn',
    'error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: bad=blah',
    'c.yaml:1:17: main_log_level: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: bad=blah\n    hint: a directive is `level` or `target=level`, such as `info, shotover::server=debug`',
  ],
  [
    'main_log_level: inof\nobservability_interface: localhost:9001',
    'Failed to parse config file c.yaml\n\nCaused by:\n    main_log_level: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: inof at line 1 column 17',
    'c.yaml:1:17: main_log_level: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: inof\n    hint: a directive is `level` or `target=level`, such as `info, shotover::server=debug`\nc.yaml:2:26: observability_interface: invalid socket address syntax\n    hint: write an IP address and a port, such as 127.0.0.1:9001',
  ],
  [
    'main_log_level: info\nlimits: { stall_ms: 0, frame_bytes: 1 }',
    'Failed to parse config file c.yaml\n\nCaused by:\n    limits.stall_ms: invalid value: integer `0`, expected at least 1 at line 2 column 21',
    'c.yaml:2:21: limits.stall_ms: invalid value: integer `0`, expected at least 1\nc.yaml:2:24: limits: unknown field `frame_bytes`, expected one of `cut_through_bytes`, `frame_bytes_max`, `quantum_frames`, `session_in_flight_max`, `session_bytes_max`, `session_unsent_bytes`, `stall_ms`, `call_timeout_ms`, `tls_handshake_timeout_ms`, `hook_block_ms`, `hook_wait_ms`, `process_bytes_max`\n    hint: did you mean `frame_bytes_max`?',
  ],
]
for (const [yaml, message, described] of REFUSED) {
  test(`settings ${JSON.stringify(yaml)} are refused`, () => {
    assert.throws(
      () => checkSettings('c.yaml', yaml),
      (error) => {
        assert.ok(error instanceof ConfigError)
        assert.equal(error.message, message)
        assert.equal(error.describe(), described)
        return true
      },
    )
  })
}

test('a file that is not there is named, with the words of the system', () => {
  assert.throws(() => readSettings('no/such.yaml'), {
    name: 'ConfigError',
    message: "Couldn't open the config file no/such.yaml\n\nCaused by:\n    No such file or directory (os error 2)",
  })
})

test('settings are described without what only the collector of traces may know', () => {
  const endpoint = 'https://me:secret@c:4318/v1/traces?key=secret'
  const described = describeSettings(
    checkSettings('c.yaml', `main_log_level: info\ntracing: { endpoint: "${endpoint}" }`),
  )
  assert.equal(
    described,
    '{"main_log_level":"info","observability_interface":null,"limits":{},"tracing":{"endpoint":"https://c:4318/v1/traces","sample":0.01,"service_name":"shotover"}}',
  )
})

test('settings are described with their names in the file', () => {
  assert.equal(
    describeSettings(checkSettings('c.yaml', 'main_log_level: info\nobservability_interface: "[::1]:1"')),
    '{"main_log_level":"info","observability_interface":"[::1]:1","limits":{}}',
  )
})
