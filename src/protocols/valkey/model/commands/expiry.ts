import { commands, ONE_KEY, type Call } from '../command.ts'
import { CommandError } from '../store.ts'

/** Latest expiry that still fits 64 bits, as far as a double tells. */
const EXPIRY_MS_MAX = 2 ** 63 - 1024

function invalid(call: Call): CommandError {
  return new CommandError(`ERR invalid expire time in '${call.command.name}' command`)
}

/** The argument as wall clock milliseconds; `unit` is EX, PX, EXAT or PXAT. It must be positive. */
export function expiryOption(call: Call, unit: string, at: number): number {
  const value = Number(call.int64(at))
  if (value <= 0) throw invalid(call)
  return toWall(call, value, unit)
}

export function relativeExpiry(call: Call, at: number, unit: 'EX' | 'PX'): number {
  return expiryOption(call, unit, at)
}

function toWall(call: Call, value: number, unit: string): number {
  const ms = unit.startsWith('EX') ? value * 1000 : value
  const wallMs = unit.endsWith('AT') ? ms : call.server.world.clock.wall() + ms
  if (Math.abs(ms) > EXPIRY_MS_MAX || wallMs > EXPIRY_MS_MAX) throw invalid(call)
  return wallMs
}

function conditionHolds(condition: string, current: number | null, wallMs: number): boolean {
  switch (condition) {
    case 'NX':
      return current === null
    case 'XX':
      return current !== null
    case 'GT':
      return current !== null && wallMs > current
    default:
      return current === null || wallMs < current
  }
}

function expire(unit: 'EX' | 'PX' | 'EXAT' | 'PXAT') {
  return (call: Call): void => {
    const words = call.texts(3).map((word) => word.toUpperCase())
    for (const [i, word] of words.entries())
      if (!['NX', 'XX', 'GT', 'LT'].includes(word)) throw new CommandError(`ERR Unsupported option ${call.text(3 + i)}`)
    if (words.includes('NX') && words.some((word) => word !== 'NX'))
      throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible')
    if (words.includes('GT') && words.includes('LT'))
      throw new CommandError('ERR GT and LT options at the same time are not compatible')
    const wallMs = toWall(call, Number(call.int64(2)), unit)
    const key = call.text(1)
    const { db } = call
    const holds = words.every((word) => conditionHolds(word, db.expiry(key), wallMs))
    if (db.get(key) === null || !holds) {
      call.replies.integer(0)
      return
    }
    if (wallMs <= call.server.world.clock.wall()) db.delete(key)
    else db.setExpiry(key, wallMs)
    call.replies.integer(1)
  }
}

/** -2: no such key; -1: it does not expire. */
function expiryOf(call: Call): number {
  if (call.db.get(call.text(1)) === null) return -2
  return call.db.expiry(call.text(1)) ?? -1
}

function leftMs(call: Call): number {
  const expiry = expiryOf(call)
  return expiry < 0 ? expiry : expiry - call.server.world.clock.wall()
}

function ttl(call: Call): void {
  const left = leftMs(call)
  call.replies.integer(left < 0 ? left : Math.floor((left + 500) / 1000))
}

function expiretime(call: Call): void {
  const expiry = expiryOf(call)
  call.replies.integer(expiry < 0 ? expiry : Math.floor((expiry + 500) / 1000))
}

function persist(call: Call): void {
  const had = expiryOf(call) >= 0
  if (had) call.db.setExpiry(call.text(1), null)
  call.replies.integer(Number(had))
}

export const expiry = commands('generic', [
  ['expire', -3, 'write fast', ONE_KEY, expire('EX')],
  ['expireat', -3, 'write fast', ONE_KEY, expire('EXAT')],
  ['expiretime', 2, 'readonly fast', ONE_KEY, expiretime],
  ['persist', 2, 'write fast', ONE_KEY, persist],
  ['pexpire', -3, 'write fast', ONE_KEY, expire('PX')],
  ['pexpireat', -3, 'write fast', ONE_KEY, expire('PXAT')],
  ['pexpiretime', 2, 'readonly fast', ONE_KEY, (call) => call.replies.integer(expiryOf(call))],
  ['pttl', 2, 'readonly fast', ONE_KEY, (call) => call.replies.integer(leftMs(call))],
  ['ttl', 2, 'readonly fast', ONE_KEY, ttl],
])
