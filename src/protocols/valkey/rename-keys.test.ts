import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_HEAD, type Frame } from '../../core/frame.ts'
import { request } from '../../../test/valkey/talk.ts'
import { argumentsOf } from './body.ts'
import { queries } from './queries.ts'
import { splice } from './splice.ts'
import { ClientWire } from './wire-client.ts'

const prefixed = (key: string) => `t1:${key}`

function rename(frame: Frame, to: (key: string) => string = prefixed): void {
  queries.renameKeys!(frame, to)
}

const wordsOf = (frame: Frame) => argumentsOf(frame).map(String).join(' ')

/** As the wire would read what leaves. */
function read(bytes: Buffer): Frame {
  const wire = new ClientWire(Infinity)
  wire.push(bytes, 0, bytes.length)
  return wire.next()!
}

/** The head of a request of which only the first `size` bytes are there. */
function headOf(line: string, size: number): Frame {
  const frame = request(line)
  frame.end = frame.start + size
  frame.flags = FRAME_HEAD
  return frame
}

const RENAMED: readonly (readonly [string, string])[] = [
  ['GET a', 'GET t1:a'],
  ['SET a a', 'SET t1:a a'],
  ['PING', 'PING'],
  ['MSET a 1 b 2', 'MSET t1:a 1 t1:b 2'],
  ['EVAL script 2 a b c', 'EVAL script 2 t1:a t1:b c'],
  ['OBJECT ENCODING a', 'OBJECT ENCODING t1:a'],
  ['SORT k BY w_* STORE d', 'SORT t1:k BY w_* STORE t1:d'],
  ['XREADGROUP GROUP g c STREAMS a b > >', 'XREADGROUP GROUP g c STREAMS t1:a t1:b > >'],
  ['GET ""', 'GET t1:'],
]
for (const [line, after] of RENAMED) {
  test(`${line} becomes ${after}, whether or not it was changed before`, () => {
    const frame = request(line)
    const { code } = frame
    rename(frame)
    assert.equal(wordsOf(frame), after)
    assert.equal(wordsOf(read(frame.toBuffer())), after)
    assert.equal(frame.toBuffer().length, frame.size)
    assert.equal(frame.code, code)
    rename(frame, (key) => key.replace('t1:', 't22:'))
    assert.equal(wordsOf(read(frame.toBuffer())), after.replaceAll('t1:', 't22:'))
    splice(frame, 0, Buffer.from(line.split(' ')[0]!.toLowerCase()))
    rename(frame, (key) => key.slice('t22:'.length))
    assert.equal(wordsOf(read(frame.toBuffer())).toLowerCase(), line.replace('""', '').toLowerCase())
  })
}

test('a name of the same length, any bytes, and a name that stays', () => {
  const frame = request('MGET a "\\xff\\x00" c')
  rename(frame, (key) => (key === 'a' ? 'b' : key === 'c' ? 'c' : '\x80\r\n'))
  assert.equal(frame.toBuffer().toString('latin1'), '*4\r\n$4\r\nMGET\r\n$1\r\nb\r\n$3\r\n\x80\r\n\r\n$1\r\nc\r\n')
})

test('the key of a large value is renamed in its head', () => {
  const frame = headOf('SET a 0123456789', 31)
  rename(frame)
  assert.equal(frame.toBuffer().toString(), '*3\r\n$3\r\nSET\r\n$4\r\nt1:a\r\n$10\r\n012345')
})

test('where keys may stand in what has not come yet, nothing is renamed', () => {
  for (const line of ['MSET a 1 b 2', 'DEL a b c', 'SORT a BY b STORE c', 'EVAL script 1 a', 'MODULE.COMMAND a']) {
    const frame = headOf(line, 26)
    assert.throws(() => rename(frame), RangeError, line)
    assert.equal(frame.edits, null)
  }
})

test('many keys are renamed in one pass', () => {
  const frame = request(`MSET ${Array.from({ length: 50_000 }, (_, i) => `k${i} v`).join(' ')}`)
  const since = process.cpuUsage().user
  rename(frame)
  rename(frame)
  assert.ok(process.cpuUsage().user - since < 3_000_000)
  assert.equal(argumentsOf(read(frame.toBuffer()))[99_999]!.toString(), 't1:t1:k49999')
})
