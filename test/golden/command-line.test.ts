import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, connect } from 'node:net'
import { test } from 'node:test'
import manifest from '../../package.json' with { type: 'json' }
import { Folder, freePort } from './shotover.ts'

const SETTINGS = 'main_log_level: info\n'

function topology(port: number, upstream = 1): string {
  return `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "127.0.0.1:${port}"
      chain:
        - ValkeySinkSingle:
            name: "sink"
            remote_address: "127.0.0.1:${upstream}"
            connect_timeout_ms: 3000
`
}

test('-V and --version print name and version', async (context) => {
  const folder = new Folder(context)
  for (const flag of ['-V', '--version']) {
    const { code, out, error } = await folder.run([flag])
    assert.deepEqual([code, out, error], [0, `shotover ${manifest.version}\n`, ''])
  }
})

test('-h and --help list every flag and command on standard output', async (context) => {
  const folder = new Folder(context)
  for (const flag of ['-h', '--help']) {
    const { code, out, error } = await folder.run([flag])
    assert.deepEqual([code, error], [0, ''])
    for (const word of [
      '-t, --topology-file',
      '-c, --config-file',
      '--core-threads',
      '--stack-size',
      '--log-format',
      '--hotreload-socket',
      '--hotreload-gradual-shutdown-seconds',
      '-V, --version',
      'check',
      'schema',
      'demo',
      'config/topology.yaml',
      'config/config.yaml',
    ]) {
      assert.ok(out.includes(word), word)
    }
  }
})

const USAGE_ERRORS: [string[], RegExp][] = [
  [['--bogus'], /unknown option '--bogus'/],
  [['--topology-fil', 'x'], /unknown option '--topology-fil'\n\(Did you mean --topology-file\?\)/],
  [['-t'], /option '-t, --topology-file <path>' argument missing/],
  [['--core-threads', '0'], /argument '0' is invalid\. It must be 1 or more\./],
  [['--core-threads', 'two'], /argument 'two' is invalid\. It must be a whole number\./],
  [['--core-threads', '-1'], /argument missing|is invalid/],
  [['--stack-size', '1e3'], /argument '1e3' is invalid/],
  [['--log-format', 'xml'], /argument 'xml' is invalid\. Allowed choices are human, json\./],
  [['--hotreload-socket', '/tmp/x'], /--hotreload-socket.*Hot reload is not supported yet\./],
  [
    ['--hotreload-gradual-shutdown-seconds', '5'],
    /--hotreload-gradual-shutdown-seconds.*Hot reload is not supported yet\./,
  ],
  [['chekc'], /unknown command 'chekc'\n\(Did you mean check\?\)/],
  [['schema'], /missing required argument 'file'/],
  [['schema', 'topologie'], /Allowed choices are topology, config\./],
  [['check', 'more'], /too many arguments/],
]
for (const [args, message] of USAGE_ERRORS) {
  test(`"shotover ${args.join(' ')}" says what is wrong on standard error and exits with 2`, async (context) => {
    const { code, out, error } = await new Folder(context).run(args)
    assert.equal(code, 2)
    assert.equal(out, '')
    assert.match(error, message)
  })
}

test('schemas are JSON with what editors look for', async (context) => {
  const folder = new Folder(context)
  for (const file of ['topology', 'config']) {
    const { code, out, error } = await folder.run(['schema', file])
    assert.deepEqual([code, error], [0, ''])
    const schema = JSON.parse(out)
    assert.equal(schema.$schema, 'http://json-schema.org/draft-07/schema#')
    assert.equal(schema.additionalProperties, false)
  }
})

test('a schema has the options of the transforms that a topology names, and says which these are', async (context) => {
  const folder = new Folder(context)
  folder.write(
    'mine.ts',
    `import { transform } from 'shotover'
     import { z } from 'zod'
     export default transform({ type: 'Mine', doc: 'Mine.', options: z.strictObject({ size: z.int() }), create: () => () => ({}) })`,
  )
  const chain = '[{ ParallelMap: { chain: [{ ./mine.ts: { size: wrong } }, { ./none.ts: }] } }]'
  folder.write('t.yaml', `sources: [{ Valkey: { chain: ${chain} } }]`)
  const { code, out, error } = await folder.run(['schema', 'topology', '-t', 't.yaml'])
  assert.equal(code, 1)
  assert.match(error, /^JSON schema of a topology with \.\/mine\.ts\n\.\/none\.ts is not in the schema: .*No such file/)
  const { properties } = JSON.parse(out).definitions.transform
  assert.equal(properties['./mine.ts'].description, 'Mine.')
  assert.deepEqual(properties['./mine.ts'].required, ['size'])
  assert.ok('NullSink' in properties)
  folder.write('t.yaml', 'sources: []')
  const plain = await folder.run(['schema', 'topology', '-t', 't.yaml'])
  assert.deepEqual([plain.code, plain.error], [0, 'JSON schema of a topology with no transforms of your own\n'])
  const missing = await folder.run(['schema', 'topology', '-t', 'nothing.yaml'])
  assert.deepEqual([missing.code, missing.out], [1, ''])
  assert.match(missing.error, /nothing\.yaml/)
})

