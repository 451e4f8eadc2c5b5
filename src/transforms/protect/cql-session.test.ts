import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadata } from '../../../test/cassandra.ts'
import {
  between,
  bytesOf,
  frameOf,
  refused,
  SCHEMA,
  SEALED_TEXT,
  Talk,
  values,
  type Values,
} from '../../../test/cql-talk.ts'
import { Exchange, type Owner } from '../../core/exchange.ts'
import type { Link } from '../../core/transform.ts'
import { bodyOf } from '../../protocols/cassandra/body/body.ts'
import { NO_PARAMETERS, UNSET, type BoundValue, type Request } from '../../protocols/cassandra/body/requests.ts'
import type { Response } from '../../protocols/cassandra/body/responses.ts'
import { Writer } from '../../protocols/cassandra/body/writer.ts'
import * as opcodes from '../../protocols/cassandra/opcodes.ts'
import { PreparedPlans } from './cql-prepared.ts'
import { CqlSession, type CqlProtection } from './cql-session.ts'
import { ProtectedTables } from './protected-tables.ts'

test('a literal of a text leaves as Base64, one of a blob as a blob; both come back as they were', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("INSERT INTO ks.t (k, s, b, v) VALUES (1, 'it''s', 0xCAFE, 'plain')")
  const s = between(text, "(1, '", "'")
  const b = between(text, '0x', ',')
  assert.match(s, SEALED_TEXT)
  assert.match(b, /^4873933d5d35/)
  assert.ok(text.endsWith(", 'plain')"))
  await talk.answer({ type: 'void' })
  const row = [Buffer.from(s), Buffer.from(b, 'hex'), null, Buffer.from('plain')]
  const columns = ['s text', 'b blob', 'b blob', 'v text']
  assert.deepEqual(await talk.select('SELECT s, b, b, v FROM ks.t', columns, row), [
    "it's",
    '\ufffd\ufffd',
    null,
    'plain',
  ])
  assert.equal(talk.play.faults, 0)
})

test('a string for a blob is its bytes, as it was in Shotover', async () => {
  const talk = Talk.open()
  const { text } = await talk.query("UPDATE ks.t SET b = 'жук' WHERE k = 1")
  await talk.answer({ type: 'void' })
  const stored = Buffer.from(between(text, '0x', ' '), 'hex')
  assert.deepEqual(await talk.select('SELECT b FROM ks.t', ['b blob'], [stored]), ['жук'])
})

const WAYS: readonly [name: string, text: string, values: Values][] = [
  ['positional', 'INSERT INTO ks.t (k, s, v) VALUES (?, ?, ?)', values('1', 'secret', 'plain')],
  ['named', 'INSERT INTO ks.t (k, s, v) VALUES (:k, :s, :v)', new Map([['k', Buffer.from('1')], ['s', Buffer.from('secret')], ['v', Buffer.from('plain')]])], // prettier-ignore
  ['named by columns', 'INSERT INTO ks.t (k, s, v) VALUES (?, ?, ?)', new Map([['k', Buffer.from('1')], ['s', Buffer.from('secret')], ['v', Buffer.from('plain')]])], // prettier-ignore
]
const given = (sent: Values) => (sent instanceof Map ? [...sent.values()] : (sent as BoundValue[])).map((value) => (Buffer.isBuffer(value) ? value : Buffer.alloc(0))) // prettier-ignore

for (const [name, text, bound] of WAYS) {
  for (const version of [3, 4, 5])
    test(`values bound to a QUERY are encrypted: ${name}, version ${version}`, async () => {
      const talk = new Talk(Talk.open().play, version)
      const sent = await talk.query(text, bound)
      assert.equal(sent.text, text)
      const [k, s, v] = given(sent.parameters.values)
      assert.deepEqual([String(k), String(v)], ['1', 'plain'])
      assert.match(String(s), SEALED_TEXT)
    })

  test(`values bound to an EXECUTE are encrypted: ${name}`, async () => {
    const talk = Talk.open()
    assert.deepEqual(await talk.prepare(text, 'id'), { type: 'prepare', text, keyspace: null })
    const sent = await talk.execute('id', bound)
    assert.ok(sent.type === 'execute')
    const [k, s, v] = given(sent.parameters.values)
    assert.deepEqual([String(k), String(v)], ['1', 'plain'])
    assert.match(String(s), SEALED_TEXT)
  })
}

