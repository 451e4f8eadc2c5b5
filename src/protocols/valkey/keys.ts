import type { Frame } from '../../core/frame.ts'
import { argumentsOf } from './body.ts'
import { codeOf, firstKey, keySpecs, keyStep, lastKey } from './commands.ts'
import type { KeySpec } from './commands.table.ts'

/** Commands whose STORE names a key that the server finds by a function of its own, not by a key spec. */
const SORT = codeOf('sort')
/** Its key stands behind KEYS where the place for one is empty. */
const MIGRATE = codeOf('migrate')

/** Indices of the keys among the arguments of a request, the name being 0, in ascending order. */
export function keyIndices(code: number, args: readonly Buffer[]): number[] {
  const found = new Set<number>()
  const specs = keySpecs[code]
  if (specs === null) {
    if (firstKey[code] > 0) range(args.length, firstKey[code], lastKey[code], keyStep[code], 0, found)
  } else {
    for (const spec of specs) bySpec(spec, args, found)
  }
  if (code === SORT) {
    for (let i = 2; i + 1 < args.length; i++) if (isWord(args[i], 'STORE')) found.add(i + 1)
  }
  if (code === MIGRATE && args[3]?.length === 0) found.delete(3)
  return [...found].sort((a, b) => a - b)
}

/** Those of a request of which all keys are there. Throws RangeError where the rest of a large request may have more of them. */
export function certainKeyIndices(request: Frame): number[] {
  const args = argumentsOf(request)
  if (!request.whole && !keysStandFirst(request.code, args.length))
    throw new RangeError('not all keys of this large request are there yet: ask for requests to come whole')
  return keyIndices(request.code, args)
}

/** Do all keys of the command stand in fixed places among its first `count` arguments? */
function keysStandFirst(code: number, count: number): boolean {
  if (code === 0 || code === SORT || code === MIGRATE) return false
  const specs = keySpecs[code]
  if (specs === null) return lastKey[code] >= 0 && lastKey[code] < count
  return specs.every(
    ({ begin, find }) => begin[0] === 'index' && find[0] === 'range' && find[1] >= 0 && begin[1] + find[1] < count,
  )
}

function bySpec({ begin, find }: KeySpec, args: readonly Buffer[], found: Set<number>): void {
  let first = -1
  if (begin[0] === 'index') first = begin[1]
  if (begin[0] === 'keyword') first = afterKeyword(args, begin[1], begin[2])
  if (first < 1 || first >= args.length) return
  if (find[0] === 'range') {
    const [, last, step, limit] = find
    range(args.length, first, last < 0 ? last : first + last, step, limit, found)
  } else if (find[0] === 'keynum') {
    const [, countAt, firstAt, step] = find
    const text = args[first + countAt]?.toString('latin1') ?? ''
    const count = /^\d{1,9}$/.test(text) ? Number(text) : 0
    const start = first + firstAt
    if (count > 0) range(args.length, start, Math.min(start + (count - 1) * step, args.length - 1), step, 0, found)
  }
}

/** The argument behind a word that is looked for from `from` on, or backwards from the end where that is negative. */
function afterKeyword(args: readonly Buffer[], word: string, from: number): number {
  const step = from < 0 ? -1 : 1
  for (let i = from < 0 ? args.length + from : from; i > 0 && i < args.length; i += step) {
    if (isWord(args[i], word)) return i + 1
  }
  return -1
}

/** `last` below zero counts from the end; of a `limit` above one, only that part of the rest holds keys. */
function range(length: number, first: number, last: number, step: number, limit: number, found: Set<number>): void {
  let stop = last < 0 ? length + last : last
  if (limit > 1 && last === -1) stop = first + Math.floor((length - first) / limit) - 1
  for (let i = first; i <= stop && i < length; i += step) found.add(i)
}

function isWord(arg: Buffer, word: string): boolean {
  return arg.length === word.length && arg.toString('latin1').toUpperCase() === word
}