test('check says of both files that they are right', async (context) => {
  const folder = new Folder(context)
  folder.write('t.yaml', topology(6379))
  folder.write('c.yaml', SETTINGS)
  const { code, out, error } = await folder.run(['check', '-t', 't.yaml', '-c', 'c.yaml'])
  assert.deepEqual([code, out, error], [0, 'c.yaml: ok\nt.yaml: ok\n', ''])
})

test('check prints all problems of both files and exits with 1', async (context) => {
  const folder = new Folder(context)
  folder.write('t.yaml', topology(6379).replace('remote_address', 'remote_addres').replace('chain', 'chains'))
  folder.write('c.yaml', 'main_log_level: inof\n')
  const { code, out, error } = await folder.run(['check', '--topology-file', 't.yaml', '--config-file', 'c.yaml'])
  assert.deepEqual([code, error], [1, ''])
  assert.match(out, /^c\.yaml:1:17: main_log_level: error parsing level filter: .*: inof$/m)
  assert.match(out, /^t\.yaml:3:7: sources\[0\]\.Valkey: missing field `chain`$/m)
  assert.match(
    out,
    /^t\.yaml:5:7: sources\[0\]\.Valkey: unknown field `chains`, expected one of .*\n    hint: did you mean `chain`\?$/m,
  )
})

test('check imports the transforms of users', async (context) => {
  const folder = new Folder(context)
  folder.write('c.yaml', SETTINGS)
  folder.write('t.yaml', topology(6379).replace('chain:\n', 'chain:\n        - ./mine.ts: { size: 1 }\n'))
  const absent = await folder.run(['check', '-t', 't.yaml', '-c', 'c.yaml'])
  assert.equal(absent.code, 1)
  assert.match(
    absent.out,
    /^t\.yaml:6:11: sources\[0\]\.Valkey\.chain\[0\]: Couldn't open the transform \S*\/mine\.ts: No such file or directory \(os error 2\)$/m,
  )
  folder.write(
    'mine.ts',
    `import { transform } from 'shotover'
     import { z } from 'zod'
     export default transform({ type: 'Mine', doc: '', options: z.strictObject({ size: z.int() }), create: () => () => ({}) })`,
  )
  const present = await folder.run(['check', '-t', 't.yaml', '-c', 'c.yaml'])
  assert.deepEqual([present.code, present.out], [0, 'c.yaml: ok\nt.yaml: ok\n'])
})

const FAILED_STARTS: [string, string[], Record<string, string>, string[], string][] = [
  [
    'no settings',
    [],
    {},
    ["Couldn't open the config file config/config.yaml", 'No such file or directory (os error 2)'],
    'relative to the working directory',
  ],
  [
    'no topology',
    ['-c', 'c.yaml', '-t', 'none.yaml'],
    { 'c.yaml': SETTINGS },
    ["Couldn't open the topology file none.yaml", 'No such file or directory (os error 2)'],
    'relative to the working directory',
  ],
  [
    'a bad level',
    ['-c', 'c.yaml', '-t', 't.yaml'],
    { 'c.yaml': 'main_log_level: "info,bad=blah"', 't.yaml': topology(1) },
    [
      'error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: bad=blah',
    ],
    'c.yaml:1:17: main_log_level: ',
  ],
  [
    'a malformed topology',
    ['-c', 'c.yaml', '-t', 't.yaml'],
    { 'c.yaml': SETTINGS, 't.yaml': topology(1).replace('remote_address', 'remote_adress') },
    [
      'Failed to parse topology file t.yaml',
      'sources[0].Valkey.chain[0].ValkeySinkSingle: unknown field `remote_adress`, expected one of `name`, `remote_address`, `connect_timeout_ms`, `tls` at line 8 column 13',
    ],
    't.yaml:8:13: sources[0].Valkey.chain[0].ValkeySinkSingle: unknown field',
  ],
  [
    'an invalid topology',
    ['-c', 'c.yaml', '-t', 't.yaml'],
    { 'c.yaml': SETTINGS, 't.yaml': topology(1).replace(/chain:[^]*/, 'chain: []\n') },
    ['Topology errors\nvalkey source:\n  valkey chain:\n    Chain cannot be empty\n'],
    't.yaml:5:14: sources[0].Valkey.chain: Chain cannot be empty',
  ],
]
for (const [what, args, files, causes, details] of FAILED_STARTS) {
  test(`${what}: one ERROR event with the causes, exit 1`, async (context) => {
    const folder = new Folder(context)
    for (const [name, text] of Object.entries(files)) folder.write(name, text)
    const { code, out, error } = await folder.run([...args, '--log-format', 'json'])
    assert.deepEqual([code, error], [1, ''])
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.equal(events.length, 1)
    assert.deepEqual([events[0].level, events[0].target], ['ERROR', 'shotover::runner'])
    const lines =
      causes.length === 1
        ? causes[0].replaceAll('\n', '\n    ')
        : causes.map((cause, index) => `${index}: ${cause}`).join('\n    ')
    assert.equal(events[0].fields.message, `Failed to start shotover\n\nCaused by:\n    ${lines}`)
    assert.ok(events[0].fields.details.includes(details), events[0].fields.details)
  })
}

