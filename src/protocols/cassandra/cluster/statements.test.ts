import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metadata } from '../../../../test/cassandra.ts'
import type { Frame } from '../../../core/frame.ts'
import { bodyOf, encodeBody, plain } from '../body/body.ts'
import { NO_PARAMETERS, type Request } from '../body/requests.ts'
import { errorFrame } from '../envelope.ts'
import { ERROR_INVALID } from '../opcodes.ts'
import { prepareFrame, Statements } from './statements.ts'

const PARAMETERS = { ...NO_PARAMETERS, skipsMetadata: true }

function asked(text: string, version = 4, keyspace: string | null = null): Frame {
  return encodeBody(plain(version, { type: 'prepare', text, keyspace }), 0)
}

function told(id: string, version = 4, ...columns: string[]): Frame {
  const bound = metadata('ks.t', 'k int', 'v text')
  return encodeBody(
    plain(version, {
      type: 'prepared',
      id: Buffer.from(id),
      metadataId: version >= 5 ? Buffer.from('m') : null,
      bound,
      keyIndices: [0],
      result: metadata('ks.t', ...columns),
    }),
    0,
  )
}

function execute(id: string, version = 4): Frame {
  const message: Request = {
    type: 'execute',
    id: Buffer.from(id),
    metadataId: Buffer.from('m'),
    parameters: PARAMETERS,
  }
  return encodeBody(plain(version, message), 0)
}

for (const version of [3, 4, 5])
  test(`version ${version}: an EXECUTE is known by what was prepared, and can be prepared again`, () => {
    const statements = new Statements()
    const text = 'INSERT INTO t (k, v) VALUES (?, ?)'
    statements.learn(asked(text, version), told('a', version), 'ks')
    const statement = statements.executed(execute('a', version))!
    assert.equal(statement.text, text)
    assert.equal(statement.keyspace, 'ks')
    assert.deepEqual(statement.keyIndices, version === 3 ? [] : [0])
    assert.deepEqual(statement.markers, metadata('ks.t', 'k int', 'v text').columns)
    assert.equal(statement.system, null)
    const again = bodyOf(prepareFrame(statement, version))
    assert.equal(again.version, version)
    assert.deepEqual(again.message, { type: 'prepare', text, keyspace: version === 5 ? 'ks' : null })
    assert.equal(statements.executed(execute('b', version)), null)
  })

test('the keyspace that a PREPARE names counts, not that of its session', () => {
  const statement = new Statements().learn(asked('SELECT * FROM t', 5, 'other'), told('a', 5), 'ks')
  assert.equal(statement?.keyspace, 'other')
})

test('what selects from the tables of nodes is known to', () => {
  const learn = (text: string, keyspace: string | null) => new Statements().learn(asked(text), told('a'), keyspace)
  assert.equal(learn('SELECT * FROM system.peers WHERE peer = ?', null)?.system?.table, 'peers')
  assert.deepEqual(learn('SELECT * FROM system.local', null)?.system?.columns, [])
  assert.equal(learn('SELECT * FROM local', 'system')?.system?.table, 'local')
  for (const keyspace of [null, 'ks']) assert.equal(learn('SELECT * FROM local', keyspace)?.system, null)
})

test('what was refused, or is no PREPARE, teaches nothing', () => {
  const statements = new Statements()
  assert.equal(statements.learn(asked('SELECT'), errorFrame(4, 0, ERROR_INVALID, 'no'), null), null)
  assert.equal(statements.learn(execute('a'), told('a'), null), null)
  const torn = asked('SELECT * FROM t')
  torn.end -= 3
  assert.equal(statements.learn(torn, told('a'), null), null)
  assert.equal(statements.size, 0)
})

test('of too many statements those are forgotten that nobody executes', () => {
  const statements = new Statements(3)
  const learn = (id: string) => statements.learn(asked(`SELECT ${id}`), told(id), null)
  const isKnown = (id: string) => statements.find(Buffer.from(id)) !== null
  for (const id of 'abcd') learn(id)
  assert.equal(statements.size, 3)
  // Each has had its turn now, and b is used.
  assert.ok(isKnown('b'))
  for (const id of 'efghij') {
    learn(id)
    assert.ok(isKnown('b'), id)
    assert.ok(isKnown(id), id)
  }
  assert.ok(!isKnown('c'))
  assert.equal(statements.size, 3)
})

test('texts are bounded in bytes, and the last one always fits', () => {
  const statements = new Statements(100, 50)
  for (const id of 'abc') statements.learn(asked(`SELECT ${id.repeat(20)}`), told(id), null)
  assert.equal(statements.size, 1)
  statements.learn(asked(`SELECT ${'d'.repeat(200)}`), told('d'), null)
  assert.equal(statements.size, 1)
  assert.ok(statements.find(Buffer.from('d')) !== null)
  // The same one again counts once.
  for (let i = 0; i < 5; i++) statements.learn(asked('SELECT 1'), told('e'), null)
  statements.learn(asked('SELECT 2'), told('f'), null)
  assert.equal(statements.size, 2)
})

test('a statement that brings other columns than before is known by that, whoever prepared it', () => {
  const statements = new Statements()
  const learn = (...columns: string[]) => statements.learn(asked('SELECT * FROM t'), told('a', 4, ...columns), 'ks')!
  const statement = learn('k int')
  learn('k int')
  statements.learnAgain(statement, told('a', 4, 'k int'))
  assert.equal(statements.isChanged(statement), false)
  statements.learnAgain(statement, errorFrame(4, 0, ERROR_INVALID, 'no'))
  assert.equal(statements.isChanged(statement), false)
  statements.learnAgain(statement, told('a', 4, 'k int', 'v text'))
  assert.equal(statements.isChanged(statement), true)
  learn('k int', 'v text')
  assert.equal(statements.isChanged(statement), true)

  const other = new Statements()
  other.learn(asked('SELECT * FROM t'), told('a', 4, 'k int'), 'ks')
  assert.equal(other.isChanged(other.learn(asked('SELECT * FROM t'), told('a', 4, 'k text'), 'ks')!), true)
})

test('an id is wanted once, and again when it was learnt and forgotten', () => {
  const statements = new Statements(2)
  assert.equal(statements.wants(execute('a')), true)
  assert.equal(statements.wants(execute('a')), false)
  assert.equal(statements.wants(execute('b', 5)), true)
  for (const id of 'acd') statements.learn(asked(`SELECT ${id}`), told(id), null)
  assert.equal(statements.find(Buffer.from('a')), null)
  assert.equal(statements.wants(execute('a')), true)
  assert.equal(statements.wants(execute('b')), false)
  const torn = execute('e')
  torn.end = torn.start + 10
  assert.equal(statements.wants(torn), false)
  assert.equal(statements.wants(execute('x'.repeat(65))), false)
  // They are bounded as well.
  for (const id of ['f', 'g', 'h']) assert.equal(statements.wants(execute(id)), true)
  assert.equal(statements.wants(execute('b')), true)
})
