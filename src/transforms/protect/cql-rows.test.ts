import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadata } from '../../../test/cassandra.ts'
import { between, refused, Talk, values } from '../../../test/cql-talk.ts'
import type { Response } from '../../protocols/cassandra/body/responses.ts'
import * as opcodes from '../../protocols/cassandra/opcodes.ts'

test('rows of what was prepared are decrypted by the columns that its preparing told of', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("INSERT INTO ks.t (k, s) VALUES (1, 'secret')")
  const stored = Buffer.from(between(text, "'", "'"))
  await talk.answer({ type: 'void' })
  await talk.prepare('SELECT * FROM ks.t', 'id', metadata('ks.t', 'k int', 's text'))
  for (const columns of [null, metadata('ks.t', 'k int', 's text').columns]) {
    await talk.execute('id', null)
    const described = { ...metadata('ks.t', 'k int', 's text'), columns }
    const reply = await talk.answer({ type: 'rows', metadata: described, rows: [[Buffer.from('1'), stored]] })
    assert.ok(reply.type === 'rows')
    assert.deepEqual(reply.rows, [values('1', 'secret')])
  }
  await talk.execute('id', null)
  const changed = { ...metadata('ks.t', 'k int', 's text', 'v text'), columns: null }
  refused(
    await talk.answer({ type: 'rows', metadata: changed, rows: [] }),
    opcodes.ERROR_SERVER,
    /prepare the statement/,
  )
})

test('columns are told by their selectors: aliases may be any name', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("INSERT INTO ks.t (k, s) VALUES (1, 'secret')")
  const stored = Buffer.from(between(text, "'", "'"))
  await talk.answer({ type: 'void' })
  const row = [stored, Buffer.from('plain')]
  assert.deepEqual(await talk.select('SELECT s AS v, v AS s FROM ks.t', ['v text', 's text'], row), ['secret', 'plain'])
  refused((await talk.select('SELECT v, s FROM ks.t', ['v text', 's text'], row)) as Response, opcodes.ERROR_SERVER, /ks\.t\.s holds a value that is not encrypted/) // prettier-ignore
})

test('a conditional write tells what stands there decrypted', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("UPDATE ks.t SET v = 'a' WHERE k = 1 IF d = 'secret'")
  const stored = Buffer.from(between(text, "IF d = '", "'"))
  const described = metadata('ks.t', '[applied] boolean', 'd ascii')
  const reply = await talk.answer({ type: 'rows', metadata: described, rows: [[Buffer.from([0]), stored]] })
  assert.ok(reply.type === 'rows')
  assert.equal(String(reply.rows[0]![1]), 'secret')
})

const UNREADABLE: readonly [what: string, change: (sealed: Buffer) => Buffer, why: RegExp][] = [
  ['is not encrypted', () => Buffer.from('hush'), /not encrypted/],
  ['was changed', (sealed) => Buffer.from(`${sealed.toString().slice(0, -8)}AAAAAAA=`), /changed since/],
  ['is of a later version', (sealed) => Buffer.concat([sealed.subarray(0, 6), Buffer.from([7]), sealed.subarray(7)]), /later version/], // prettier-ignore
  ['has a key of another name', (sealed) => Buffer.from(Buffer.from(String(sealed), 'base64').toString('latin1').replace('kek', 'kex'), 'latin1'), /no key of the name "kex"/], // prettier-ignore
]
for (const [what, change, why] of UNREADABLE)
  test(`a value that ${what} is an error that tells no value`, async () => {
    const talk = Talk.open()
    const { text } = await talk.query("INSERT INTO ks.t (k, s) VALUES (1, 'hush')")
    const text64 = between(text, "'", "'")
    await talk.answer({ type: 'void' })
    const stored = what === 'is of a later version' ? Buffer.from(text64, 'base64') : Buffer.from(text64)
    const reply = (await talk.select('SELECT s FROM ks.t', ['s text'], [change(stored)])) as Response
    refused(reply, opcodes.ERROR_SERVER, why)
    assert.ok(!JSON.stringify([reply, talk.play.logged]).includes('hush'))
  })

test('a value of one column is none of another', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("INSERT INTO ks.t (k, s) VALUES (1, 'a')")
  const stored = Buffer.from(between(text, "'", "'"), 'base64')
  await talk.answer({ type: 'void' })
  const reply = (await talk.select('SELECT b FROM ks.t', ['b blob'], [stored])) as Response
  refused(reply, opcodes.ERROR_SERVER, /ks\.t\.b holds a value that was encrypted for another place/)
})

test('values in the clear pass where that is chosen, while rows are being encrypted', async () => {
  const talk = Talk.open({ unprotected_values: 'pass' })
  assert.deepEqual(await talk.select('SELECT s FROM ks.t', ['s text'], [Buffer.from('plain')]), ['plain'])
})

test('keys may be exchanged: what older ones have sealed is read', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("INSERT INTO ks.t (k, s) VALUES (1, 'secret')")
  const stored = Buffer.from(between(text, "'", "'"))
  const other = Talk.open({ key_manager: { Local: { kek: Buffer.alloc(32, 1).toString('base64'), kek_id: 'kek' } } })
  refused((await other.select('SELECT s FROM ks.t', ['s text'], [stored])) as Response, opcodes.ERROR_SERVER, /not wrapped by the key "kek"/) // prettier-ignore
  const same = Talk.open()
  assert.deepEqual(await same.select('SELECT s FROM ks.t', ['s text'], [stored]), ['secret'])
})
