import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { fetchRedis } from './fetch.ts'
import { startRedis } from './servers.ts'

const exec = promisify(execFile)

test('a server starts on a port of its own, answers and ends', async () => {
  const first = await startRedis()
  await using second = await startRedis()
  assert.notEqual(first.port, second.port)
  assert.ok(first.port < 32_768)
  assert.equal(await first.cli('PING'), 'PONG')
  await first.cli('SET', 'a', '1')
  assert.equal(await second.cli('GET', 'a'), '')
  assert.match(await first.cli('INFO', 'server'), /redis_version:7/)
  const { pid } = first
  await first.stop()
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  assert.equal(first.running, false)
})

test('a killed server cuts its clients and comes back empty on the same port', async () => {
  await using server = await startRedis()
  await server.cli('SET', 'a', '1')
  const client = connect(server.port, server.host)
  await once(client, 'connect')
  const { port, pid } = server
  client.on('error', () => {}) // reset or closed: the kernel decides
  const closed = new Promise((resolve) => client.once('close', resolve))
  await Promise.all([server.kill(), closed])
  await assert.rejects(server.cli('PING'), /Connection refused/)
  await server.restart()
  assert.equal(server.port, port)
  assert.notEqual(server.pid, pid)
  assert.equal(await server.cli('EXISTS', 'a'), '0')
})

test('a paused server is silent until it is resumed', async () => {
  await using server = await startRedis()
  server.pause()
  const reply = server.cli('ECHO', 'late')
  const stopped = await exec('ps', ['-o', 'stat=', '-p', String(server.pid)])
  assert.match(stopped.stdout, /^T/)
  server.resume()
  assert.equal(await reply, 'late')
})

test('a paused server can be stopped', async () => {
  const server = await startRedis()
  server.pause()
  await server.stop()
  assert.equal(server.running, false)
})

test('passwords, users and further arguments reach the server', async () => {
  const users = ['alice on >s3cret ~a* +get +set', 'bob off']
  await using server = await startRedis({ password: 'pass word', users, extraArgs: ['--databases', '3'] })
  assert.equal(await server.cli('PING'), 'PONG')
  assert.equal(await server.cli('AUTH', 'alice', 's3cret'), 'OK')
  assert.match(await server.cli('ACL', 'LIST'), /user bob off/)
  assert.match(await server.cli('CONFIG', 'GET', 'databases'), /3/)
})

test('a port that is taken is told where it was asked for, and drawn anew where it was not', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  await assert.rejects(startRedis({ port }), /Address already in use/)
  other.close()
  await using server = await startRedis({ port })
  assert.equal(server.port, port)
})

test('a server ends with the process that started it, however that ends', async () => {
  const script = `const { startRedis } = await import(${JSON.stringify(join(import.meta.dirname, 'servers.ts'))})
    process.send((await startRedis()).pid)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [pid] = (await once(child, 'message')) as [number]
  child.kill('SIGKILL')
  await once(child, 'close')
  // Reparented, it may be a zombie for a moment that nobody reaps; it runs no more, which is what counts.
  const state = async () =>
    (await exec('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }))).stdout.trim()
  let seen = await state()
  for (let tries = 0; tries < 1000 && seen !== '' && !seen.startsWith('Z'); tries++) seen = await state()
  assert.match(seen, /^(|Z.*)$/)
})

test('redis-benchmark comes with the server', async () => {
  await using server = await startRedis()
  const { benchmark, env } = await fetchRedis()
  const { stdout } = await exec(benchmark, ['-p', String(server.port), '-n', '100', '-t', 'get', '-q'], { env })
  assert.match(stdout, /GET: .*requests per second/)
})
