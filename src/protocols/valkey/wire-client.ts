import type { Frame } from '../../core/frame.ts'
import { ProtocolError, WIRE_CLEAN } from '../../core/protocol.ts'
import type { ClientSideWire } from '../../core/protocol.ts'
import { Cutter } from './cutter.ts'
import { RequestScan } from './request-scan.ts'

/** Cuts what a client sends into requests. Inline requests come as the arrays that they stand for. */
export class ClientWire implements ClientSideWire {
  readonly #cutter: Cutter

  constructor(cutThroughBytes: number) {
    this.#cutter = new Cutter(new RequestScan(), cutThroughBytes)
  }

  get pending(): number {
    return this.#cutter.pending
  }

  push(bytes: Buffer, start: number, end: number): void {
    this.#cutter.push(bytes, start, end)
  }

  next(): Frame | null {
    return this.#cutter.next()
  }

  keep(): void {
    this.#cutter.keep()
  }

  eof(): Frame | null {
    if (this.#cutter.isTorn) throw new ProtocolError('the client closed the connection inside a request')
    return null
  }

  state(): number {
    return WIRE_CLEAN
  }
}
