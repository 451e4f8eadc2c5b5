import assert from 'node:assert/strict'
import test from 'node:test'
import type { SessionInfo } from '../../core/transform.ts'
import { CLIENT_ID_FIRST, CONNECTION_IDS_BYTES, ConnectionIds } from './connection-ids.ts'
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

function translated(ids: ConnectionIds, id: number): string {
  const request = encodeRequest(['CLIENT', 'KILL', 'ID', `${id}`])
  ids.translate(request)
  return request.toBuffer().toString().split('\r\n').at(-2)!
}

test('threads that share memory know the ids of all, and so does one that comes later', () => {
  const memory = new SharedArrayBuffer(CONNECTION_IDS_BYTES)
  const threads = [new ConnectionIds(memory, 5), new ConnectionIds(memory, 6)] as const
  const id = threads[0].idFor(session('a', 7))
  assert.equal(threads[1].idFor(session('a', 7)), id)
  threads[0].set(id, 2 ** 31 + 9)
  for (const ids of [...threads, new ConnectionIds(memory, 7)]) assert.equal(translated(ids, id), String(2 ** 31 + 9))
  threads[0].set(id, 2 ** 33 + 1)
  assert.equal(translated(threads[1], id), String(2 ** 33 + 1))
  threads[0].clear(id)
  assert.equal(translated(threads[1], id), String(id))
})

test('ids of another process, or of another source, are not taken for its own', () => {
  const [one, other] = [new ConnectionIds(undefined, 1), new ConnectionIds(undefined, 2)]
  const id = one.idFor(session('a', 7))
  assert.notEqual(other.idFor(session('a', 7)), id)
  one.set(id, 42)
  other.set(other.idFor(session('a', 7)), 43)
  assert.equal(translated(other, id), String(id))
  const elsewhere = one.idFor(session('b', 7))
  assert.equal(translated(one, elsewhere), String(elsewhere))
  assert.equal(translated(one, id), '42')
})

test('thousands of sessions have their own, and places are free again', () => {
  const ids = new ConnectionIds()
  const told = Array.from({ length: 16_000 }, (_, number) => ids.idFor(session('a', number + 1)))
  for (let round = 0; round < 3; round++) {
    for (const [at, id] of told.entries()) ids.set(id, at + 1)
    for (const [at, id] of told.entries()) assert.equal(translated(ids, id), String(at + 1))
    for (const id of told) ids.clear(id)
    for (const id of told) assert.equal(translated(ids, id), String(id))
  }
})

test('where there are more than places for them the latest is known', () => {
  const ids = new ConnectionIds()
  for (let number = 1; number <= 100_000; number++) {
    const id = ids.idFor(session('a', number))
    ids.set(id, number)
    assert.equal(translated(ids, id), String(number))
  }
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
