import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRAME_HEAD, FRAME_LAST, FRAME_WHOLE } from '../../core/frame.ts'
import { requestFrame } from './envelope.ts'
import { QUERY } from './opcodes.ts'
import { SegmentFormat } from './segment.ts'
import { wrapped } from './wrapping.ts'

const SELF_CONTAINED = 2

for (const [what, flags, selfContained] of [
  ['a whole envelope is', FRAME_WHOLE, true],
  ['the head of a large one is not', FRAME_HEAD, false],
  ['a part of it is not', 0, false],
  ['its last part is not', FRAME_LAST, false],
] as const)
  test(`${what} self-contained in its outer frame: servers wait for the rest of what is not`, () => {
    const frame = requestFrame(5, 0, QUERY, Buffer.alloc(20))
    frame.flags = flags
    const bytes = wrapped(frame, new SegmentFormat(false)).toBuffer()
    assert.equal((bytes[2]! & SELF_CONTAINED) !== 0, selfContained)
  })
