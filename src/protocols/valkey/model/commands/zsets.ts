import { commands, NO_KEYS, ONE_KEY, type Call } from '../command.ts'
import { formatDouble } from '../replies.ts'
import { CommandError, sortedMembers, type ZsetValue } from '../store.ts'
import { scanCollection } from './scan.ts'
import { removeScores, zmpop, zpop } from './zset-pops.ts'
import { byRank, byScore, zsetRanges } from './zset-ranges.ts'

const NO_SCORES: ReadonlyMap<string, number> = new Map()

function read(call: Call): ReadonlyMap<string, number> {
  return call.db.typed(call.text(1), 'zset')?.scores ?? NO_SCORES
}

interface AddOptions {
  nx: boolean
  xx: boolean
  gt: boolean
  lt: boolean
  changed: boolean
  increment: boolean
}

const ADD_WORDS: Record<string, keyof AddOptions> = {
  NX: 'nx',
  XX: 'xx',
  GT: 'gt',
  LT: 'lt',
  CH: 'changed',
  INCR: 'increment',
}

/** Adds or changes one member. The score it has then; null where the options did not let it. */
function addScore(scores: Map<string, number>, name: string, score: number, options: AddOptions): number | null {
  const old = scores.get(name)
  if (old === undefined ? options.xx : options.nx) return null
  const wanted = options.increment ? (old ?? 0) + score : score
  if (Number.isNaN(wanted)) throw new CommandError('ERR resulting score is not a number (NaN)')
  if (old !== undefined && ((options.gt && wanted <= old) || (options.lt && wanted >= old))) return null
  scores.set(name, wanted)
  return wanted
}

function addPairs(
  call: Call,
  from: number,
  options: AddOptions,
): { added: number; updated: number; last: number | null } {
  const pairs: [string, number][] = []
  for (let at = from; at < call.count; at += 2) pairs.push([call.text(at + 1), call.double(at)])
  const key = call.text(1)
  const zset = call.db.typed(key, 'zset')
  const scores = zset?.scores ?? new Map<string, number>()
  let [added, updated] = [0, 0]
  let last: number | null = null
  for (const [name, score] of pairs) {
    const old = scores.get(name)
    last = addScore(scores, name, score, options)
    if (last === null) continue
    if (old === undefined) added++
    else if (old !== last) updated++
  }
  if (zset !== null) zset.sorted = null
  if (zset === null && scores.size > 0) call.db.set(key, { type: 'zset', scores, sorted: null })
  else if (added + updated > 0) call.db.touch(key)
  return { added, updated, last }
}

function zadd(call: Call): void {
  const options: AddOptions = { nx: false, xx: false, gt: false, lt: false, changed: false, increment: false }
  let at = 2
  for (; at < call.count; at++) {
    const option = ADD_WORDS[call.word(at)]
    if (option === undefined) break
    options[option] = true
  }
  if (at === call.count || (call.count - at) % 2 !== 0) call.syntaxError()
  if (options.nx && options.xx) throw new CommandError('ERR XX and NX options at the same time are not compatible')
  if ((options.gt && options.nx) || (options.lt && options.nx) || (options.gt && options.lt))
    throw new CommandError('ERR GT, LT, and/or NX options at the same time are not compatible')
  if (options.increment && call.count - at > 2)
    throw new CommandError('ERR INCR option supports a single increment-element pair')
  const { added, updated, last } = addPairs(call, at, options)
  if (!options.increment) call.replies.integer(options.changed ? added + updated : added)
  else if (last === null) call.replies.nil()
  else call.replies.double(last)
}

function zincrby(call: Call): void {
  const options = { nx: false, xx: false, gt: false, lt: false, changed: false, increment: true }
  call.replies.double(addPairs(call, 2, options).last!)
}

function zrem(call: Call): void {
  const zset = call.db.typed(call.text(1), 'zset')
  call.replies.integer(zset === null ? 0 : removeScores(call.db, call.text(1), zset, call.texts(2)).length)
}

function scoreOrNil(call: Call, score: number | undefined): void {
  if (score === undefined) call.replies.nil()
  else call.replies.double(score)
}

function zmscore(call: Call): void {
  const scores = read(call)
  call.replies.array(call.count - 2)
  for (const name of call.texts(2)) scoreOrNil(call, scores.get(name))
}

function zrank(reversed: boolean) {
  return (call: Call): void => {
    const zset = call.db.typed(call.text(1), 'zset')
    const rank = zset === null ? -1 : sortedMembers(zset).indexOf(call.text(2))
    if (rank === -1) call.replies.nil()
    else call.replies.integer(reversed ? zset!.scores.size - 1 - rank : rank)
  }
}

function zcount(call: Call): void {
  const inside = byScore(call, 2, 3)
  const zset = call.db.typed(call.text(1), 'zset')
  call.replies.integer(zset === null ? 0 : sortedMembers(zset).filter((name) => inside(zset, name)).length)
}

function removeRange(call: Call, chosen: (zset: ZsetValue) => string[]): void {
  const zset = call.db.typed(call.text(1), 'zset')
  call.replies.integer(zset === null ? 0 : removeScores(call.db, call.text(1), zset, chosen(zset)).length)
}

function zremrangebyrank(call: Call): void {
  const [start, stop] = [call.integer(2), call.integer(3)]
  removeRange(call, (zset) => byRank(sortedMembers(zset), start, stop))
}

function zremrangebyscore(call: Call): void {
  const inside = byScore(call, 2, 3)
  removeRange(call, (zset) => sortedMembers(zset).filter((name) => inside(zset, name)))
}

function zscan(call: Call): void {
  const scores = read(call)
  scanCollection(call, scores.keys(), (name) => [name, formatDouble(scores.get(name)!)])
}

export const zsets = [
  ...commands('sorted-set', [
    ['zadd', -4, 'write denyoom fast', ONE_KEY, zadd],
    ['zcard', 2, 'readonly fast', ONE_KEY, (call) => call.replies.integer(read(call).size)],
    ['zcount', 4, 'readonly fast', ONE_KEY, zcount],
    ['zincrby', 4, 'write denyoom fast', ONE_KEY, zincrby],
    ['zmpop', -4, 'write movablekeys', NO_KEYS, zmpop],
    ['zmscore', -3, 'readonly fast', ONE_KEY, zmscore],
    ['zpopmax', -2, 'write fast', ONE_KEY, zpop('MAX')],
    ['zpopmin', -2, 'write fast', ONE_KEY, zpop('MIN')],
    ['zrank', 3, 'readonly fast', ONE_KEY, zrank(false)],
    ['zrem', -3, 'write fast', ONE_KEY, zrem],
    ['zremrangebyrank', 4, 'write', ONE_KEY, zremrangebyrank],
    ['zremrangebyscore', 4, 'write', ONE_KEY, zremrangebyscore],
    ['zrevrank', 3, 'readonly fast', ONE_KEY, zrank(true)],
    ['zscan', -3, 'readonly', ONE_KEY, zscan],
    ['zscore', 3, 'readonly fast', ONE_KEY, (call) => scoreOrNil(call, read(call).get(call.text(2)))],
  ]),
  ...zsetRanges,
]
