import { commands, ONE_KEY, TWO_KEYS, NO_KEYS, type Call } from '../command.ts'
import { CommandError, type Database } from '../store.ts'
import { clampRange } from './strings.ts'

export type End = 'LEFT' | 'RIGHT'

function read(call: Call): readonly Buffer[] {
  return call.db.typed(call.text(1), 'list')?.items ?? []
}

/** Adds values at one end, one after the other; the length then. */
export function pushItems(db: Database, key: string, end: End, values: readonly Buffer[]): number {
  const list = db.typed(key, 'list')
  const items = list?.items ?? []
  for (const value of values)
    if (end === 'LEFT') items.unshift(value)
    else items.push(value)
  if (list === null) db.set(key, { type: 'list', items })
  else db.changed(key, items.length)
  return items.length
}

/** Takes up to `count` values from one end; null where there is no list. */
export function popItems(db: Database, key: string, end: End, count: number): Buffer[] | null {
  const list = db.typed(key, 'list')
  if (list === null) return null
  const { items } = list
  const taken = end === 'LEFT' ? items.splice(0, count) : items.splice(Math.max(0, items.length - count)).reverse()
  if (taken.length > 0) db.changed(key, items.length)
  return taken
}

function push(end: End, onlyExisting: boolean) {
  return (call: Call): void => {
    const exists = call.db.typed(call.text(1), 'list') !== null
    call.replies.integer(onlyExisting && !exists ? 0 : pushItems(call.db, call.text(1), end, call.args.slice(2)))
  }
}

function pop(end: End) {
  return (call: Call): void => {
    if (call.count > 3) call.wrongArity()
    const count = call.count === 3 ? call.integer(2, 'ERR value is out of range, must be positive') : 1
    if (count < 0) throw new CommandError('ERR value is out of range, must be positive')
    const taken = popItems(call.db, call.text(1), end, count)
    if (call.count === 2) call.replies.bulkOrNil(taken?.[0])
    else if (taken === null) call.replies.nilArray()
    else call.replies.bulks(taken)
  }
}

function lrange(call: Call): void {
  const start = call.integer(2)
  const stop = call.integer(3)
  const items = read(call)
  const range = clampRange(start, stop, items.length)
  call.replies.bulks(range === null ? [] : items.slice(range[0], range[1] + 1))
}

function lindex(call: Call): void {
  const at = call.integer(2)
  call.replies.bulkOrNil(read(call).at(at))
}

function lset(call: Call): void {
  const list = call.db.typed(call.text(1), 'list')
  if (list === null) throw new CommandError('ERR no such key')
  const at = call.integer(2)
  const place = at < 0 ? list.items.length + at : at
  if (place < 0 || place >= list.items.length) throw new CommandError('ERR index out of range')
  list.items[place] = call.args[3]!
  call.db.touch(call.text(1))
  call.replies.ok()
}

function lrem(call: Call): void {
  const count = call.integer(2)
  const list = call.db.typed(call.text(1), 'list')
  if (list === null) {
    call.replies.integer(0)
    return
  }
  const { items } = list
  const before = items.length
  let left = count === 0 ? Infinity : Math.abs(count)
  const step = count < 0 ? -1 : 1
  for (let at = count < 0 ? items.length - 1 : 0; at >= 0 && at < items.length && left > 0; at += step)
    if (items[at]!.equals(call.args[3]!)) {
      items.splice(at, 1)
      left--
      if (step === 1) at--
    }
  if (items.length < before) call.db.changed(call.text(1), items.length)
  call.replies.integer(before - items.length)
}

function ltrim(call: Call): void {
  const start = call.integer(2)
  const stop = call.integer(3)
  const list = call.db.typed(call.text(1), 'list')
  if (list !== null) {
    const range = clampRange(start, stop, list.items.length)
    const kept = range === null ? [] : list.items.slice(range[0], range[1] + 1)
    list.items.splice(0, list.items.length, ...kept)
    call.db.changed(call.text(1), kept.length)
  }
  call.replies.ok()
}

function linsert(call: Call): void {
  const where = call.word(2)
  if (where !== 'BEFORE' && where !== 'AFTER') call.syntaxError()
  const list = call.db.typed(call.text(1), 'list')
  if (list === null) {
    call.replies.integer(0)
    return
  }
  const at = list.items.findIndex((item) => item.equals(call.args[3]!))
  if (at === -1) {
    call.replies.integer(-1)
    return
  }
  list.items.splice(where === 'BEFORE' ? at : at + 1, 0, call.args[4]!)
  call.db.touch(call.text(1))
  call.replies.integer(list.items.length)
}

function lposOptions(call: Call): { rank: number; count: number | null; most: number } {
  const options = { rank: 1, count: null as number | null, most: 0 }
  for (let at = 3; at < call.count; at += 2) {
    const word = call.word(at)
    if (at + 1 >= call.count) call.syntaxError()
    if (word === 'RANK') {
      options.rank = call.integer(at + 1)
      if (options.rank === 0)
        throw new CommandError(
          "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list",
        )
    } else if (word === 'COUNT') {
      options.count = call.integer(at + 1)
      if (options.count < 0) throw new CommandError("ERR COUNT can't be negative")
    } else if (word === 'MAXLEN') {
      options.most = call.integer(at + 1)
      if (options.most < 0) throw new CommandError("ERR MAXLEN can't be negative")
    } else call.syntaxError()
  }
  return options
}

