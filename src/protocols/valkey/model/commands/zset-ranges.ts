import { commands, ONE_KEY, type Call } from '../command.ts'
import { CommandError, sortedMembers, type ZsetValue } from '../store.ts'
import { clampRange } from './strings.ts'

type Inside = (zset: ZsetValue, name: string) => boolean

const NOT_A_FLOAT = 'ERR min or max is not a float'

function scoreBound(call: Call, at: number): { score: number; open: boolean } {
  const open = call.args[at]![0] === 0x28
  const text = open ? call.args[at]!.subarray(1) : call.args[at]!
  const words: Record<string, number> = { '-inf': -Infinity, inf: Infinity, '+inf': Infinity }
  const score =
    words[text.toString('latin1').toLowerCase()] ?? (text.length === 0 ? NaN : Number(text.toString('latin1')))
  if (Number.isNaN(score)) throw new CommandError(NOT_A_FLOAT)
  return { score, open }
}

/** The test of a score range whose ends are the arguments `minAt` and `maxAt`. */
export function byScore(call: Call, minAt: number, maxAt: number): Inside {
  const min = scoreBound(call, minAt)
  const max = scoreBound(call, maxAt)
  return (zset, name) => {
    const score = zset.scores.get(name)!
    return (min.open ? score > min.score : score >= min.score) && (max.open ? score < max.score : score <= max.score)
  }
}

function lexBound(call: Call, at: number): { text: string; kind: string } {
  const text = call.text(at)
  if (text === '-' || text === '+') return { text: '', kind: text }
  if (text[0] !== '[' && text[0] !== '(') throw new CommandError('ERR min or max not valid string range item')
  return { text: text.slice(1), kind: text[0] }
}

function byLex(call: Call, minAt: number, maxAt: number): Inside {
  const min = lexBound(call, minAt)
  const max = lexBound(call, maxAt)
  const above = (name: string) =>
    min.kind === '-' || (min.kind !== '+' && (min.kind === '[' ? name >= min.text : name > min.text))
  const below = (name: string) =>
    max.kind === '+' || (max.kind !== '-' && (max.kind === '[' ? name <= max.text : name < max.text))
  return (_, name) => above(name) && below(name)
}

export function byRank(names: readonly string[], start: number, stop: number): string[] {
  const range = clampRange(start, stop, names.length)
  return range === null ? [] : names.slice(range[0], range[1] + 1)
}

interface RangeOptions {
  by: 'RANK' | 'SCORE' | 'LEX'
  reversed: boolean
  withScores: boolean
  limit: [offset: number, count: number] | null
}

/** Words of the newer ZRANGE are not known to the older commands, which fix `by` and `reversed`. */
function rangeOptions(call: Call, from: number, options: RangeOptions, unified: boolean): RangeOptions {
  for (let at = from; at < call.count; at++) {
    const word = call.word(at)
    if (word === 'WITHSCORES' && options.by !== 'LEX') options.withScores = true
    else if (word === 'LIMIT' && at + 2 < call.count) options.limit = [call.integer(++at), call.integer(++at)]
    else if (unified && word === 'REV') options.reversed = true
    else if (unified && (word === 'BYSCORE' || word === 'BYLEX')) options.by = word === 'BYLEX' ? 'LEX' : 'SCORE'
    else call.syntaxError()
  }
  if (options.limit !== null && options.by === 'RANK')
    throw new CommandError('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX')
  return options
}

function select(call: Call, keyAt: number, options: RangeOptions): string[] {
  const [first, second] = [keyAt + 1, keyAt + 2]
  const [minAt, maxAt] = options.reversed ? [second, first] : [first, second]
  const ranks: [number, number] = options.by === 'RANK' ? [call.integer(first), call.integer(second)] : [0, -1]
  const inside: Inside =
    options.by === 'SCORE' ? byScore(call, minAt, maxAt) : options.by === 'LEX' ? byLex(call, minAt, maxAt) : () => true
  const zset = call.db.typed(call.text(keyAt), 'zset')
  if (zset === null) return []
  const names = sortedMembers(zset).filter((name) => inside(zset, name))
  if (options.reversed) names.reverse()
  if (options.limit === null) return byRank(names, ...ranks)
  const [offset, count] = options.limit
  if (offset < 0) return []
  return names.slice(offset, count < 0 ? undefined : offset + count)
}

function replyRange(call: Call, options: RangeOptions): void {
  const names = select(call, 1, options)
  if (!options.withScores) {
    call.replies.bulks(names)
    return
  }
  const { scores } = call.db.typed(call.text(1), 'zset') ?? { scores: new Map<string, number>() }
  const nested = call.replies.version === 3
  call.replies.array(nested ? names.length : 2 * names.length)
  for (const name of names) {
    if (nested) call.replies.array(2)
    call.replies.bulk(name)
    call.replies.double(scores.get(name)!)
  }
}

function range(by: RangeOptions['by'], reversed: boolean, unified = false) {
  return (call: Call): void => {
    replyRange(call, rangeOptions(call, 4, { by, reversed, withScores: false, limit: null }, unified))
  }
}

function zrangestore(call: Call): void {
  const options = rangeOptions(call, 5, { by: 'RANK', reversed: false, withScores: false, limit: null }, true)
  if (options.withScores) call.syntaxError()
  const names = select(call, 2, options)
  const source = call.db.typed(call.text(2), 'zset')
  if (names.length === 0) call.db.delete(call.text(1))
  else {
    const scores = new Map(names.map((name) => [name, source!.scores.get(name)!]))
    call.db.set(call.text(1), { type: 'zset', scores, sorted: null })
  }
  call.replies.integer(names.length)
}

function zlexcount(call: Call): void {
  const inside = byLex(call, 2, 3)
  const zset = call.db.typed(call.text(1), 'zset')
  call.replies.integer(zset === null ? 0 : sortedMembers(zset).filter((name) => inside(zset, name)).length)
}

export const zsetRanges = commands('sorted-set', [
  ['zlexcount', 4, 'readonly fast', ONE_KEY, zlexcount],
  ['zrange', -4, 'readonly', ONE_KEY, range('RANK', false, true)],
  ['zrangebylex', -4, 'readonly', ONE_KEY, range('LEX', false)],
  ['zrangebyscore', -4, 'readonly', ONE_KEY, range('SCORE', false)],
  ['zrangestore', -5, 'write denyoom', [1, 2, 1], zrangestore],
  ['zrevrange', -4, 'readonly', ONE_KEY, range('RANK', true)],
  ['zrevrangebylex', -4, 'readonly', ONE_KEY, range('LEX', true)],
  ['zrevrangebyscore', -4, 'readonly', ONE_KEY, range('SCORE', true)],
])
