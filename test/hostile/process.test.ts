import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { startProxy } from '../real/proxy.ts'
import { RawClient } from '../real/raw-client.ts'
import { drawPort, startRedis } from '../real/servers.ts'
import { ask, askOnce, openSocket, until, words } from './talk.ts'

// What an operator's mistakes, other users of the machine, and the machine itself do to the process.

const SHOTOVER = join(dirname(dirname(import.meta.dirname)), 'shotover')

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'shotover-hostile-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs `check` on a topology: exit code and all that it said. */
async function check(context: TestContext, topology: string | Buffer, file?: string): Promise<[number, string]> {
  const folder = folderOf(context)
  writeFileSync(join(folder, 't.yaml'), topology)
  writeFileSync(join(folder, 'c.yaml'), 'main_log_level: info\n')
  const child = spawn(SHOTOVER, ['check', '-t', file ?? join(folder, 't.yaml'), '-c', join(folder, 'c.yaml')])
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return [code, said]
}

function topology(listen: string, remote: string, more = '', timeoutMs = 3000): string {
  return `sources:
  - Valkey:
      name: "valkey"
      listen_addr: "${listen}"
      chain:
        - ValkeySinkSingle:
            name: "sink"
            remote_address: "${remote}"
            connect_timeout_ms: ${timeoutMs}
${more}`
}

test('no signal opens a debugger', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({ upstream: redis.address })
  proxy.signal('SIGUSR1')
  assert.equal(await askOnce(proxy.port, 'PING'), '+PONG\r\n')
  proxy.signal('SIGTERM')
  assert.equal(await proxy.ended, 0)
  assert.doesNotMatch(proxy.output, /ebugger/)
})

const WRONG_FILES: Record<string, [string | Buffer, RegExp, string?]> = {
  'a device without an end': ['', /larger than 4 MiB/, '/dev/zero'],
  'a dump': [Buffer.alloc(5_000_000, '\n'), /larger than 4 MiB/],
  'a folder': ['', /Is a directory/, tmpdir()],
  nothing: ['', /missing field `sources`/],
  'an archive': [Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * 7919) % 256)), /invalid type: string/],
  'lists within lists': [`sources: ${'['.repeat(20_000)}`, /t\.yaml:1:/],
  'maps within maps': [`sources: ${'{a: '.repeat(20_000)}`, /t\.yaml:1:/],
  'anchors that multiply': [
    `a: &a [${'x,'.repeat(9)}]\n${['b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key, i) => `${key}: &${key} [${`*${'abcdefg'[i]},`.repeat(9)}]`).join('\n')}`,
    /alias/,
  ],
  'an anchor in itself': ['sources: &a [*a]\n', /expected a map with one key/],
  'the name of a prototype': [
    topology('127.0.0.1:1', '127.0.0.1:1', '      __proto__: { connection_limit: 1 }\n'),
    /unknown field `__proto__`/,
  ],
}

for (const [name, [text, said, file]] of Object.entries(WRONG_FILES)) {
  test(`a file that is no topology is refused in short: ${name}`, { timeout: 30_000 }, async (context) => {
    const [code, output] = await check(context, text, file)
    assert.equal(code, 1)
    assert.match(output, said)
    assert.ok(output.length < 4000, `${output.length} characters`)
  })
}

test('a time-out longer than the timers of the system is a long one', async () => {
  await using redis = await startRedis()
  await using proxy = await startProxy({
    topology: (listen) => topology(listen, redis.address, '', 99_999_999_999),
    args: ['--drain-deadline-seconds', '99999999'],
  })
  const client = await RawClient.open(proxy.port)
  assert.equal(await ask(client, 'PING'), '+PONG\r\n')
  redis.pause()
  client.write(words('PING'))
  // Whose QUIT is answered came later: the request before it is on its way.
  assert.equal(await askOnce(proxy.port, 'QUIT'), '+OK\r\n')
  proxy.signal('SIGTERM')
  await proxy.logged(({ message }) => message === 'received SIGTERM')
  await assert.rejects(proxy.logged(({ message }) => /cut off/.test(message), 500))
  redis.resume()
  assert.equal(await proxy.ended, 0)
  assert.deepEqual(
    client.replies.map(({ bytes }) => bytes.toString()),
    ['+PONG\r\n', '+PONG\r\n'],
  )
})

test(
  'a client that vanishes without a word does not stay for ever',
  { skip: process.platform !== 'linux' },
  async () => {
    await using redis = await startRedis()
    await using proxy = await startProxy({ upstream: redis.address })
    const client = await RawClient.open(proxy.port)
    await ask(client, 'PING')
    // /proc/net/tcp: local and remote address, state (1: established), queues, timer (2: keep-alive).
    const port = (number: number) => number.toString(16).toUpperCase().padStart(4, '0')
    const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n').map((row) => row.trim().split(/\s+/))
    const established = rows.filter((row) => row[3] === '01')
    const own = established.filter(
      (row) => row[1]!.endsWith(`:${port(proxy.port)}`) && row[2]!.endsWith(`:${port(client.socket.localPort!)}`),
    )
    const upstream = established.filter((row) => row[2]!.endsWith(`:${port(redis.port)}`))
    assert.equal(own.length, 1)
    assert.ok(upstream.length > 0)
    for (const row of [...own, ...upstream]) assert.match(row[5]!, /^02:/)
  },
)

const OUTPUTS: Record<string, string> = {
  'whose reader leaves': '"$@" | head -n 1',
  'whose reader does not read': '"$@" | sleep 60',
  'on a full disk': '"$@" > /dev/full',
  'that is closed': '"$@" >&- 2>&-',
}

for (const [name, script] of Object.entries(OUTPUTS)) {
  test(`clients do not notice a standard output ${name}`, { timeout: 30_000 }, async (context) => {
    await using redis = await startRedis()
    const folder = folderOf(context)
    const port = drawPort()
    const pidFile = join(folder, 'pid')
    writeFileSync(join(folder, 't.yaml'), topology(`127.0.0.1:${port}`, redis.address))
    writeFileSync(join(folder, 'c.yaml'), 'main_log_level: debug\n')
    const command = ['sh', '-c', `echo $$ > ${pidFile}; exec ${SHOTOVER} "$@"`, 'sh']
    const flags = ['-t', join(folder, 't.yaml'), '-c', join(folder, 'c.yaml'), '--core-threads', '1']
    const child = spawn('sh', ['-c', script, 'sh', ...command, ...flags], { stdio: 'ignore', detached: true })
    context.after(() => process.kill(-child.pid!, 'SIGKILL'))
    await until(
      () =>
        askOnce(port, 'PING').then(
          (reply) => reply === '+PONG\r\n',
          () => false,
        ),
      'it serves',
    )
    for (let i = 0; i < 300; i++) {
      // Each leaves lines in the log, more than a pipe takes.
      const socket = await openSocket(port)
      socket.end('*1\r\n*1\r\n')
      await once(socket.resume(), 'close')
    }
    assert.equal(await askOnce(port, 'PING'), '+PONG\r\n')
  })
}
