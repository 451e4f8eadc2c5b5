import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  CLASS_ATTRIBUTE,
  CLASS_BLOCKING,
  CLASS_MAY_BLOCK,
  CLASS_REPLICATION,
  CLASS_STATEFUL,
  CLASS_STATELESS,
  CLASS_SUBSCRIPTION,
  CLASS_UNKNOWN,
  CLASS_WAIT,
  COMMAND_COUNT,
  codeOf,
  codeOfArguments,
  commandClass,
  commandName,
  firstKey,
  isReadOnly,
  isWrite,
  lookup,
  pinReason,
} from './commands.ts'
import { COMMAND_ROWS } from './commands.table.ts'

test('every command of the table is found in any case, and under one code only', () => {
  const seen = new Set<number>()
  for (const [name] of COMMAND_ROWS) {
    const words = name.split('|')
    for (const spelling of [words, words.map((word) => word.toUpperCase())]) {
      const code = codeOfArguments(spelling.map((word) => Buffer.from(word)))
      assert.equal(commandName[code], name.replace('|', ' ').toUpperCase())
      seen.add(code)
    }
  }
  assert.equal(seen.size, COMMAND_ROWS.length)
  assert.equal(seen.size, COMMAND_COUNT - 1)
})

const STRANGERS = [
  '',
  'g',
  'gett',
  'get ',
  'g\x05t',
  'G\x00T',
  'get|',
  'client|id',
  '\xe7et',
  'x'.repeat(32),
  'x'.repeat(1000),
]

for (const name of STRANGERS) {
  test(`${JSON.stringify(name).slice(0, 40)} is no command`, () => {
    const bytes = Buffer.from(name, 'latin1')
    assert.equal(lookup(bytes, 0, bytes.length, 0), 0)
  })
}

test('a subcommand counts only behind its own container', () => {
  assert.equal(codeOfArguments([Buffer.from('config'), Buffer.from('setname')]), codeOf('config'))
  assert.equal(codeOfArguments([Buffer.from('setname')]), 0)
  assert.equal(codeOfArguments([Buffer.from('get'), Buffer.from('id')]), codeOf('get'))
})

const CLASSES: readonly (readonly [commandClass: number, reason: string, names: string])[] = [
  [CLASS_STATELESS, '', 'get set mget eval publish exec discard unwatch readwrite client|list client|kill script|load'],
  [CLASS_STATELESS, '', 'command config|get object|encoding xgroup|create'],
  [CLASS_ATTRIBUTE, '', 'hello auth select reset quit client|setname client|setinfo client|getname client|id'],
  [CLASS_BLOCKING, 'blocking', 'blpop brpop blmove blmpop brpoplpush bzpopmin bzpopmax bzmpop'],
  [CLASS_MAY_BLOCK, 'blocking', 'xread xreadgroup'],
  [CLASS_WAIT, 'wait', 'wait waitaof'],
  [CLASS_STATEFUL, 'transaction', 'multi'],
  [CLASS_STATEFUL, 'watch', 'watch'],
  [CLASS_STATEFUL, 'monitor', 'monitor'],
  [CLASS_STATEFUL, 'readonly', 'readonly'],
  [CLASS_STATEFUL, 'asking', 'asking'],
  [CLASS_STATEFUL, 'script-debug', 'script|debug'],
  [CLASS_STATEFUL, 'client-reply', 'client|reply'],
  [CLASS_STATEFUL, 'client-tracking', 'client|tracking client|caching'],
  [CLASS_STATEFUL, 'client-no-evict', 'client|no-evict'],
  [CLASS_STATEFUL, 'client-no-touch', 'client|no-touch'],
  [CLASS_STATEFUL, 'client-capa', 'client|capa'],
  [CLASS_STATEFUL, 'client-import-source', 'client|import-source'],
  [CLASS_STATEFUL, 'shutdown', 'shutdown'],
  [CLASS_SUBSCRIPTION, 'subscribe', 'subscribe psubscribe ssubscribe unsubscribe punsubscribe sunsubscribe'],
  [CLASS_REPLICATION, 'replication', 'sync psync replconf cluster|syncslots'],
  [CLASS_UNKNOWN, 'unknown-command', 'client cluster script module.command'],
]

for (const [expected, reason, names] of CLASSES) {
  test(`${names} leave on a connection what class ${expected} says`, () => {
    for (const name of names.split(' ')) {
      assert.equal(commandClass[codeOf(name)], expected, name)
      assert.equal(pinReason[codeOf(name)], reason, name)
    }
  })
}

test('what pins has a reason, and what does not has none', () => {
  for (let code = 0; code < COMMAND_COUNT; code++) {
    const pins = commandClass[code] !== CLASS_STATELESS && commandClass[code] !== CLASS_ATTRIBUTE
    assert.equal(pinReason[code] !== '', pins, commandName[code])
  }
})

test('no command both reads only and writes', () => {
  for (let code = 0; code < COMMAND_COUNT; code++) assert.ok(isReadOnly[code] === 0 || isWrite[code] === 0)
  assert.equal(isReadOnly[codeOf('get')], 1)
  assert.equal(isWrite[codeOf('getdel')], 1)
  assert.equal(isWrite[codeOf('georadius')], 1)
  assert.equal(isReadOnly[0] + isWrite[0], 0)
})

test('the first key stands where the server says', () => {
  for (const [name, key] of Object.entries({ get: 1, bitop: 2, 'object|encoding': 2, eval: 0, ping: 0, migrate: 3 })) {
    assert.equal(firstKey[codeOf(name)], key, name)
  }
})
