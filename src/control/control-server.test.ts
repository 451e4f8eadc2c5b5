import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Control, Log } from '../core/kind.ts'
import { openControl } from './control-server.ts'

const asked: string[] = []

const echo: Control = {
  port: 0,
  listener: 'EchoListener',
  answer(method, path, body, log) {
    asked.push(`${method} ${path} ${body}`)
    if (path === '/broken') throw new Error('thrown on purpose')
    log.info('asked')
    return { status: 200, body: `${method} ${path} ${body}` }
  },
}

async function open(t: TestContext, control: Control = echo) {
  const logged: string[] = []
  const note = (level: string) => (message: string) => void logged.push(`${level}: ${message}`)
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const opened = await openControl(control, log)
  t.after(() => opened.close())
  return { opened, logged, url: `http://127.0.0.1:${opened.port}` }
}

test('what is asked is answered, without the query of its address', async (t) => {
  const { url, logged } = await open(t)
  const response = await fetch(`${url}/path?x=1`, { method: 'PUT', body: 'word' })
  assert.deepEqual([response.status, await response.text()], [200, 'PUT /path word'])
  assert.match(response.headers.get('content-type')!, /^text\/plain/)
  assert.deepEqual(logged, ['info: asked'])
})

test('who says too much is not heard', async (t) => {
  const { url } = await open(t)
  const before = asked.length
  const status = await fetch(url, { method: 'PUT', body: 'x'.repeat(100_000) }).then(
    (response) => response.status,
    () => 413,
  )
  assert.equal(status, 413)
  assert.equal(asked.length, before)
})

test('an answer that fails is an error of the server, and the next one is given', async (t) => {
  const { url, logged } = await open(t)
  assert.equal((await fetch(`${url}/broken`)).status, 500)
  assert.deepEqual(logged, ['error: an answer of EchoListener failed'])
  assert.equal((await fetch(url)).status, 200)
})

test('a port that is taken is logged, and nothing else', async (t) => {
  const { opened } = await open(t)
  const second = await open(t, { ...echo, port: opened.port! })
  assert.equal(second.opened.port, null)
  assert.deepEqual(second.logged, [`error: Error in EchoListener: Failed to bind to 127.0.0.1:${opened.port}`])
})