test('null and what is left out stay', async () => {
  const sent = await Talk.open().query('INSERT INTO ks.t (k, s, b) VALUES (1, ?, ?)', values(null, UNSET))
  assert.deepEqual(sent.parameters.values, [null, UNSET])
})

test('a BATCH has its texts and its prepared statements encrypted', async () => {
  const talk = Talk.open()
  await talk.prepare('UPDATE ks.t SET s = ? WHERE k = ?', 'id')
  await talk.prepare('UPDATE ks.x SET s = ? WHERE k = ?', 'other')
  const statements = [
    { statement: "INSERT INTO ks.t (k, s) VALUES (?, 'secret')", values: values('1') },
    { statement: Buffer.from('id'), values: values('secret', '1') },
    { statement: Buffer.from('other'), values: values('a', '1') },
    { statement: 'INSERT INTO ks.t (k, b) VALUES (1, ?)', values: values('secret') },
  ]
  const sent = await talk.send({ type: 'batch', kind: 0, statements, parameters: NO_PARAMETERS })
  assert.ok(sent.type === 'batch')
  assert.match(between(sent.statements[0]!.statement as string, "'", "'"), SEALED_TEXT)
  assert.deepEqual(sent.statements[0]!.values, values('1'))
  const [s, k] = given(sent.statements[1]!.values)
  assert.match(String(s), SEALED_TEXT)
  assert.equal(String(k), '1')
  assert.deepEqual(sent.statements[2], statements[2])
  assert.match(given(sent.statements[3]!.values)[0]!.toString('hex'), /^4873933d5d35/)
})

test('searchable values are the same whenever they are given, in texts and bound, one by one and in lists', async () => {
  const talk = Talk.open()
  const first = between((await talk.query("SELECT v FROM ks.t WHERE d = 'a'")).text, "'", "'")
  await talk.answer({ type: 'void' })
  assert.match(first, SEALED_TEXT)
  assert.ok((await talk.query("SELECT v FROM ks.t WHERE d IN ('a', 'b')")).text.includes(`('${first}', 'SHOT`))
  await talk.answer({ type: 'void' })
  const bound = await talk.query('SELECT v FROM ks.t WHERE d = ?', values('a'))
  assert.deepEqual(bound.parameters.values, values(first))
  await talk.answer({ type: 'void' })
  const writer = new Writer().int(2).value(Buffer.from('a')).value(null)
  const list = await talk.query('SELECT v FROM ks.t WHERE d IN ?', [writer.bytes])
  const expected = new Writer().int(2).value(Buffer.from(first)).value(null)
  assert.deepEqual(list.parameters.values, [expected.bytes])
  // Another thread, and another day.
  const again = await Talk.open({}, {}).query("INSERT INTO ks.t (k, d) VALUES (1, 'a')")
  assert.ok(again.text.includes(`'${first}'`))
})

test('a statement that is prepared may have literals of searchable columns, and no others', async () => {
  const talk = Talk.open()
  const one = await talk.prepare("SELECT v FROM ks.t WHERE d = 'a' AND k = ?", 'id')
  const two = await talk.prepare("SELECT v FROM ks.t WHERE d = 'a' AND k = ?", 'id')
  assert.deepEqual(one, two)
  assert.ok(one.type === 'prepare' && SEALED_TEXT.test(between(one.text, "'", "'")))
  const refusal = await talk.prepare("INSERT INTO ks.t (k, s) VALUES (?, 'a')", 'id')
  refused(refusal, opcodes.ERROR_INVALID, /ks\.t\.s .*must be a bound value/)
})