function lpos(call: Call): void {
  const { rank, count, most } = lposOptions(call)
  const items = read(call)
  const wanted = count === null ? 1 : count === 0 ? Infinity : count
  const found: number[] = []
  let skip = Math.abs(rank) - 1
  for (let step = 0; step < items.length && (most === 0 || step < most) && found.length < wanted; step++) {
    const at = rank > 0 ? step : items.length - 1 - step
    if (!items[at]!.equals(call.args[2]!)) continue
    if (skip > 0) skip--
    else found.push(at)
  }
  if (count === null) {
    if (found.length === 0) call.replies.nil()
    else call.replies.integer(found[0]!)
    return
  }
  call.replies.array(found.length)
  for (const at of found) call.replies.integer(at)
}

export function endArgument(call: Call, at: number): End {
  const word = call.word(at)
  if (word !== 'LEFT' && word !== 'RIGHT') call.syntaxError()
  return word
}

/** Moves one value between lists; null where there is none. */
export function moveItem(db: Database, from: string, to: string, fromEnd: End, toEnd: End): Buffer | null {
  if (db.typed(from, 'list') === null) return null
  db.typed(to, 'list')
  const [value] = popItems(db, from, fromEnd, 1)!
  pushItems(db, to, toEnd, [value!])
  return value!
}

function lmove(call: Call): void {
  const [fromEnd, toEnd] = [endArgument(call, 3), endArgument(call, 4)]
  call.replies.bulkOrNil(moveItem(call.db, call.text(1), call.text(2), fromEnd, toEnd))
}

/** The arguments of LMPOP and BLMPOP from `at`: numkeys key ... LEFT|RIGHT [COUNT n]. */
export function mpopArguments(call: Call, at: number): { keys: string[]; end: string; count: number } {
  const numkeys = call.integer(at, 'ERR numkeys should be greater than 0')
  if (numkeys <= 0) throw new CommandError('ERR numkeys should be greater than 0')
  const endAt = at + 1 + numkeys
  if (endAt >= call.count) call.syntaxError()
  let count = 1
  if (call.count > endAt + 1) {
    if (call.count !== endAt + 3 || call.word(endAt + 1) !== 'COUNT') call.syntaxError()
    count = call.integer(endAt + 2, 'ERR count should be greater than 0')
    if (count <= 0) throw new CommandError('ERR count should be greater than 0')
  }
  return { keys: call.texts(at + 1, endAt), end: call.word(endAt), count }
}

/** Answers with the key and what was popped from it; false where it holds no list. */
export function serveMpop(call: Call, db: Database, key: string, end: End, count: number): boolean {
  if (db.get(key) === null) return false
  const taken = popItems(db, key, end, count)!
  call.replies.array(2)
  call.replies.bulk(key)
  call.replies.bulks(taken)
  return true
}

function lmpop(call: Call): void {
  const { keys, end, count } = mpopArguments(call, 1)
  if (end !== 'LEFT' && end !== 'RIGHT') call.syntaxError()
  if (!keys.some((key) => serveMpop(call, call.db, key, end, count))) call.replies.nilArray()
}

export const lists = commands('list', [
  ['lindex', 3, 'readonly', ONE_KEY, lindex],
  ['linsert', 5, 'write denyoom', ONE_KEY, linsert],
  ['llen', 2, 'readonly fast', ONE_KEY, (call) => call.replies.integer(read(call).length)],
  ['lmove', 5, 'write denyoom', TWO_KEYS, lmove],
  ['lmpop', -4, 'write movablekeys', NO_KEYS, lmpop],
  ['lpop', -2, 'write fast', ONE_KEY, pop('LEFT')],
  ['lpos', -3, 'readonly', ONE_KEY, lpos],
  ['lpush', -3, 'write denyoom fast', ONE_KEY, push('LEFT', false)],
  ['lpushx', -3, 'write denyoom fast', ONE_KEY, push('LEFT', true)],
  ['lrange', 4, 'readonly', ONE_KEY, lrange],
  ['lrem', 4, 'write', ONE_KEY, lrem],
  ['lset', 4, 'write denyoom', ONE_KEY, lset],
  ['ltrim', 4, 'write', ONE_KEY, ltrim],
  ['rpop', -2, 'write fast', ONE_KEY, pop('RIGHT')],
  [
    'rpoplpush',
    3,
    'write denyoom',
    TWO_KEYS,
    (call) => call.replies.bulkOrNil(moveItem(call.db, call.text(1), call.text(2), 'RIGHT', 'LEFT')),
  ],
  ['rpush', -3, 'write denyoom fast', ONE_KEY, push('RIGHT', false)],
  ['rpushx', -3, 'write denyoom fast', ONE_KEY, push('RIGHT', true)],
])
