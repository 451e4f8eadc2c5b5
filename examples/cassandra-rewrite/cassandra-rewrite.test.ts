import { test } from 'node:test'
import { bodyOf, encodeBody, type Column, type Request, type Result } from 'shotover/cassandra'
import { conformance } from 'shotover/conformance'
import { play } from 'shotover/kit'
import { CASSANDRA, query } from 'shotover/kit/cassandra'
import maskColumns from './mask-columns.ts'
import renameKeyspace from './rename-keyspace.ts'

const RENAMED = { from: 'app', to: 'app_blue' }
const MASKED = { columns: ['mail'] }
const settings = { protocol: CASSANDRA.protocol }

const bytes = (message: Request | Result, stream: number) =>
  encodeBody({ version: 4, message, tracing: false, warnings: null, payload: null }, stream).toBuffer()

test('statements look into the other keyspace, wherever they name it', async () => {
  const p = play(renameKeyspace, RENAMED, settings)
  await p.send(query(4, 'SELECT * FROM app.users WHERE id = 1', 7).toBuffer())
  p.expectForwarded(query(4, 'SELECT * FROM app_blue.users WHERE id = 1', 7).toBuffer())
  await p.send(query(4, "INSERT INTO other.users (id, v) VALUES (1, 'app.users')", 8).toBuffer())
  p.expectForwarded(query(4, "INSERT INTO other.users (id, v) VALUES (1, 'app.users')", 8).toBuffer())
})

test('a statement that is not understood goes no further', async () => {
  const p = play(renameKeyspace, RENAMED, settings)
  await p.send(query(4, 'FETCH app.users', 7).toBuffer())
  p.expectForwarded()
})

const column = (name: string): Column => ({ keyspace: 'app', table: 'users', name, type: { type: 'text' } })
const rows = (mail: string): Result => ({
  type: 'rows',
  metadata: { isGlobal: true, pagingState: null, newId: null, columns: [column('id'), column('mail')], columnCount: 2 },
  rows: [
    [Buffer.from('1'), Buffer.from(mail)],
    [Buffer.from('2'), null],
  ],
})

test('the column is masked in rows, also in those of what was prepared', async () => {
  const p = play(maskColumns, MASKED, settings)
  const plain = bodyOf(query(4, '', 7)).message as Extract<Request, { type: 'query' }>
  const execute = (skipsMetadata: boolean): Request => ({
    type: 'execute',
    id: Buffer.from('id'),
    metadataId: null,
    parameters: { ...plain.parameters, skipsMetadata },
  })
  await p.send(bytes(execute(true), 7))
  p.expectForwarded(bytes(execute(false), 7))
  // The kit's server has streams of its own.
  await p.answer(bytes(rows('x@example.org'), 0))
  p.expectReplied(bytes(rows('***'), 7))
})

conformance(renameKeyspace, RENAMED, { speech: CASSANDRA })
conformance(maskColumns, MASKED, { speech: CASSANDRA })
