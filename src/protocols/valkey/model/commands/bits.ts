import { commands, ONE_KEY, type Call } from '../command.ts'
import { CommandError } from '../store.ts'
import { clampRange } from './strings.ts'

const EMPTY = Buffer.alloc(0)
const BIT_OFFSET = 'ERR bit offset is not an integer or out of range'

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let count = 0
  for (let rest = byte; rest > 0; rest >>= 1) count += rest & 1
  return count
})

function bytesOf(call: Call, key: string): Buffer {
  return call.db.typed(key, 'string')?.bytes ?? EMPTY
}

function bitOffset(call: Call): number {
  const offset = call.integer(2, BIT_OFFSET)
  if (offset < 0 || offset >= call.server.bulkBytesMax * 8) throw new CommandError(BIT_OFFSET)
  return offset
}

function bitAt(bytes: Buffer, offset: number): number {
  return ((bytes[offset >>> 3] ?? 0) >> (7 - (offset & 7))) & 1
}

function setbit(call: Call): void {
  const offset = bitOffset(call)
  const bit = call.text(3)
  if (bit !== '0' && bit !== '1') throw new CommandError('ERR bit is not an integer or out of range')
  const old = bytesOf(call, call.text(1))
  const bytes = Buffer.alloc(Math.max(old.length, (offset >>> 3) + 1))
  old.copy(bytes)
  const mask = 1 << (7 - (offset & 7))
  bytes[offset >>> 3] = bit === '1' ? bytes[offset >>> 3]! | mask : bytes[offset >>> 3]! & ~mask
  call.db.setBytes(call.text(1), bytes, true)
  call.replies.integer(bitAt(old, offset))
}

function getbit(call: Call): void {
  const offset = bitOffset(call)
  call.replies.integer(bitAt(bytesOf(call, call.text(1)), offset))
}

/** The range of bits that arguments from `at` on name: [first, last], or null where it is empty. */
function bitRange(call: Call, at: number, bytes: Buffer): [number, number] | null {
  const unit = call.count > at + 2 ? call.word(at + 2) : 'BYTE'
  if (call.count > at + 3 || (unit !== 'BYTE' && unit !== 'BIT')) call.syntaxError()
  const scale = unit === 'BYTE' ? 8 : 1
  const start = call.count > at ? call.integer(at) : 0
  const stop = call.count > at + 1 ? call.integer(at + 1) : -1
  const range = clampRange(start, Math.max(stop, (-bytes.length * 8) / scale), (bytes.length * 8) / scale)
  return range === null ? null : [range[0] * scale, range[1] * scale + scale - 1]
}

function bitcount(call: Call): void {
  if (call.count === 3) call.syntaxError()
  const bytes = bytesOf(call, call.text(1))
  const range = bitRange(call, 2, bytes)
  let count = 0
  if (range !== null) {
    const [first, last] = range
    for (let bit = first; bit <= last;)
      if ((bit & 7) === 0 && bit + 7 <= last) {
        count += ONES[bytes[bit >>> 3]!]!
        bit += 8
      } else count += bitAt(bytes, bit++)
  }
  call.replies.integer(count)
}

function bitpos(call: Call): void {
  const wanted = call.text(2)
  if (wanted !== '0' && wanted !== '1') throw new CommandError('ERR The bit argument must be 1 or 0.')
  const value = call.db.typed(call.text(1), 'string')
  const bytes = value?.bytes ?? EMPTY
  const range = bitRange(call, 3, bytes)
  if (value === null) {
    call.replies.integer(wanted === '1' ? -1 : 0)
    return
  }
  if (range !== null)
    for (let bit = range[0]; bit <= range[1]; bit++)
      if (bitAt(bytes, bit) === Number(wanted)) {
        call.replies.integer(bit)
        return
      }
  // Without an end, zeroes follow the string.
  call.replies.integer(wanted === '0' && call.count < 5 && range !== null ? bytes.length * 8 : -1)
}

const OPERATIONS: Record<string, (a: number, b: number) => number> = {
  AND: (a, b) => a & b,
  OR: (a, b) => a | b,
  XOR: (a, b) => a ^ b,
}

function bitop(call: Call): void {
  const operation = call.word(1)
  if (operation !== 'NOT' && !(operation in OPERATIONS)) call.syntaxError()
  if (operation === 'NOT' && call.count !== 4)
    throw new CommandError('ERR BITOP NOT must be called with a single source key.')
  const sources = call.texts(3).map((key) => bytesOf(call, key))
  const result = Buffer.alloc(Math.max(...sources.map((source) => source.length)))
  for (let i = 0; i < result.length; i++) {
    let byte = sources[0]![i] ?? 0
    if (operation === 'NOT') byte = ~byte
    else for (const source of sources.slice(1)) byte = OPERATIONS[operation]!(byte, source[i] ?? 0)
    result[i] = byte
  }
  if (result.length === 0) call.db.delete(call.text(2))
  else call.db.setBytes(call.text(2), result)
  call.replies.integer(result.length)
}

export const bits = commands('bitmap', [
  ['bitcount', -2, 'readonly', ONE_KEY, bitcount],
  ['bitop', -4, 'write denyoom', [2, -1, 1], bitop],
  ['bitpos', -3, 'readonly', ONE_KEY, bitpos],
  ['getbit', 3, 'readonly fast', ONE_KEY, getbit],
  ['setbit', 4, 'write denyoom', ONE_KEY, setbit],
])
