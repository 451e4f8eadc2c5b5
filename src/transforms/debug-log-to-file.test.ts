import assert from 'node:assert/strict'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { conformance } from '../../test/conformance.ts'
import { play } from '../../test/kit.ts'
import type { TransformKind } from '../core/kind.ts'
import { debugLogToFile } from './debug-log-to-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'shotover-log-'))
after(() => rmSync(folder, { recursive: true }))

/** As if it ran in a directory of its own. */
const kind: TransformKind = {
  ...(debugLogToFile as TransformKind),
  create(options, env) {
    const before = process.cwd()
    process.chdir(folder)
    try {
      return debugLogToFile.create(options as Record<string, never>, env)
    } finally {
      process.chdir(before)
    }
  },
}

function files(): Record<string, string> {
  const paths = globSync('message-log/*/*/*', { cwd: folder }).toSorted()
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(folder, path), 'latin1')]))
}

test('each message is a file of its own, by connection, direction and number, large ones and pushes too', async () => {
  const p = play(kind, {}, { limits: { cutThroughBytes: 64 } })
  const other = p.connect()
  const large = 'x'.repeat(1000)
  await p.send(['SET', 'a', large], ['GET', 'a'])
  p.expectForwarded(['SET', 'a', large], ['GET', 'a'])
  await p.answer('+OK\r\n', `$1000\r\n${large}\r\n`)
  await p.push('>1\r\n+x\r\n')
  p.expectReplied('+OK\r\n', `$1000\r\n${large}\r\n`, '>1\r\n+x\r\n')
  await other.send(['PING'])
  assert.deepEqual(files(), {
    'message-log/1/requests/message1.bin': `*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000\r\n${large}\r\n`,
    'message-log/1/requests/message2.bin': '*2\r\n$3\r\nGET\r\n$1\r\na\r\n',
    'message-log/1/responses/message1.bin': '+OK\r\n',
    'message-log/1/responses/message2.bin': `$1000\r\n${large}\r\n`,
    'message-log/1/responses/message3.bin': '>1\r\n+x\r\n',
    'message-log/2/requests/message1.bin': '*1\r\n$4\r\nPING\r\n',
  })
  assert.deepEqual(p.logged.at(-1), 'info: Logged message to "message-log/2/requests/message1.bin"')
})

test('what another run left is gone at the start, and only then', () => {
  mkdirSync(join(folder, 'message-log/7/requests'), { recursive: true })
  play(kind, {})
  assert.ok(!existsSync(join(folder, 'message-log')))
  const shared = new SharedArrayBuffer(debugLogToFile.sharedBytes!({}))
  const env = { log: { info() {} }, shared } as unknown as Parameters<TransformKind['create']>[1]
  kind.create({}, env)
  mkdirSync(join(folder, 'message-log/1'), { recursive: true })
  kind.create({}, env)
  assert.ok(existsSync(join(folder, 'message-log/1')), 'another thread has begun')
})

test('what can not be written is logged, and passes', async () => {
  const p = play(kind, {})
  writeFileSync(join(folder, 'message-log'), 'no folder')
  await p.send(['PING'])
  p.expectForwarded(['PING'])
  assert.match(p.logged[0]!, /^error: Failed to log message to "message-log\/1\/requests\/message1.bin" \{"error":"E/)
  rmSync(join(folder, 'message-log'))
})

conformance(kind, {})
