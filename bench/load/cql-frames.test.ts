import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EnvelopeCutter, envelope, inOuterFrame, opcodeAt, OPCODE, streamAt } from './cql-frames.ts'

const ENVELOPES = [
  envelope(0x85, 7, OPCODE.result, Buffer.from('a row')),
  envelope(0x85, 300, OPCODE.error, Buffer.alloc(0)),
  envelope(0x85, 2, OPCODE.result, Buffer.alloc(300_000, 1)),
]

function read(pieces: readonly Buffer[], isOuter: boolean): string[] {
  const found: string[] = []
  const cutter = new EnvelopeCutter((bytes, at, end) =>
    found.push(`${streamAt(bytes, at)} ${opcodeAt(bytes, at)} ${end - at}`),
  )
  if (isOuter) cutter.switch()
  for (const piece of pieces) cutter.push(piece)
  return found
}

const EXPECTED = ['7 8 14', '300 0 9', '2 8 300009']

for (const isOuter of [false, true]) {
  const stream = Buffer.concat(isOuter ? ENVELOPES.map(inOuterFrame) : ENVELOPES)
  test(`envelopes ${isOuter ? 'in outer frames ' : ''}are the same however the stream is cut in two`, () => {
    for (let cut = 0; cut <= stream.length; cut += cut < 80 ? 1 : 37_777)
      assert.deepEqual(read([stream.subarray(0, cut), stream.subarray(cut)], isOuter), EXPECTED, `cut at ${cut}`)
  })
}

test('an outer frame may carry several envelopes, and a part of one', () => {
  const stream = Buffer.concat(ENVELOPES)
  const pieces = [stream.subarray(0, 30), stream.subarray(30)]
  assert.deepEqual(read(pieces.map(inOuterFrame), true), EXPECTED)
})