test('what was prepared elsewhere has to be prepared again, in batches too', async () => {
  const talk = Talk.open()
  for (const message of [
    { type: 'execute', id: Buffer.from('id'), metadataId: null, parameters: NO_PARAMETERS },
    { type: 'batch', kind: 0, statements: [{ statement: Buffer.from('id'), values: [] }], parameters: NO_PARAMETERS },
  ] as const) {
    const reply = await talk.send(message)
    refused(reply, opcodes.ERROR_UNPREPARED, /prepare it again/)
    assert.ok(reply.type === 'error' && reply.rest.equals(Buffer.from('\0\x02id')))
  }
})

const SCHEMAS: readonly [text: string, schema: readonly string[], why: RegExp][] = [
  ["INSERT INTO ks.t (k, i) VALUES (1, 'a')", SCHEMA, /ks\.t\.i .*can't be of the type int/],
  ['INSERT INTO ks.t (k, i) VALUES (1, ?)', SCHEMA, /can't be of the type int/],
  ["INSERT INTO ks.t (k, c) VALUES (1, 'a')", SCHEMA, /ks\.t\.c .*part of the primary key/],
  ["INSERT INTO ks.t (k, s) VALUES (1, 'a')", ['k partition_key int'], /Undefined column name s/],
  ["INSERT INTO ks.t (k, s) VALUES (1, 'a')", [], /unconfigured table t/],
  ['INSERT INTO ks.t (k, s) VALUES (1, 0xCAFE)', SCHEMA, /ks\.t\.s is a text/],
  ['INSERT INTO ks.t (k, b) VALUES (1, 0xCAF)', SCHEMA, /could not be parsed|whole number/],
]
for (const [text, schema, why] of SCHEMAS)
  test(`${text} is refused where the schema is [${schema.join()}]`, async () => {
    const talk = Talk.open()
    talk.schema = schema
    const message: Request = { type: 'query', text, parameters: { ...NO_PARAMETERS, values: values('a') } }
    refused(await talk.send(message), opcodes.ERROR_INVALID, why)
    if (text.includes('?')) refused(await talk.prepare(text, 'id'), opcodes.ERROR_INVALID, why)
  })

test('the schema is asked for once, and again when it may have changed', async () => {
  const talk = Talk.open()
  const insert = async () => {
    await talk.query("INSERT INTO ks.t (k, s) VALUES (1, 'a')")
    await talk.answer({ type: 'void' })
  }
  await insert()
  await insert()
  assert.equal(talk.schemaAsked, 1)
  await talk.query('ALTER TABLE ks.x ADD y int')
  await talk.answer({ type: 'schema-change', change: 'UPDATED', target: 'TABLE', keyspace: 'ks', name: 'x', argumentTypes: null }) // prettier-ignore
  await insert()
  assert.equal(talk.schemaAsked, 2)
  await talk.play.advance(60_001)
  await insert()
  assert.equal(talk.schemaAsked, 3)
})

test('a table without a keyspace is of the one that was chosen; while one is being chosen, of none that is known', () => {
  const tables = new ProtectedTables({ ks: { t: ['s'] } }, {})
  const shared = { tables, prepared: new PreparedPlans(), refused: () => {} } as unknown as CqlProtection
  const session = new CqlSession(shared, null)
  const link = { forward: () => {}, reply: () => {} } as unknown as Link
  const owner = {} as Owner
  const ask = (text: string) => {
    const exchange = new Exchange(
      frameOf(bytesOf({ type: 'query', text, parameters: NO_PARAMETERS }), 'server'),
      owner,
      0,
      0,
    )
    void session.onRequests([exchange], link)
    return exchange
  }
  const answer = (exchange: Exchange, message: Response) => {
    exchange.response = frameOf(bytesOf(message), 'client')
    void session.onResponses([exchange], link)
  }
  const selects = () => ask('SELECT writetime(s) AS s, max(v) FROM t WHERE s = 1').response
  assert.equal(selects(), null)
  const use = ask('use Ks;')
  refused(bodyOf(selects()!).message as Response, opcodes.ERROR_INVALID, /in which keyspace the table t is/)
  answer(use, { type: 'set-keyspace', keyspace: 'ks' })
  assert.equal(session.keyspace, 'ks')
  refused(bodyOf(selects()!).message as Response, opcodes.ERROR_INVALID, /ks\.t\.s is protected/)
  answer(ask('USE nowhere'), { type: 'error', code: opcodes.ERROR_INVALID, message: 'no', rest: Buffer.alloc(0) })
  assert.equal(session.keyspace, 'ks')
  session.onCancel(ask('USE other'))
  assert.equal(session.keyspace, 'ks')
})

test('the keyspace of a statement of version 5 is its own', async () => {
  const talk = new Talk(Talk.open().play, 5)
  const { text } = await talk.query("INSERT INTO t (k, s) VALUES (1, 'a')", null, { keyspace: 'ks' })
  assert.match(between(text, "'", "'"), SEALED_TEXT)
})

test('what can not be read as a request goes no further', async () => {
  const talk = Talk.open()
  const bytes = bytesOf({ type: 'query', text: 'SELECT', parameters: NO_PARAMETERS }, 7)
  bytes.writeInt32BE(10_000, 9)
  await talk.play.send(bytes)
  assert.deepEqual(talk.play.takeForwarded(), [])
  refused(talk.reply(), opcodes.ERROR_PROTOCOL, /ends before/)
})

test('named values that are used for something else as well are refused', async () => {
  const send = (text: string) => Talk.open().send({ type: 'query', text, parameters: { ...NO_PARAMETERS, values: new Map([['a', Buffer.from('1')]]) } }) // prettier-ignore
  refused(
    await send('INSERT INTO ks.t (k, s, v) VALUES (1, :a, :a)'),
    opcodes.ERROR_INVALID,
    /"a" is used for ks\.t\.s/,
  )
  refused(await send('INSERT INTO ks.t (k, s, b) VALUES (1, :a, :a)'), opcodes.ERROR_INVALID, /give it two names/)
  const batch = 'BEGIN BATCH INSERT INTO ks.t (k, s) VALUES (1, ?); INSERT INTO ks.x (k, s) VALUES (1, ?); APPLY BATCH'
  refused(await send(batch), opcodes.ERROR_INVALID, /give its markers names/)
  refused(await send('INSERT INTO ks.t (k, s) VALUES (1, :b)'), opcodes.ERROR_INVALID, /no value of the name "b"/)
})

test('large statements and rows are encrypted and decrypted whole', async () => {
  const talk = Talk.open({}, { cutThroughBytes: 256, frameBytesMax: 100_000 })
  const secret = 'secret'.repeat(1000)
  const { text } = await talk.query(`INSERT INTO ks.t (k, s) VALUES (1, '${secret}')`)
  const stored = Buffer.from(between(text, "'", "'"))
  await talk.answer({ type: 'void' })
  assert.deepEqual(await talk.select('SELECT s FROM ks.t', ['s text'], [stored]), [secret])
})

test('requests behind one that waits for the schema wait too, and all leave', async () => {
  const talk = Talk.open()
  const insert = "INSERT INTO ks.t (k, s) VALUES (1, 'a')"
  const batch = [1, 2, 3].map((stream) => bytesOf({ type: 'query', text: insert, parameters: NO_PARAMETERS }, stream))
  await talk.play.send(...batch)
  assert.equal(talk.play.open.length, 1)
  await talk.play.send(bytesOf({ type: 'query', text: 'SELECT v FROM x', parameters: NO_PARAMETERS }, 4))
  assert.equal(talk.play.open.length, 1)
  await talk.play.answer(bytesOf({ type: 'error', code: opcodes.ERROR_SERVER, message: 'down', rest: Buffer.alloc(0) }))
  refused(talk.reply(), opcodes.ERROR_SERVER, /ks\.t could not be asked for: down/)
  const rows = SCHEMA.map((line) => line.split(' ').map((word) => Buffer.from(word)))
  const described = metadata('system_schema.columns', 'column_name text', 'kind text', 'type text')
  talk.play.takeForwarded()
  await talk.play.answer(bytesOf({ type: 'rows', metadata: described, rows }))
  assert.deepEqual(talk.play.takeForwarded().map(({ bytes }) => frameOf(bytes, 'server').stream), [2, 3, 4]) // prettier-ignore
})
