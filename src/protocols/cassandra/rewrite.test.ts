import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressedRequest, int, metadata, query } from '../../../test/cassandra.ts'
import type { Frame } from '../../core/frame.ts'
import { bodyOf, encodeBody, plain } from './body/body.ts'
import { NO_PARAMETERS, type Parameters, type Request } from './body/requests.ts'
import type { Result } from './body/results.ts'
import { COMPRESSION_LZ4, COMPRESSION_SNAPPY } from './compression.ts'
import { renameKeyspace } from './cql/edits.ts'
import { frameAt } from './envelope.ts'
import { cassandra } from './index.ts'
import { editStatements, mapRows, withMetadata, type EditStatement } from './rewrite.ts'

const rename =
  (from: string, to: string): EditStatement =>
  (statement) =>
    statement.type === 'unparsed' ? [] : renameKeyspace(statement, from, to)

const PARAMETERS: Parameters = { ...NO_PARAMETERS, pageSize: 100 }
const frameOf = (version: number, message: Request | Result) => encodeBody(plain(version, message), 5)

for (const version of [3, 4, 5]) {
  const queryOf = (text: string) => frameOf(version, { type: 'query', text, parameters: PARAMETERS })
  const batchOf = (...texts: (string | Buffer)[]) => {
    const statements = texts.map((statement) => ({ statement, values: [int(1)] }))
    return frameOf(version, { type: 'batch', kind: 0, statements, parameters: { ...PARAMETERS, pageSize: null } })
  }
  const rows: [string, Frame, Frame][] = [
    ['a QUERY', queryOf('SELECT * FROM a.t'), queryOf('SELECT * FROM longer.t')],
    [
      'a PREPARE',
      frameOf(version, { type: 'prepare', text: 'UPDATE a.t SET v = ? WHERE k = ?', keyspace: null }),
      frameOf(version, { type: 'prepare', text: 'UPDATE longer.t SET v = ? WHERE k = ?', keyspace: null }),
    ],
    [
      'a BATCH',
      batchOf('INSERT INTO a.t (k) VALUES (?)', Buffer.from('prepared'), 'DELETE FROM b.t WHERE k = ?'),
      batchOf('INSERT INTO longer.t (k) VALUES (?)', Buffer.from('prepared'), 'DELETE FROM b.t WHERE k = ?'),
    ],
    ['what names another', queryOf('SELECT * FROM b.t'), queryOf('SELECT * FROM b.t')],
    ['what is no CQL', queryOf('FETCH a.t'), queryOf('FETCH a.t')],
  ]
  for (const [what, before, after] of rows) {
    test(`statements are edited where they stand: ${what}, version ${version}`, () => {
      const frame = editStatements(before, rename('a', 'longer'))
      assert.deepEqual(frame.toBuffer(), after.toBuffer())
      assert.deepEqual(bodyOf(frame), bodyOf(after))
    })
  }
}

test('what is edited twice has both edits, whatever was compressed', () => {
  const text = (keyspace: string) =>
    query(4, `SELECT v FROM ${keyspace}.t WHERE k = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'`, 9)
  for (const compression of [0, COMPRESSION_LZ4, COMPRESSION_SNAPPY]) {
    const request = compression === 0 ? text('a') : compressedRequest(text('a'), compression)
    const once = editStatements(request, rename('a', 'bbb'))
    const twice = editStatements(once, rename('bbb', 'c'))
    assert.deepEqual(twice.toBuffer(), text('c').toBuffer())
    assert.equal(cassandra.queries!.name(twice), 'SELECT')
  }
})

test('an EXECUTE asks for the names of its columns', () => {
  for (const version of [4, 5]) {
    const execute = (skipsMetadata: boolean) =>
      frameOf(version, {
        type: 'execute',
        id: Buffer.from('id'),
        metadataId: version === 5 ? Buffer.from('meta') : null,
        parameters: { ...PARAMETERS, values: [int(1)], skipsMetadata },
      })
    assert.deepEqual(withMetadata(execute(true)).toBuffer(), execute(false).toBuffer())
    const asIs = execute(false)
    assert.equal(withMetadata(asIs), asIs)
  }
})

const found = (...values: Buffer[]): Result => ({
  type: 'rows',
  metadata: metadata('ks.t', 'n int', 'v text'),
  rows: values.map((value) => [int(7), value]),
})

test('values become what a function makes of them, and the others are not looked at', () => {
  const reply = frameOf(4, found(Buffer.from('a'), Buffer.from('b')))
  const upper = mapRows(reply, ({ name }) => (name === 'v' ? (value) => (value as string).toUpperCase() : null))
  assert.deepEqual(upper.toBuffer(), frameOf(4, found(Buffer.from('A'), Buffer.from('B'))).toBuffer())
  assert.equal(upper.stream, 5)
  assert.equal(
    mapRows(reply, () => null),
    reply,
  )
  const bare = found(Buffer.from('a')) as Extract<Result, { type: 'rows' }>
  const without = frameOf(4, { ...bare, metadata: { ...bare.metadata, columns: null } })
  assert.throws(() => mapRows(without, () => null), /do not say which columns/)
  const ready = frameAt(Buffer.from([0x84, 0, 0, 5, 2, 0, 0, 0, 0]), 0, 9, false)
  assert.equal(
    mapRows(ready, () => String),
    ready,
  )
})
