import { addInt64, ALL_KEYS, commands, ONE_KEY, parseDouble, parseInt64, type Call } from '../command.ts'
import { formatDouble } from '../replies.ts'
import { CommandError } from '../store.ts'
import { expiryOption, relativeExpiry } from './expiry.ts'

const EMPTY = Buffer.alloc(0)

function get(call: Call): void {
  call.replies.bulkOrNil(call.db.typed(call.text(1), 'string')?.bytes)
}

interface SetOptions {
  condition: 'NX' | 'XX' | null
  get: boolean
  keepExpiry: boolean
  expiryMs: number | null
}

function setOptions(call: Call): SetOptions {
  const options: SetOptions = { condition: null, get: false, keepExpiry: false, expiryMs: null }
  for (let at = 3; at < call.count; at++) {
    const word = call.word(at)
    if ((word === 'NX' || word === 'XX') && options.condition === null) options.condition = word
    else if (word === 'GET') options.get = true
    else if (word === 'KEEPTTL' && options.expiryMs === null) options.keepExpiry = true
    else if (
      /^(EX|PX|EXAT|PXAT)$/.test(word) &&
      !options.keepExpiry &&
      options.expiryMs === null &&
      at + 1 < call.count
    )
      options.expiryMs = expiryOption(call, word, ++at)
    else call.syntaxError()
  }
  return options
}

function set(call: Call): void {
  const options = setOptions(call)
  const key = call.text(1)
  const old = options.get ? (call.db.typed(key, 'string')?.bytes ?? null) : null
  const exists = call.db.get(key) !== null
  if ((options.condition === 'NX' && exists) || (options.condition === 'XX' && !exists)) {
    call.replies.bulkOrNil(old)
    return
  }
  call.db.setBytes(key, call.args[2]!, options.keepExpiry)
  if (options.expiryMs !== null) call.db.setExpiry(key, options.expiryMs)
  if (options.get) call.replies.bulkOrNil(old)
  else call.replies.ok()
}

function setWithExpiry(unit: 'EX' | 'PX') {
  return (call: Call): void => {
    const expiryMs = relativeExpiry(call, 2, unit)
    call.db.setBytes(call.text(1), call.args[3]!)
    call.db.setExpiry(call.text(1), expiryMs)
    call.replies.ok()
  }
}

function setnx(call: Call): void {
  const missing = call.db.get(call.text(1)) === null
  if (missing) call.db.setBytes(call.text(1), call.args[2]!)
  call.replies.integer(Number(missing))
}

function getset(call: Call): void {
  const old = call.db.typed(call.text(1), 'string')
  call.db.setBytes(call.text(1), call.args[2]!)
  call.replies.bulkOrNil(old?.bytes)
}

function getdel(call: Call): void {
  const old = call.db.typed(call.text(1), 'string')
  if (old !== null) call.db.delete(call.text(1))
  call.replies.bulkOrNil(old?.bytes)
}

function getex(call: Call): void {
  const key = call.text(1)
  let expiryMs: number | null = null
  const word = call.count > 2 ? call.word(2) : ''
  if (call.count === 3 && word !== 'PERSIST') call.syntaxError()
  if (call.count > 4) call.syntaxError()
  if (call.count === 4) {
    if (!/^(EX|PX|EXAT|PXAT)$/.test(word)) call.syntaxError()
    expiryMs = expiryOption(call, word, 3)
  }
  const value = call.db.typed(key, 'string')
  if (value !== null && call.count > 2 && (expiryMs !== null || call.db.expiry(key) !== null))
    call.db.setExpiry(key, expiryMs)
  call.replies.bulkOrNil(value?.bytes)
}

function mget(call: Call): void {
  call.replies.array(call.count - 1)
  for (let at = 1; at < call.count; at++) {
    const value = call.db.get(call.text(at))
    call.replies.bulkOrNil(value?.type === 'string' ? value.bytes : null)
  }
}

function setPairs(call: Call): void {
  for (let at = 1; at < call.count; at += 2) call.db.setBytes(call.text(at), call.args[at + 1]!)
}

function mset(call: Call): void {
  if (call.count % 2 === 0) call.wrongArity()
  setPairs(call)
  call.replies.ok()
}

function msetnx(call: Call): void {
  if (call.count % 2 === 0) call.wrongArity()
  for (let at = 1; at < call.count; at += 2)
    if (call.db.get(call.text(at)) !== null) {
      call.replies.integer(0)
      return
    }
  setPairs(call)
  call.replies.integer(1)
}

function checkLength(call: Call, bytes: number): void {
  if (bytes > call.server.bulkBytesMax)
    throw new CommandError('ERR string exceeds maximum allowed size (proto-max-bulk-len)')
}

