import { commands, NO_KEYS, ONE_KEY, parseInt64, type Call } from '../command.ts'
import { CommandError, type Database, type StreamEntry, type StreamId, type StreamValue } from '../store.ts'
import { blockOn } from './blocking.ts'

const BAD_ID = 'ERR Invalid stream ID specified as stream command argument'
const FIRST: StreamId = [0, 0]
const LAST: StreamId = [Infinity, Infinity]

function compare(a: StreamId, b: StreamId): number {
  return a[0] - b[0] || a[1] - b[1]
}

/** `ms-seq`, `ms`, `-` or `+`; `missing` is the sequence number where none stands. */
function parseId(text: string, missing: number): StreamId {
  if (text === '-') return FIRST
  if (text === '+') return LAST
  const match = /^(\d{1,19})(?:-(\d{1,19}))?$/.exec(text)
  if (match === null) throw new CommandError(BAD_ID)
  return [Number(match[1]), match[2] === undefined ? missing : Number(match[2])]
}

function show(id: StreamId): string {
  return `${id[0]}-${id[1]}`
}

function nextId(call: Call, text: string, last: StreamId): StreamId {
  const nowMs = call.server.world.clock.wall()
  if (text === '*') return nowMs > last[0] ? [nowMs, 0] : [last[0], last[1] + 1]
  const open = /^(\d{1,19})-\*$/.exec(text)
  if (open !== null) {
    const ms = Number(open[1])
    return [ms, ms === last[0] ? last[1] + 1 : 0]
  }
  return parseId(text, 0)
}

/** [MAXLEN|MINID [=|~] threshold [LIMIT n]] from `at`: where the rest begins, and what trims. */
function trimming(call: Call, at: number): { next: number; trim: (stream: StreamValue) => number } {
  const word = call.word(at)
  let next = at + 1
  const sign = next < call.count ? call.text(next) : ''
  if (sign === '=' || sign === '~') next++
  if (next >= call.count) call.syntaxError()
  const threshold = call.text(next++)
  if (call.count > next + 1 && call.word(next) === 'LIMIT') {
    if (sign !== '~') throw new CommandError('ERR syntax error, LIMIT cannot be used without the special ~ option')
    next += 2
  }
  if (word === 'MINID') {
    const least = parseId(threshold, 0)
    return { next, trim: (stream) => keep(stream, (entry) => compare(entry.id, least) >= 0) }
  }
  const most = Number(parseInt64(Buffer.from(threshold, 'latin1')))
  if (most < 0) throw new CommandError('ERR The MAXLEN argument must be >= 0.')
  return { next, trim: (stream) => keep(stream, (_, place) => place >= stream.entries.length - most) }
}

function keep(stream: StreamValue, kept: (entry: StreamEntry, place: number) => boolean): number {
  const before = stream.entries.length
  stream.entries = stream.entries.filter(kept)
  return before - stream.entries.length
}

function xadd(call: Call): void {
  const key = call.text(1)
  let at = 2
  let create = true
  let trim: ((stream: StreamValue) => number) | null = null
  for (; at < call.count;) {
    const word = call.word(at)
    if (word === 'NOMKSTREAM') {
      create = false
      at++
    } else if (word === 'MAXLEN' || word === 'MINID') ({ next: at, trim } = trimming(call, at))
    else break
  }
  const pairs = call.args.slice(at + 1)
  if (pairs.length === 0 || pairs.length % 2 !== 0) call.wrongArity()
  const existing = call.db.typed(key, 'stream')
  if (existing === null && !create) {
    call.replies.nil()
    return
  }
  const stream: StreamValue = existing ?? { type: 'stream', entries: [], lastId: FIRST }
  const id = nextId(call, call.text(at), stream.lastId)
  if (compare(id, FIRST) === 0) throw new CommandError('ERR The ID specified in XADD must be greater than 0-0')
  if (compare(id, stream.lastId) <= 0)
    throw new CommandError('ERR The ID specified in XADD is equal or smaller than the target stream top item')
  stream.entries.push({ id, pairs })
  stream.lastId = id
  trim?.(stream)
  if (existing === null) call.db.set(key, stream)
  else call.db.touch(key)
  call.replies.bulk(show(id))
}

function replyEntries(call: Call, entries: readonly StreamEntry[]): void {
  call.replies.array(entries.length)
  for (const { id, pairs } of entries) {
    call.replies.array(2)
    call.replies.bulk(show(id))
    call.replies.bulks(pairs)
  }
}

/** An end of a range: `(` leaves the id itself out. */
function bound(text: string, missing: number): (id: StreamId) => number {
  const open = text[0] === '('
  const end = parseId(open ? text.slice(1) : text, missing)
  return (id) => compare(id, end) || (open ? NaN : 0)
}

