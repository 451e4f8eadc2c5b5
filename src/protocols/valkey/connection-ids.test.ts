import assert from 'node:assert/strict'
import test from 'node:test'
import type { SessionInfo } from '../../core/transform.ts'
import { CLIENT_ID_FIRST, ConnectionIds } from './connection-ids.ts'
import { encodeRequest } from './encode.ts'

const session = (source: string, id: number) => ({ source, id }) as SessionInfo

test('clients are told ids that no server has, and different ones', () => {
  const ids = new ConnectionIds()
  const told = [session('a', 1), session('a', 2), session('b', 1)].map((one) => ids.idFor(one))
  assert.ok(told.every((id) => id >= CLIENT_ID_FIRST && Number.isSafeInteger(id)))
  assert.equal(new Set(told).size, 3)
})

const known = new ConnectionIds().idFor(session('a', 7))
const unknown = known + 1

for (const [name, words, wanted] of [
  ['UNBLOCK', ['CLIENT', 'UNBLOCK', `${known}`, 'ERROR'], ['CLIENT', 'UNBLOCK', '42', 'ERROR']],
  ['KILL by ID', ['CLIENT', 'KILL', 'ID', `${known}`], ['CLIENT', 'KILL', 'ID', '42']],
  [
    'several',
    ['CLIENT', 'LIST', 'ID', `${known}`, '5', `${unknown}`],
    ['CLIENT', 'LIST', 'ID', '42', '5', `${unknown}`],
  ],
  ['REDIRECT', ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', `${known}`], ['CLIENT', 'TRACKING', 'ON', 'REDIRECT', '42']],
  ["a server's own", ['CLIENT', 'KILL', 'ID', '42'], ['CLIENT', 'KILL', 'ID', '42']],
  ['an address', ['CLIENT', 'KILL', '127.0.0.1:50000'], ['CLIENT', 'KILL', '127.0.0.1:50000']],
] as const)
  test(`an id that clients were told is the server's on its way there: ${name}`, () => {
    const ids = new ConnectionIds()
    ids.set(known, 42)
    const request = encodeRequest(words)
    ids.translate(request)
    ids.translate(request)
    assert.equal(request.toBuffer().toString(), encodeRequest(wanted).toBuffer().toString())
  })

test('a session that gave its upstream back is known to the server no more', () => {
  const ids = new ConnectionIds()
  ids.set(known, 42)
  ids.clear(known)
  const request = encodeRequest(['CLIENT', 'UNBLOCK', `${known}`])
  ids.translate(request)
  assert.equal(
    request.toBuffer().toString(),
    encodeRequest(['CLIENT', 'UNBLOCK', `${known}`])
      .toBuffer()
      .toString(),
  )
})
