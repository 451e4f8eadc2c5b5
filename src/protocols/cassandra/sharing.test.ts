import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authenticate, compressedRequest, int, query, ready, startup, string } from '../../../test/cassandra.ts'
import { AT_OWNER, Exchange } from '../../core/exchange.ts'
import type { Frame } from '../../core/frame.ts'
import { noOwner } from '../../core/handshake.ts'
import { PLAN_ANSWER, PLAN_ATTRIBUTE, PLAN_PIN, PLAN_SHARE, type Greeting } from '../../core/sharing.ts'
import { COMPRESSION_LZ4 } from './compression.ts'
import { errorFrame, requestFrame, responseFrame, USES_KEYSPACE } from './envelope.ts'
import {
  AUTH_RESPONSE,
  AUTH_SUCCESS,
  BATCH,
  EXECUTE,
  OPTIONS,
  opcodeName,
  PREPARE,
  REGISTER,
  RESULT,
} from './opcodes.ts'
import { PreparedStatements } from './prepared.ts'
import { CassandraSharing } from './sharing.ts'

const EMPTY = Buffer.alloc(0)
const TOKEN = Buffer.concat([int(11), Buffer.from('\0user\0secret')])
const authResponse = requestFrame(4, 0, AUTH_RESPONSE, TOKEN)
const authSuccess = responseFrame(4, 0, AUTH_SUCCESS, int(-1))
const setKeyspace = (name: string) => responseFrame(4, 0, RESULT, Buffer.concat([int(3), string(name)]))

function exchangeOf(request: Frame): Exchange {
  return new Exchange(request, noOwner, AT_OWNER, 0)
}

/** Asks for what changes the attributes, and answers. */
function change(sharing: CassandraSharing, request: Frame, reply: Frame): boolean {
  const exchange = exchangeOf(request)
  assert.equal(sharing.plan(exchange), PLAN_ATTRIBUTE)
  exchange.response = reply
  return sharing.replied(exchange)
}

function started(...steps: (readonly [Frame, Frame])[]): CassandraSharing {
  const sharing = new CassandraSharing(() => false, new PreparedStatements())
  for (const [request, reply] of steps) change(sharing, request, reply)
  return sharing
}

/** What a greeting says, answered with `replies`. */
function said(greeting: Greeting, ...replies: Frame[]): string[] {
  const texts: string[] = []
  for (let step = greeting.next([]); step.done !== true; step = greeting.next([replies.shift()!])) {
    for (const frame of step.value) {
      const { kind } = frame
      texts.push(`${opcodeName(kind)} ${frame.toBuffer().toString('latin1', 9)}`)
    }
  }
  return texts
}

test('sessions share connections by version, options, identity and keyspace, whatever they are called', () => {
  const use = query(4, 'USE ks')
  const keys = [
    started([startup(4), ready(4)]),
    started([startup(4, { DRIVER_NAME: 'a', CLIENT_ID: 'b' }), ready(4)]),
    started([startup(3), ready(3)]),
    started([startup(4, { COMPRESSION: 'lz4' }), ready(4)]),
    started([startup(4), authenticate(4)], [authResponse, authSuccess]),
    started([startup(4), ready(4)], [use, setKeyspace('ks')]),
    started([startup(4), ready(4)], [query(4, 'USE "KS"'), setKeyspace('KS')]),
    new CassandraSharing(() => false, new PreparedStatements()),
  ].map(({ key }) => key)
  assert.equal(keys[0], keys[1])
  assert.equal(new Set(keys).size, keys.length - 1)
})

test('what is refused changes nothing', () => {
  const sharing = started([startup(4), ready(4)])
  const { key } = sharing
  assert.equal(change(sharing, query(4, 'USE nothing'), errorFrame(4, 0, 0x2200, 'no')), false)
  assert.equal(sharing.key, key)
  const refused = started([startup(4), authenticate(4)])
  assert.equal(change(refused, authResponse, errorFrame(4, 0, 0x0100, 'no')), false)
  assert.equal(refused.key, 'v4 not started')
})

test('requests are shared, but for what brings events', () => {
  const sharing = started([startup(4), ready(4)])
  const plan = (opcode: number) => sharing.plan(exchangeOf(requestFrame(4, 0, opcode, EMPTY)))
  for (const opcode of [OPTIONS, PREPARE, EXECUTE, BATCH]) assert.equal(plan(opcode), PLAN_SHARE)
  assert.equal(sharing.plan(exchangeOf(query(4, 'SELECT 1'))), PLAN_SHARE)
  assert.equal(sharing.plan(exchangeOf(query(4, 'USE ?'))), PLAN_PIN)
  assert.equal(plan(REGISTER), PLAN_PIN)
  assert.equal(sharing.plan(exchangeOf(startup(4))), PLAN_PIN)
})