function append(call: Call): void {
  const old = call.db.typed(call.text(1), 'string')?.bytes ?? EMPTY
  checkLength(call, old.length + call.args[2]!.length)
  const bytes = Buffer.concat([old, call.args[2]!])
  call.db.setBytes(call.text(1), bytes, true)
  call.replies.integer(bytes.length)
}

function strlen(call: Call): void {
  call.replies.integer(call.db.typed(call.text(1), 'string')?.bytes.length ?? 0)
}

function setrange(call: Call): void {
  const offset = call.integer(2)
  if (offset < 0) throw new CommandError('ERR offset is out of range')
  const old = call.db.typed(call.text(1), 'string')?.bytes ?? EMPTY
  const part = call.args[3]!
  if (part.length === 0) {
    call.replies.integer(old.length)
    return
  }
  checkLength(call, offset + part.length)
  const bytes = Buffer.alloc(Math.max(old.length, offset + part.length))
  old.copy(bytes)
  part.copy(bytes, offset)
  call.db.setBytes(call.text(1), bytes, true)
  call.replies.integer(bytes.length)
}

/** Both ends of an inclusive range counted from either side; null where it is empty. */
export function clampRange(start: number, stop: number, length: number): [number, number] | null {
  const from = Math.max(0, start < 0 ? length + start : start)
  const to = Math.min(length - 1, stop < 0 ? length + stop : stop)
  return from > to || from >= length ? null : [from, to]
}

function getrange(call: Call): void {
  const start = call.integer(2)
  const end = call.integer(3)
  const bytes = call.db.typed(call.text(1), 'string')?.bytes ?? EMPTY
  // Two negative ends in the wrong order are empty even where both lie before the string.
  const range =
    start < 0 && end < 0 && start > end ? null : clampRange(start, Math.max(end, -bytes.length), bytes.length)
  call.replies.bulk(range === null ? EMPTY : bytes.subarray(range[0], range[1] + 1))
}

function increase(call: Call, by: bigint): void {
  const key = call.text(1)
  const old = call.db.typed(key, 'string')
  const sum = addInt64(old === null ? 0n : parseInt64(old.bytes), by)
  call.db.setBytes(key, Buffer.from(String(sum)), true)
  call.replies.integer(sum)
}

function decrby(call: Call): void {
  const by = call.int64(2)
  if (by === -(2n ** 63n)) throw new CommandError('ERR decrement would overflow')
  increase(call, -by)
}

function incrbyfloat(call: Call): void {
  const key = call.text(1)
  const old = call.db.typed(key, 'string')
  const value = old === null ? 0 : parseDouble(old.bytes, 'ERR value is not a valid float')
  const sum = value + call.double(2)
  if (!Number.isFinite(sum)) throw new CommandError('ERR increment would produce NaN or Infinity')
  const text = formatDouble(sum)
  call.db.setBytes(key, Buffer.from(text), true)
  call.replies.bulk(text)
}

export const strings = commands('string', [
  ['append', 3, 'write denyoom fast', ONE_KEY, append],
  ['decr', 2, 'write denyoom fast', ONE_KEY, (call) => increase(call, -1n)],
  ['decrby', 3, 'write denyoom fast', ONE_KEY, decrby],
  ['get', 2, 'readonly fast', ONE_KEY, get],
  ['getdel', 2, 'write fast', ONE_KEY, getdel],
  ['getex', -2, 'write fast', ONE_KEY, getex],
  ['getrange', 4, 'readonly', ONE_KEY, getrange],
  ['getset', 3, 'write denyoom fast', ONE_KEY, getset],
  ['incr', 2, 'write denyoom fast', ONE_KEY, (call) => increase(call, 1n)],
  ['incrby', 3, 'write denyoom fast', ONE_KEY, (call) => increase(call, call.int64(2))],
  ['incrbyfloat', 3, 'write denyoom fast', ONE_KEY, incrbyfloat],
  ['mget', -2, 'readonly fast', ALL_KEYS, mget],
  ['mset', -3, 'write denyoom', [1, -1, 2], mset],
  ['msetnx', -3, 'write denyoom', [1, -1, 2], msetnx],
  ['psetex', 4, 'write denyoom', ONE_KEY, setWithExpiry('PX')],
  ['set', -3, 'write denyoom', ONE_KEY, set],
  ['setex', 4, 'write denyoom', ONE_KEY, setWithExpiry('EX')],
  ['setnx', 3, 'write denyoom fast', ONE_KEY, setnx],
  ['setrange', 4, 'write denyoom', ONE_KEY, setrange],
  ['strlen', 2, 'readonly fast', ONE_KEY, strlen],
  ['substr', 4, 'readonly', ONE_KEY, getrange],
])
