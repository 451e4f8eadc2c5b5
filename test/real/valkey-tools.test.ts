import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { fetchRedis, type RedisPrograms } from './fetch.ts'
import { request } from './lines.ts'
import { startProxy, type Proxy } from './proxy.ts'
import { runCli, startRedis, type RedisServer } from './servers.ts'

// The server's own tools, through the proxy.

const exec = promisify(execFile)
let programs: RedisPrograms
let redis: RedisServer
let proxy: Proxy
before(async () => {
  programs = await fetchRedis()
  redis = await startRedis({ extraArgs: ['--repl-diskless-sync-delay', '0'] })
  proxy = await startProxy({ upstream: redis.address })
})
after(async () => {
  await proxy.kill()
  await redis.stop()
})

const cli = (...args: string[]) => runCli(programs, proxy, args)

test('redis-cli asks, in both versions of the protocol', async () => {
  for (const version of ['-2', '-3']) {
    assert.equal(await cli(version, 'SET', 'k', 'v'), 'OK')
    assert.equal(await cli(version, 'GET', 'k'), 'v')
    assert.equal(await cli(version, '-n', '3', 'SET', 'k', 'three'), 'OK')
    assert.equal(await cli(version, '-n', '3', 'GET', 'k'), 'three')
    assert.equal(await cli(version, 'GET', 'k'), 'v')
    assert.equal(await cli(version, 'HSET', 'h', 'f', 'v'), version === '-2' ? '1' : '0')
    assert.match(await cli(version, 'HGETALL', 'h'), /^f\sv$/)
    assert.match(await cli(version, 'NOPE'), /unknown command/)
  }
})

test('redis-cli runs what it reads line by line, and has repeats, scans and statistics', async () => {
  const lines = ['SELECT 5', 'MULTI', 'SET a 1', 'INCR a', 'EXEC', 'GET a', 'SUBSCRIBE'].join('\n')
  const child = spawn(programs.cli, ['-h', proxy.host, '-p', String(proxy.port)], { env: programs.env })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stdin.end(lines)
  await once(child, 'close')
  assert.match(output, /OK\s+OK\s+QUEUED\s+QUEUED\s+OK\s+2\s+2\s+ERR wrong number/)
  assert.equal(await cli('-r', '3', 'INCR', 'counter'), '1\n2\n3')
  assert.match(await cli('--scan', '--pattern', 'coun*'), /counter/)
  assert.match(await cli('--bigkeys'), /Sampled \d+ keys/)
})

test('redis-cli --pipe writes a hundred thousand keys', async () => {
  const child = spawn(programs.cli, ['-h', proxy.host, '-p', String(proxy.port), '-n', '7', '--pipe'], {
    env: programs.env,
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const all = Array.from({ length: 100_000 }, (_, i) => request(['SET', `pipe:${i}`, `${i}`]))
  child.stdin.end(Buffer.concat(all))
  const [code] = (await once(child, 'close')) as [number]
  assert.match(output, /errors: 0, replies: 100000/)
  assert.equal(code, 0)
  assert.equal(await redis.cli('-n', '7', 'DBSIZE'), '100000')
  assert.equal(await cli('-n', '7', 'FLUSHDB'), 'OK')
})

test('redis-cli --rdb takes a snapshot', async () => {
  await cli('SET', 'in-the-snapshot', 'x')
  const folder = mkdtempSync(join(tmpdir(), 'shotover-rdb-'))
  const file = join(folder, 'dump.rdb')
  await exec(programs.cli, ['-h', proxy.host, '-p', String(proxy.port), '--rdb', file], {
    env: programs.env,
    timeout: 20_000,
  })
  const dump = readFileSync(file, 'latin1')
  rmSync(folder, { recursive: true })
  assert.match(dump, /^REDIS/)
  assert.ok(dump.includes('in-the-snapshot'))
})

test('a replica replicates', async () => {
  await using replica = await startRedis()
  await cli('SET', 'before', '1')
  assert.equal(await replica.cli('REPLICAOF', proxy.host, String(proxy.port)), 'OK')
  const follows = async (key: string, value: string) => {
    for (let tries = 0; tries < 1000 && (await replica.cli('GET', key)) !== value; tries++) await wait(10)
    assert.equal(await replica.cli('GET', key), value)
  }
  await follows('before', '1')
  await cli('SET', 'after', '2')
  await follows('after', '2')
})

test('redis-benchmark runs its whole program', async () => {
  for (const pipeline of ['1', '16']) {
    const { stdout, stderr } = await exec(
      programs.benchmark,
      ['-h', proxy.host, '-p', String(proxy.port), '-n', '2000', '-c', '20', '-P', pipeline, '-q'],
      { env: programs.env, timeout: 60_000 },
    )
    assert.equal(stderr.replaceAll(/WARNING: Could not fetch server CONFIG\n/g, ''), '')
    const names = [...stdout.matchAll(/([A-Z][A-Za-z_ 0-9()]+): \d[\d.]* requests per second/g)].map(([, name]) => name)
    assert.ok(names.length >= 15, stdout)
  }
})

test('nothing of all that was worth a warning', () => {
  assert.deepEqual(proxy.complaints, [])
})
