import type { Call } from '../command.ts'
import { CommandError, sortedMembers, type Database, type ZsetValue } from '../store.ts'
import { mpopArguments } from './lists.ts'

export type Extreme = 'MIN' | 'MAX'

/** Removes members; the scores that they had. */
export function removeScores(db: Database, key: string, zset: ZsetValue, names: readonly string[]): [string, number][] {
  const removed: [string, number][] = []
  for (const name of names) {
    const score = zset.scores.get(name)
    if (score === undefined) continue
    zset.scores.delete(name)
    removed.push([name, score])
  }
  if (removed.length > 0) {
    zset.sorted = null
    db.changed(key, zset.scores.size)
  }
  return removed
}

function popScores(db: Database, key: string, extreme: Extreme, count: number): [string, number][] | null {
  const zset = db.typed(key, 'zset')
  if (zset === null) return null
  const sorted = sortedMembers(zset)
  const names = extreme === 'MIN' ? sorted.slice(0, count) : sorted.slice(Math.max(0, sorted.length - count)).reverse()
  return removeScores(db, key, zset, names)
}

export function zpop(extreme: Extreme) {
  return (call: Call): void => {
    if (call.count > 3) call.wrongArity()
    const count = call.count === 3 ? call.integer(2, 'ERR value is out of range, must be positive') : 1
    if (count < 0) throw new CommandError('ERR value is out of range, must be positive')
    const popped = popScores(call.db, call.text(1), extreme, count) ?? []
    const nested = call.replies.version === 3 && call.count === 3
    call.replies.array(nested ? popped.length : 2 * popped.length)
    for (const [name, score] of popped) {
      if (nested) call.replies.array(2)
      call.replies.bulk(name)
      call.replies.double(score)
    }
  }
}

/** Answers with key, member and score; false where the key holds nothing. */
export function serveZpop(call: Call, db: Database, key: string, extreme: Extreme): boolean {
  const popped = popScores(db, key, extreme, 1)
  if (popped === null) return false
  const [name, score] = popped[0]!
  call.replies.array(3)
  call.replies.bulk(key)
  call.replies.bulk(name)
  call.replies.double(score)
  return true
}

export function serveZmpop(call: Call, db: Database, key: string, extreme: Extreme, count: number): boolean {
  const popped = popScores(db, key, extreme, count)
  if (popped === null) return false
  call.replies.array(2)
  call.replies.bulk(key)
  call.replies.array(popped.length)
  for (const [name, score] of popped) {
    call.replies.array(2)
    call.replies.bulk(name)
    call.replies.double(score)
  }
  return true
}

export function zmpop(call: Call): void {
  const { keys, end, count } = mpopArguments(call, 1)
  if (end !== 'MIN' && end !== 'MAX') call.syntaxError()
  if (!keys.some((key) => serveZmpop(call, call.db, key, end, count))) call.replies.nilArray()
}
