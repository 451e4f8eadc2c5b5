import assert from 'node:assert/strict'
import { FRAME_HEAD, FRAME_LAST, type Frame } from '../../src/core/frame.ts'
import type { Wire } from '../../src/core/protocol.ts'

/** A message as a wire cut it: what its head knew, and all of its bytes. */
export interface Cut {
  readonly kind: number
  readonly code: number
  readonly text: string
  /** Frames that it came in. */
  readonly frames: number
  /** What the head announced. */
  readonly announced: number
}

const FENCE = 8

/**
 * Pushes each chunk in a buffer that is overwritten as soon as the wire was told to keep what it needs, as a socket's read buffer
 * is, between fences that a wire must not read. `stop`: tells the wire to keep after so many frames of a chunk, as a quantum does.
 */
export function cut(wire: Wire, chunks: readonly Buffer[], stop = Infinity): Cut[] {
  const cuts: Cut[] = []
  const owned: { frame: Frame; text: string }[] = []
  let head: Frame | null = null
  let texts: string[] = []
  const take = (frame: Frame): void => {
    const text = frame.toBuffer().toString('latin1')
    if (!frame.borrowed) owned.push({ frame, text })
    if (frame.flags & FRAME_HEAD) {
      assert.equal(head, null, 'a head inside a message')
      head = frame
      texts = []
    }
    assert.notEqual(head, null, 'a part without its head')
    texts.push(text)
    if ((frame.flags & FRAME_LAST) === 0) return
    const { kind, code, announced } = head!
    cuts.push({ kind, code, text: texts.join(''), frames: texts.length, announced })
    head = null
  }
  for (const chunk of chunks) {
    const lent = Buffer.alloc(chunk.length + 2 * FENCE, 0xee)
    chunk.copy(lent, FENCE)
    wire.push(lent, FENCE, FENCE + chunk.length)
    let count = 0
    for (let frame = wire.next(); frame !== null; frame = wire.next()) {
      take(frame)
      if (++count < stop) continue
      wire.keep()
      lent.fill(0xee)
      count = 0
    }
    wire.keep()
    lent.fill(0xee)
  }
  for (const { frame, text } of owned) {
    assert.equal(frame.toBuffer().toString('latin1'), text, 'an owned frame changed')
  }
  return cuts
}

/** Ways to tear `bytes`: whole, at each place, byte by byte, and with what stands before and behind it. */
export function* tearings(bytes: Buffer, before: Buffer, behind: Buffer): Iterable<readonly Buffer[]> {
  yield [before, bytes, behind]
  yield [Buffer.concat([before, bytes, behind])]
  for (let at = 1; at < bytes.length; at++) {
    yield [before, bytes.subarray(0, at), Buffer.concat([bytes.subarray(at), behind])]
    yield [Buffer.concat([before, bytes.subarray(0, at)]), bytes.subarray(at), behind]
  }
  const all = Buffer.concat([before, bytes, behind])
  yield Array.from(all, (_, at) => all.subarray(at, at + 1))
}
