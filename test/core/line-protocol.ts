import type { Exchange } from '../../src/core/exchange.ts'
import { FRAME_HEAD, FRAME_LAST, FRAME_WHOLE, Frame } from '../../src/core/frame.ts'
import { ProtocolError, WIRE_CLEAN, type Protocol, type ClientSideWire } from '../../src/core/protocol.ts'
import { frameOf, textOf } from './chain-play.ts'

/**
 * Client side of a protocol whose requests are lines. A line that starts with `!` breaks the protocol, one that starts with `?`
 * breaks it in a way that gets no answer, and one that is longer than the bound comes in parts. A last line needs no end.
 */
class LineWire implements ClientSideWire {
  readonly sentTexts: string[] = []
  readonly #bound: number
  #rest = Buffer.alloc(0)
  #headGone = false

  constructor(bound: number) {
    this.#bound = bound
  }
  get pending(): number {
    return this.#rest.length
  }
  push(bytes: Buffer, start: number, end: number): void {
    this.#rest = Buffer.concat([this.#rest, bytes.subarray(start, end)])
  }
  keep(): void {}
  next(): Frame | null {
    const at = this.#rest.indexOf(10)
    if (at < 0 && this.#rest.length <= this.#bound) return null
    const last = at >= 0
    const size = last ? at + 1 : this.#rest.length
    const flags = (this.#headGone ? 0 : FRAME_HEAD) | (last ? FRAME_LAST : 0)
    this.#headGone = !last
    return this.#take(size, flags)
  }
  #take(size: number, flags: number): Frame {
    const first = String.fromCharCode(this.#rest[0]!)
    if (first === '!') throw new ProtocolError('a bang', frameOf('-ERR a bang\n'))
    if (first === '?') throw new ProtocolError('a question')
    // Cut from a buffer that is lent: who keeps the frame must own it.
    const frame = new Frame(this.#rest, 0, size, 0, 0, true)
    frame.flags = flags
    const lent = this.#rest
    this.#rest = Buffer.from(this.#rest.subarray(size))
    queueMicrotask(() => lent.fill(0xee))
    return frame
  }
  read(exchange: Exchange): void {
    this.sentTexts.push(textOf(exchange.request))
  }
  eof(): Frame | null {
    if (this.#headGone) throw new ProtocolError('torn')
    return this.#rest.length === 0 ? null : this.#take(this.#rest.length, FRAME_WHOLE)
  }
  state(): number {
    return WIRE_CLEAN
  }
}

export function lineProtocol(order: Protocol['orderToClient'] | 'streams', hasFailures = true): Protocol {
  return {
    name: 'Lines',
    orderToClient: order === 'streams' ? 'any' : order,
    interleaves: order === 'streams',
    clientWire: (options: { cutThroughBytes: number }) => new LineWire(options.cutThroughBytes),
    failure: (request: Frame, kind: string) =>
      hasFailures ? frameOf(`-${kind} ${textOf(request).slice(0, 20).trim()}\n`) : null,
  } as unknown as Protocol
}
