import { commands, NO_KEYS, TWO_KEYS, type Call } from '../command.ts'
import { CommandError, type Database } from '../store.ts'
import { endArgument, moveItem, mpopArguments, popItems, serveMpop, type End } from './lists.ts'
import { serveZmpop, serveZpop } from './zset-pops.ts'

/** The argument in seconds, as milliseconds; 0: for ever. */
function timeoutMs(call: Call, at: number): number {
  const seconds = call.double(at, 'ERR timeout is not a float or out of range')
  if (seconds < 0) throw new CommandError('ERR timeout is negative')
  if (seconds * 1000 > 2 ** 53) throw new CommandError('ERR timeout is out of range')
  return Math.ceil(seconds * 1000)
}

/** Answers from the first key that has something, or waits until one has. `nothing` answers that none came in time. */
export function blockOn(
  call: Call,
  keys: readonly string[],
  waitMs: number,
  serve: (key: string, db: Database) => boolean,
  nothing: () => void,
): void {
  const { db, server, session, replies } = call
  if (keys.some((key) => serve(key, db))) return
  if (call.inTransaction) {
    nothing()
    return
  }
  // The mode of this command, whatever was sent behind it.
  const { muted } = replies
  const answering = <T>(answer: () => T): T => {
    replies.muted = muted
    const result = answer()
    replies.muted = false
    return result
  }
  const wait = {
    database: db.index,
    keys,
    serve: (key: string) =>
      answering(() => {
        try {
          return serve(key, db)
        } catch (error) {
          // A value of another type is not what it waits for.
          if (error instanceof CommandError) return false
          throw error
        }
      }),
    timedOut: () => answering(nothing),
  }
  server.block(session, wait, waitMs)
}

function bpop(end: End) {
  return (call: Call): void => {
    const keys = call.texts(1, call.count - 1)
    const serve = (key: string, db: Database): boolean => {
      const taken = popItems(db, key, end, 1)
      if (taken !== null) call.replies.bulks([key, taken[0]!])
      return taken !== null
    }
    blockOn(call, keys, timeoutMs(call, call.count - 1), serve, () => call.replies.nilArray())
  }
}

function bmove(call: Call, fromEnd: End, toEnd: End, timeoutAt: number): void {
  const [from, to] = [call.text(1), call.text(2)]
  const serve = (_: string, db: Database): boolean => {
    if (db.get(from) === null) return false
    try {
      call.replies.bulk(moveItem(db, from, to, fromEnd, toEnd)!)
    } catch (error) {
      // Of the wrong type is an error for whoever waited, too.
      if (!(error instanceof CommandError) || call.session.blocked === null) throw error
      if (db.get(from)!.type !== 'list') return false
      call.replies.error(error.message)
    }
    return true
  }
  blockOn(call, [from], timeoutMs(call, timeoutAt), serve, () => {
    if (call.inTransaction) call.replies.nil()
    else call.replies.nilArray()
  })
}

function blmove(call: Call): void {
  bmove(call, endArgument(call, 3), endArgument(call, 4), 5)
}

function blmpop(call: Call): void {
  const waitMs = timeoutMs(call, 1)
  const { keys, end, count } = mpopArguments(call, 2)
  if (end !== 'LEFT' && end !== 'RIGHT') call.syntaxError()
  blockOn(
    call,
    keys,
    waitMs,
    (key, db) => serveMpop(call, db, key, end, count),
    () => call.replies.nilArray(),
  )
}

function bzpop(end: 'MIN' | 'MAX') {
  return (call: Call): void => {
    const waitMs = timeoutMs(call, call.count - 1)
    blockOn(
      call,
      call.texts(1, call.count - 1),
      waitMs,
      (key, db) => serveZpop(call, db, key, end),
      () => call.replies.nilArray(),
    )
  }
}

function bzmpop(call: Call): void {
  const waitMs = timeoutMs(call, 1)
  const { keys, end, count } = mpopArguments(call, 2)
  if (end !== 'MIN' && end !== 'MAX') call.syntaxError()
  blockOn(
    call,
    keys,
    waitMs,
    (key, db) => serveZmpop(call, db, key, end, count),
    () => call.replies.nilArray(),
  )
}

export const blocking = commands('list', [
  ['blmove', 6, 'write denyoom noscript blocking', TWO_KEYS, blmove],
  ['blmpop', -5, 'write blocking movablekeys', NO_KEYS, blmpop],
  ['blpop', -3, 'write noscript blocking', [1, -2, 1], bpop('LEFT')],
  ['brpop', -3, 'write noscript blocking', [1, -2, 1], bpop('RIGHT')],
  ['brpoplpush', 4, 'write denyoom noscript blocking', TWO_KEYS, (call) => bmove(call, 'RIGHT', 'LEFT', 3)],
  ['bzmpop', -5, 'write blocking movablekeys', NO_KEYS, bzmpop],
  ['bzpopmax', -3, 'write noscript fast blocking', [1, -2, 1], bzpop('MAX')],
  ['bzpopmin', -3, 'write noscript fast blocking', [1, -2, 1], bzpop('MIN')],
])