test('the keyspace of a USE that was prepared is that of the session once the server has set it', () => {
  const prepared = new PreparedStatements()
  const learn = (text: string, id: string) => {
    const request = requestFrame(4, 0, PREPARE, Buffer.concat([int(text.length), Buffer.from(text)]))
    prepared.learn(request, responseFrame(4, 0, RESULT, Buffer.concat([int(4), string(id), Buffer.alloc(20)])))
  }
  const sharing = new CassandraSharing(() => false, prepared)
  const execute = (id: string) => requestFrame(4, 0, EXECUTE, Buffer.concat([string(id), Buffer.from([0, 1, 0])]))
  // Before STARTUP it is refused, whatever it is.
  learn('USE "Ks"', 'use')
  assert.equal(sharing.plan(exchangeOf(execute('use'))), PLAN_PIN)
  assert.equal(sharing.isChange(exchangeOf(execute('use'))), false)
  change(sharing, startup(4), ready(4))
  const { key } = sharing
  learn('SELECT 1', 'other')
  assert.equal(sharing.plan(exchangeOf(execute('other'))), PLAN_SHARE)
  assert.equal(sharing.isChange(exchangeOf(execute('other'))), false)
  assert.equal(sharing.isChange(exchangeOf(execute('use'))), true)
  const use = exchangeOf(execute('use'))
  assert.equal(sharing.plan(use), PLAN_ATTRIBUTE)
  assert.notEqual(use.request.code & USES_KEYSPACE, 0)
  assert.equal(change(sharing, execute('use'), errorFrame(4, 0, 0x2200, 'no')), false)
  assert.equal(sharing.key, key)
  assert.equal(change(sharing, execute('use'), setKeyspace('Ks')), true)
  assert.equal(sharing.keyspace, 'Ks')
  assert.equal(sharing.key, started([startup(4), ready(4)], [query(4, 'USE "Ks"'), setKeyspace('Ks')]).key)
})

test('before STARTUP only OPTIONS is shared', () => {
  const sharing = new CassandraSharing(() => false, new PreparedStatements())
  assert.equal(sharing.plan(exchangeOf(requestFrame(5, 0, OPTIONS, EMPTY))), PLAN_SHARE)
  assert.equal(sharing.key, 'v5 not started')
  assert.equal(sharing.plan(exchangeOf(query(5, 'USE ks'))), PLAN_PIN)
})

test('an opcode that nobody knows is answered', () => {
  const exchange = exchangeOf(requestFrame(4, 7, 0x55, EMPTY))
  assert.equal(started([startup(4), ready(4)]).plan(exchange), PLAN_ANSWER)
  assert.equal(exchange.response!.stream, 7)
  assert.match(exchange.response!.toBuffer().toString(), /Unknown opcode 85/)
})

test('STARTUP is answered where a connection stands that was started so', () => {
  const standing = started([startup(4), ready(4)]).key
  const sharing = new CassandraSharing((key) => key === standing, new PreparedStatements())
  const exchange = exchangeOf(startup(4, {}, 3))
  assert.equal(sharing.plan(exchange), PLAN_ANSWER)
  assert.equal(exchange.response!.stream, 3)
  assert.equal(sharing.key, standing)
  assert.equal(
    new CassandraSharing((key) => key === standing, new PreparedStatements()).plan(exchangeOf(startup(3))),
    PLAN_ATTRIBUTE,
  )
})

test('a fresh connection is brought to the attributes of a session', () => {
  assert.deepEqual(said(new CassandraSharing(() => false, new PreparedStatements()).handshake()), [])
  const sharing = started(
    [startup(4), authenticate(4)],
    [authResponse, authSuccess],
    [query(4, 'USE "k""s"'), setKeyspace('k"s')],
  )
  const texts = said(sharing.handshake(), authenticate(4), authSuccess, setKeyspace('k"s'))
  assert.match(texts[0]!, /^Startup .*CQL_VERSION/s)
  assert.equal(texts[1], `AuthResponse ${TOKEN.toString('latin1')}`)
  assert.match(texts[2]!, /^Query .*USE "k""s"/s)
})

test('an identity that was told compressed is told plain to other connections', () => {
  const compressed = compressedRequest(requestFrame(4, 0, AUTH_RESPONSE, TOKEN), COMPRESSION_LZ4)
  const sharing = started([startup(4, { COMPRESSION: 'lz4' }), authenticate(4)], [compressed, authSuccess])
  const texts = said(sharing.handshake(), authenticate(4), authSuccess)
  assert.equal(texts[1], `AuthResponse ${TOKEN.toString('latin1')}`)
})

test('a server that refuses what it granted before ends the greeting, unless only the keyspace is gone', () => {
  const plain = started([startup(4), ready(4)], [query(4, 'USE ks'), setKeyspace('ks')])
  assert.throws(() => said(plain.handshake(), authenticate(4)), /answered Authenticate where it answered Ready before/)
  assert.equal(said(plain.handshake(), ready(4), errorFrame(4, 0, 0x2200, 'gone')).length, 2)
  assert.throws(() => said(plain.handshake(), ready(4), errorFrame(4, 0, 0x0000, 'no')), /answered Error/)
})
