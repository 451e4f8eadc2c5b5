import assert from 'node:assert/strict'
import { test } from 'node:test'
import { int, metadata } from '../../../test/cassandra.ts'
import { encodeBody, plain } from '../../protocols/cassandra/body/body.ts'
import type { Response } from '../../protocols/cassandra/body/responses.ts'
import { HEADER_BYTES } from '../../protocols/cassandra/envelope.ts'
import { decodeEntry, encodeEntry, keepable } from './entry.ts'

const TOKENS = { table: 'a.1', partition: 'b.2' }
const DIGEST = Buffer.alloc(32, 7)
const BODY = Buffer.from('what was answered')

test('an entry is what was kept, for who has its tokens and asks the same', () => {
  const entry = encodeEntry(TOKENS, DIGEST, BODY)
  assert.deepEqual(decodeEntry(entry, TOKENS, DIGEST), BODY)
  assert.equal(decodeEntry(entry, { ...TOKENS, table: 'a.2' }, DIGEST), null)
  assert.equal(decodeEntry(entry, { ...TOKENS, partition: 'b.1' }, DIGEST), null)
  assert.equal(decodeEntry(entry, TOKENS, Buffer.alloc(32, 8)), null)
})

test('nothing that was changed, cut off or made up is an entry', () => {
  const entry = encodeEntry(TOKENS, DIGEST, BODY)
  for (let at = 0; at < entry.length; at++) {
    const changed = Buffer.from(entry)
    changed[at]! ^= 1
    assert.equal(decodeEntry(changed, TOKENS, DIGEST), null, `byte ${at}`)
    assert.equal(decodeEntry(entry.subarray(0, at), TOKENS, DIGEST), null, `${at} bytes`)
  }
})

const ROWS: Response = { type: 'rows', metadata: metadata('ks.t', 'v int'), rows: [[int(1)]] }
const CHANGED: Response = { ...ROWS, metadata: { ...ROWS.metadata, newId: Buffer.from('x') } }

const REPLIES: readonly (readonly [what: string, body: Parameters<typeof encodeBody>[0], isKept: boolean])[] = [
  ['rows', plain(4, ROWS), true],
  ['no rows', plain(4, { ...ROWS, rows: [] }), true],
  ['a page of more', plain(4, { ...ROWS, metadata: { ...ROWS.metadata, pagingState: Buffer.from('x') } }), true],
  ['rows with warnings', { ...plain(4, ROWS), warnings: ['w'] }, false],
  ['rows with a trace', { ...plain(4, ROWS), tracing: Buffer.alloc(16) }, false],
  ['rows with a payload', { ...plain(4, ROWS), payload: new Map([['a', null]]) }, false],
  ['rows of a statement that has changed', plain(5, CHANGED), false],
  ['an error', plain(4, { type: 'error', code: 0, message: '', rest: Buffer.alloc(0) }), false],
  ['nothing', plain(4, { type: 'void' }), false],
  ['rows that are too large', plain(4, { ...ROWS, rows: [[Buffer.alloc(2000)]] }), false],
]
for (const [what, body, isKept] of REPLIES)
  test(`${what}: ${isKept ? 'kept' : 'not kept'}`, () => {
    const reply = encodeBody(body, 3)
    assert.deepEqual(keepable(reply, 1000), isKept ? reply.toBuffer().subarray(HEADER_BYTES) : null)
  })