function xrange(reversed: boolean) {
  return (call: Call): void => {
    const low = bound(call.text(reversed ? 3 : 2), 0)
    const high = bound(call.text(reversed ? 2 : 3), Infinity)
    let count = Infinity
    if (call.count > 4) {
      if (call.count !== 6 || call.word(4) !== 'COUNT') call.syntaxError()
      count = Math.max(0, call.integer(5))
    }
    const entries = (call.db.typed(call.text(1), 'stream')?.entries ?? []).filter(
      ({ id }) => low(id) >= 0 && high(id) <= 0,
    )
    if (reversed) entries.reverse()
    replyEntries(call, entries.slice(0, count))
  }
}

function after(db: Database, key: string, id: StreamId, count: number): StreamEntry[] {
  const entries = db.typed(key, 'stream')?.entries ?? []
  return entries.filter((entry) => compare(entry.id, id) > 0).slice(0, count)
}

function xreadOptions(call: Call): { count: number; blockMs: number | null; streamsAt: number } {
  const options = { count: Infinity, blockMs: null as number | null, streamsAt: 1 }
  for (let at = 1; at < call.count; at += 2) {
    const word = call.word(at)
    if (word === 'STREAMS') return { ...options, streamsAt: at + 1 }
    if (at + 1 >= call.count) break
    if (word === 'COUNT') options.count = call.integer(at + 1) > 0 ? call.integer(at + 1) : Infinity
    else if (word === 'BLOCK') {
      options.blockMs = call.integer(at + 1, 'ERR timeout is not an integer or out of range')
      if (options.blockMs < 0) throw new CommandError('ERR timeout is negative')
    } else break
  }
  return call.syntaxError()
}

function xread(call: Call): void {
  const { count, blockMs, streamsAt } = xreadOptions(call)
  const rest = call.count - streamsAt
  if (rest === 0) call.syntaxError()
  if (rest % 2 !== 0)
    throw new CommandError("ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.")
  const keys = call.texts(streamsAt, streamsAt + rest / 2)
  const since = new Map<string, StreamId>()
  for (const [i, key] of keys.entries()) {
    const text = call.text(streamsAt + rest / 2 + i)
    const last = call.db.typed(key, 'stream')?.lastId ?? FIRST
    since.set(key, text === '$' ? last : parseId(text, 0))
  }
  const answer = (found: [string, StreamEntry[]][]) => {
    const { replies } = call
    if (replies.version === 3) replies.map(found.length)
    else replies.array(found.length)
    for (const [key, entries] of found) {
      if (replies.version === 2) replies.array(2)
      replies.bulk(key)
      replyEntries(call, entries)
    }
  }
  const found = keys
    .map((key): [string, StreamEntry[]] => [key, after(call.db, key, since.get(key)!, count)])
    .filter(([, entries]) => entries.length > 0)
  if (found.length > 0 || blockMs === null) {
    if (found.length > 0) answer(found)
    else call.replies.nilArray()
    return
  }
  const serve = (key: string, db: Database): boolean => {
    const entries = after(db, key, since.get(key)!, count)
    if (entries.length > 0) answer([[key, entries]])
    return entries.length > 0
  }
  blockOn(call, keys, blockMs, serve, () => call.replies.nilArray())
}

function xdel(call: Call): void {
  const ids = call.texts(2).map((text) => parseId(text, 0))
  const stream = call.db.typed(call.text(1), 'stream')
  const count = stream === null ? 0 : keep(stream, ({ id }) => !ids.some((other) => compare(id, other) === 0))
  if (count > 0) call.db.touch(call.text(1))
  call.replies.integer(count)
}

function xtrim(call: Call): void {
  if (!['MAXLEN', 'MINID'].includes(call.word(2))) call.syntaxError()
  const { next, trim } = trimming(call, 2)
  if (next !== call.count) call.syntaxError()
  const stream = call.db.typed(call.text(1), 'stream')
  const count = stream === null ? 0 : trim(stream)
  if (count > 0) call.db.touch(call.text(1))
  call.replies.integer(count)
}

export const streams = commands('stream', [
  ['xadd', -5, 'write denyoom fast', ONE_KEY, xadd],
  ['xdel', -3, 'write fast', ONE_KEY, xdel],
  [
    'xlen',
    2,
    'readonly fast',
    ONE_KEY,
    (call) => call.replies.integer(call.db.typed(call.text(1), 'stream')?.entries.length ?? 0),
  ],
  ['xrange', -4, 'readonly', ONE_KEY, xrange(false)],
  ['xread', -4, 'readonly blocking movablekeys', NO_KEYS, xread],
  ['xrevrange', -4, 'readonly', ONE_KEY, xrange(true)],
  ['xtrim', -4, 'write', ONE_KEY, xtrim],
])
