import { ALL_KEYS, commands, NO_KEYS, ONE_KEY, TWO_KEYS, type Call } from '../command.ts'
import { CommandError } from '../store.ts'
import { drawNames } from './hashes.ts'
import { scanCollection } from './scan.ts'

const NONE: ReadonlySet<string> = new Set()

function read(call: Call, key = call.text(1)): ReadonlySet<string> {
  return call.db.typed(key, 'set')?.members ?? NONE
}

function sadd(call: Call): void {
  const key = call.text(1)
  const set = call.db.typed(key, 'set')
  const members = set?.members ?? new Set<string>()
  const before = members.size
  for (const member of call.texts(2)) members.add(member)
  if (set === null) call.db.set(key, { type: 'set', members })
  else if (members.size > before) call.db.touch(key)
  call.replies.integer(members.size - before)
}

function removeMembers(call: Call, key: string, names: readonly string[]): number {
  const set = call.db.typed(key, 'set')
  if (set === null) return 0
  const count = names.filter((name) => set.members.delete(name)).length
  if (count > 0) call.db.changed(key, set.members.size)
  return count
}

function smismember(call: Call): void {
  const members = read(call)
  call.replies.array(call.count - 2)
  for (const name of call.texts(2)) call.replies.integer(Number(members.has(name)))
}

function replySet(call: Call, members: Iterable<string>): void {
  const names = [...members]
  call.replies.set(names.length)
  for (const name of names) call.replies.bulk(name)
}

function spop(call: Call): void {
  if (call.count > 3) call.syntaxError()
  const count = call.count === 3 ? call.integer(2, 'ERR value is out of range, must be positive') : 1
  if (count < 0) throw new CommandError('ERR value is out of range, must be positive')
  const drawn = drawNames(call, [...read(call)], count)
  removeMembers(call, call.text(1), drawn)
  if (call.count === 2) call.replies.bulkOrNil(drawn[0])
  else replySet(call, drawn)
}

function srandmember(call: Call): void {
  if (call.count > 3) call.syntaxError()
  const names = [...read(call)]
  if (call.count === 2) call.replies.bulkOrNil(drawNames(call, names, 1)[0])
  else call.replies.bulks(drawNames(call, names, call.integer(2)))
}

function smove(call: Call): void {
  const [from, to, member] = [call.text(1), call.text(2), call.text(3)]
  read(call, to)
  if (!read(call, from).has(member)) {
    call.replies.integer(0)
    return
  }
  if (from !== to) {
    removeMembers(call, from, [member])
    store(call, to, new Set([...read(call, to), member]), true)
  }
  call.replies.integer(1)
}

function store(call: Call, key: string, members: Set<string>, keepExpiry = false): void {
  if (members.size === 0) call.db.delete(key)
  else call.db.set(key, { type: 'set', members }, keepExpiry)
}

type Operation = 'inter' | 'union' | 'diff'

function combine(call: Call, operation: Operation, keys: readonly string[]): Set<string> {
  const sets = keys.map((key) => read(call, key))
  const [first, ...others] = sets as [ReadonlySet<string>, ...ReadonlySet<string>[]]
  if (operation === 'union') return new Set(sets.flatMap((set) => [...set]))
  const wanted = operation === 'inter'
  return new Set([...first].filter((name) => others.every((other) => other.has(name) === wanted)))
}

function operate(operation: Operation) {
  return (call: Call): void => replySet(call, combine(call, operation, call.texts(1)))
}

function operateStore(operation: Operation) {
  return (call: Call): void => {
    const result = combine(call, operation, call.texts(2))
    store(call, call.text(1), result)
    call.replies.integer(result.size)
  }
}

function sintercard(call: Call): void {
  const numkeys = call.integer(1, 'ERR numkeys should be greater than 0')
  if (numkeys <= 0) throw new CommandError('ERR numkeys should be greater than 0')
  if (numkeys > call.count - 2) throw new CommandError("ERR Number of keys can't be greater than number of args")
  let limit = 0
  const at = 2 + numkeys
  if (call.count > at) {
    if (call.count !== at + 2 || call.word(at) !== 'LIMIT') call.syntaxError()
    limit = call.integer(at + 1, "ERR LIMIT can't be negative")
    if (limit < 0) throw new CommandError("ERR LIMIT can't be negative")
  }
  const { size } = combine(call, 'inter', call.texts(2, at))
  call.replies.integer(limit === 0 ? size : Math.min(limit, size))
}

export const sets = commands('set', [
  ['sadd', -3, 'write denyoom fast', ONE_KEY, sadd],
  ['scard', 2, 'readonly fast', ONE_KEY, (call) => call.replies.integer(read(call).size)],
  ['sdiff', -2, 'readonly', ALL_KEYS, operate('diff')],
  ['sdiffstore', -3, 'write denyoom', ALL_KEYS, operateStore('diff')],
  ['sinter', -2, 'readonly', ALL_KEYS, operate('inter')],
  ['sintercard', -3, 'readonly movablekeys', NO_KEYS, sintercard],
  ['sinterstore', -3, 'write denyoom', ALL_KEYS, operateStore('inter')],
  ['sismember', 3, 'readonly fast', ONE_KEY, (call) => call.replies.integer(Number(read(call).has(call.text(2))))],
  ['smembers', 2, 'readonly', ONE_KEY, (call) => replySet(call, read(call))],
  ['smismember', -3, 'readonly fast', ONE_KEY, smismember],
  ['smove', 4, 'write fast', TWO_KEYS, smove],
  ['spop', -2, 'write fast', ONE_KEY, spop],
  ['srandmember', -2, 'readonly', ONE_KEY, srandmember],
  ['srem', -3, 'write fast', ONE_KEY, (call) => call.replies.integer(removeMembers(call, call.text(1), call.texts(2)))],
  ['sscan', -3, 'readonly', ONE_KEY, (call) => scanCollection(call, read(call), (name) => [name])],
  ['sunion', -2, 'readonly', ALL_KEYS, operate('union')],
  ['sunionstore', -3, 'write denyoom', ALL_KEYS, operateStore('union')],
])
