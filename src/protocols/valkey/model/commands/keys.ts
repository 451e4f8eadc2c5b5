import { ALL_KEYS, commands, NO_KEYS, ONE_KEY, TWO_KEYS, type Call } from '../command.ts'
import { globMatches } from '../../glob.ts'
import { CommandError, type Database, type Value } from '../store.ts'
import { scanStep } from '../scan-order.ts'
import { scanOptions } from './scan.ts'

const EMBEDDED_BYTES_MAX = 44

function remove(call: Call): void {
  let count = 0
  for (const key of call.texts(1)) if (call.db.get(key) !== null && call.db.delete(key)) count++
  call.replies.integer(count)
}

function exists(call: Call): void {
  call.replies.integer(call.texts(1).filter((key) => call.db.get(key) !== null).length)
}

function type(call: Call): void {
  call.replies.simple(call.db.get(call.text(1))?.type ?? 'none')
}

function keys(call: Call): void {
  const pattern = call.text(1)
  call.replies.bulks(call.db.keys().filter((key) => globMatches(pattern, key)))
}

function scan(call: Call): void {
  const { cursor, pattern, count, type: wanted } = scanOptions(call, 1)
  const step = scanStep(call.db.scanOrder(), cursor, count)
  const found = step.names.filter((key) => {
    const value = call.db.get(key)
    return (
      value !== null && (pattern === null || globMatches(pattern, key)) && (wanted === null || value.type === wanted)
    )
  })
  call.replies.array(2)
  call.replies.bulk(String(step.cursor))
  call.replies.bulks(found)
}

function move(from: Database, key: string, to: Database, name: string): void {
  const expiry = from.expiry(key)
  const value = from.get(key)!
  from.delete(key)
  to.set(name, value)
  if (expiry !== null) to.setExpiry(name, expiry)
}

function rename(call: Call): void {
  if (call.db.get(call.text(1)) === null) throw new CommandError('ERR no such key')
  if (call.text(1) !== call.text(2)) move(call.db, call.text(1), call.db, call.text(2))
  call.replies.ok()
}

function renamenx(call: Call): void {
  if (call.db.get(call.text(1)) === null) throw new CommandError('ERR no such key')
  const free = call.db.get(call.text(2)) === null
  if (free) move(call.db, call.text(1), call.db, call.text(2))
  call.replies.integer(Number(free))
}

export function databaseAt(call: Call, at: number, error: string): Database {
  const database = call.server.databases[call.integer(at, error)]
  if (database === undefined) throw new CommandError('ERR DB index is out of range')
  return database
}

function moveCommand(call: Call): void {
  const to = databaseAt(call, 2, 'ERR value is not an integer or out of range')
  if (to === call.db) throw new CommandError('ERR source and destination objects are the same')
  const key = call.text(1)
  const moves = call.db.get(key) !== null && to.get(key) === null
  if (moves) move(call.db, key, to, key)
  call.replies.integer(Number(moves))
}

function copyValue(value: Value): Value {
  switch (value.type) {
    case 'string':
      return value
    case 'list':
      return { type: 'list', items: [...value.items] }
    case 'hash':
      return { type: 'hash', fields: new Map(value.fields) }
    case 'set':
      return { type: 'set', members: new Set(value.members) }
    case 'zset':
      return { type: 'zset', scores: new Map(value.scores), sorted: null }
    case 'stream':
      return { type: 'stream', entries: [...value.entries], lastId: value.lastId }
  }
}

function copy(call: Call): void {
  let to = call.db
  let replace = false
  for (let at = 3; at < call.count; at++) {
    const word = call.word(at)
    if (word === 'REPLACE') replace = true
    else if (word === 'DB' && at + 1 < call.count)
      to = databaseAt(call, ++at, 'ERR value is not an integer or out of range')
    else call.syntaxError()
  }
  const [source, target] = [call.text(1), call.text(2)]
  if (to === call.db && source === target) throw new CommandError('ERR source and destination objects are the same')
  const value = call.db.get(source)
  if (value === null || (!replace && to.get(target) !== null)) {
    call.replies.integer(0)
    return
  }
  to.set(target, copyValue(value))
  const expiry = call.db.expiry(source)
  if (expiry !== null) to.setExpiry(target, expiry)
  call.replies.integer(1)
}

function randomkey(call: Call): void {
  const all = call.db.keys()
  call.replies.bulkOrNil(all[Math.floor(call.server.world.random.next() * all.length)])
}

/** OBJECT ENCODING, as far as a real server's defaults tell it from sizes. */
export function encodingOf(value: Value): string {
  switch (value.type) {
    case 'string': {
      if (/^(0|-?[1-9]\d{0,18})$/.test(value.bytes.subarray(0, 24).toString('latin1')) && value.bytes.length < 20)
        return 'int'
      return value.bytes.length <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw'
    }
    case 'list':
      return value.items.length <= 128 && value.items.every((item) => item.length <= 64) ? 'listpack' : 'quicklist'
    case 'hash': {
      const small = [...value.fields].every(([field, item]) => field.length <= 64 && item.length <= 64)
      return value.fields.size <= 128 && small ? 'listpack' : 'hashtable'
    }
    case 'set': {
      const integers = [...value.members].every((member) => /^(0|-?[1-9]\d{0,18})$/.test(member))
      return value.members.size <= 512 && integers ? 'intset' : 'hashtable'
    }
    case 'zset':
      return value.scores.size <= 128 && [...value.scores.keys()].every((name) => name.length <= 64)
        ? 'listpack'
        : 'skiplist'
    case 'stream':
      return 'stream'
  }
}

function flushOption(call: Call): void {
  if (call.count > 2 || (call.count === 2 && !['ASYNC', 'SYNC'].includes(call.word(1)))) call.syntaxError()
}

function flushdb(call: Call): void {
  flushOption(call)
  call.db.clear()
  call.replies.ok()
}

function flushall(call: Call): void {
  flushOption(call)
  for (const database of call.server.databases) database.clear()
  call.replies.ok()
}

function swapdb(call: Call): void {
  const one = databaseAt(call, 1, 'ERR invalid first DB index')
  const other = databaseAt(call, 2, 'ERR invalid second DB index')
  if (one !== other) one.swap(other)
  call.replies.ok()
}

export const keyspace = commands('generic', [
  ['copy', -3, 'write denyoom', TWO_KEYS, copy],
  ['dbsize', 1, 'readonly fast', NO_KEYS, (call) => call.replies.integer(call.db.size)],
  ['del', -2, 'write', ALL_KEYS, remove],
  ['exists', -2, 'readonly fast', ALL_KEYS, exists],
  ['flushall', -1, 'write', NO_KEYS, flushall],
  ['flushdb', -1, 'write', NO_KEYS, flushdb],
  ['keys', 2, 'readonly', NO_KEYS, keys],
  ['move', 3, 'write fast', ONE_KEY, moveCommand],
  ['randomkey', 1, 'readonly', NO_KEYS, randomkey],
  ['rename', 3, 'write', TWO_KEYS, rename],
  ['renamenx', 3, 'write fast', TWO_KEYS, renamenx],
  ['scan', -2, 'readonly', NO_KEYS, scan],
  ['swapdb', 3, 'write fast', NO_KEYS, swapdb],
  ['touch', -2, 'readonly fast', ALL_KEYS, exists],
  ['type', 2, 'readonly fast', ONE_KEY, type],
  ['unlink', -2, 'write fast', ALL_KEYS, remove],
])