test('the human format shows the same to people', async (context) => {
  const folder = new Folder(context)
  folder.write('c.yaml', SETTINGS)
  folder.write('t.yaml', topology(1).replace(/chain:[^]*/, 'chain: []\n'))
  const { code, out } = await folder.run(['-c', 'c.yaml', '-t', 't.yaml'], { env: { NO_COLOR: '1' } })
  assert.equal(code, 1)
  assert.match(
    out,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ERROR shotover::runner: Failed to start shotover\n\nCaused by:\n {4}Topology errors\n {4}valkey source:\n {6}valkey chain:\n {8}Chain cannot be empty\n {4}\n\nt\.yaml:5:14: sources\[0\]\.Valkey\.chain: Chain cannot be empty\n {4}hint: end it with a sink\n$/,
  )
  const coloured = await folder.run(['-c', 'c.yaml', '-t', 't.yaml'])
  assert.ok(coloured.out.startsWith('\x1b[2m') && coloured.out.includes('Z\x1b[0m \x1b[31mERROR\x1b[0m '), coloured.out)
})

test('RUST_LOG comes after main_log_level, and is refused alike', async (context) => {
  const folder = new Folder(context)
  folder.write('c.yaml', SETTINGS)
  folder.write('t.yaml', topology(1))
  const { code, out } = await folder.run(['-c', 'c.yaml', '-t', 't.yaml', '--log-format', 'json'], {
    env: { RUST_LOG: 'x=y' },
  })
  assert.equal(code, 1)
  assert.match(JSON.parse(out).fields.message, /Caused by:\n {4}error parsing level filter: .*: x=y$/)
})

test('it starts, says so, serves, and ends with 0 on SIGTERM and SIGINT', async (context) => {
  const folder = new Folder(context)
  const port = await freePort()
  folder.write('c.yaml', SETTINGS)
  folder.write('t.yaml', topology(port))
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const shotover = folder.start([
      '-c',
      'c.yaml',
      '-t',
      't.yaml',
      '--core-threads',
      '1',
      '--stack-size',
      '1000',
      '--log-format',
      'json',
    ])
    await shotover.said('Shotover is now accepting inbound connections')
    const client = connect(port, '127.0.0.1').end('*1\r\n$4\r\nPING\r\n')
    const [reply] = (await once(client, 'data')) as [Buffer]
    assert.match(reply.toString(), /^-ERR Internal shotover .*Failed to connect to destination 127\.0\.0\.1:1 /)
    client.destroy()
    shotover.process.kill(signal)
    const { code, out, error } = await shotover.ended()
    assert.deepEqual([code, error], [0, ''])
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const find = (target: string, what: (fields: Record<string, string>) => boolean) =>
      events.some((event) => event.target === target && what(event.fields))
    assert.ok(find('shotover::runner', ({ message }) => message === `Starting Shotover ${manifest.version}`))
    assert.ok(find('shotover::runner', (fields) => /"main_log_level":"info"/.test(fields.configuration)))
    assert.ok(
      find('shotover::runner', (fields) => new RegExp(`"listen_addr":"127.0.0.1:${port}"`).test(fields.topology)),
    )
    assert.ok(
      find('shotover::config::topology', ({ message }) => message === 'Shotover is now accepting inbound connections'),
    )
    assert.ok(find('shotover::runner', ({ message }) => message === `received ${signal}`))
    assert.ok(find('shotover::runner', ({ message }) => message === 'Shotover was shutdown cleanly.'))
  }
})

test('a port that is taken fails the start, with the address', async (context) => {
  const folder = new Folder(context)
  const server = createServer()
  const port = await freePort()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  folder.write('c.yaml', SETTINGS)
  folder.write('t.yaml', topology(port))
  const { code, out } = await folder.run([
    '-c',
    'c.yaml',
    '-t',
    't.yaml',
    '--core-threads',
    '1',
    '--log-format',
    'json',
  ])
  assert.equal(code, 1)
  const event = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')
  assert.deepEqual([event.level, event.target], ['ERROR', 'shotover::runner'])
  assert.equal(
    event.fields.message,
    `Failed to start shotover\n\nCaused by:\n    Topology errors\n    valkey source:\n    Address already in use (os error 98) address=127.0.0.1:${port}\n    `,
  )
})

test('the launcher starts the same command', async (context) => {
  const { code, out } = await new Folder(context).run(['-V'], { launcher: true })
  assert.deepEqual([code, out], [0, `shotover ${manifest.version}\n`])
})
