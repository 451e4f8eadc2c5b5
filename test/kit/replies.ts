import { AT_OWNER, Exchange, PART_TAKEN, type Owner } from '../../src/core/exchange.ts'
import { FRAME_LAST, FRAME_WHOLE } from '../../src/core/frame.ts'
import {
  MATCH_PART,
  MATCH_PUSH,
  MATCH_REPLY,
  type ClientSideWire,
  type Protocol,
  type ServerSideWire,
} from '../../src/core/protocol.ts'

const nobody: Owner = { level: AT_OWNER, onReplies() {}, onReplyPart: () => PART_TAKEN, onSilent() {} }
const WHOLE = { cutThroughBytes: Infinity }

export interface Answered {
  readonly request: Buffer
  readonly reply: Buffer
}

/** What a client makes of the bytes that it gets: which request does each reply answer? */
export class Replies {
  /** In the order in which they came. */
  readonly whole: Answered[] = []
  pushes = 0
  readonly #out: ClientSideWire
  readonly #in: ServerSideWire
  /** Ids of the wire that is asked what replies answer, by the client's own. */
  readonly #ids = new Map<number, number>()

  readonly #protocol: Protocol

  constructor(protocol: Protocol) {
    this.#protocol = protocol
    this.#out = protocol.clientWire(WHOLE)
    this.#in = protocol.serverWire(WHOLE)
  }

  /** The client sends whole requests. */
  sent(bytes: Buffer): void {
    this.#out.push(bytes, 0, bytes.length)
    for (let frame = this.#out.next(); frame !== null; frame = this.#out.next()) {
      const exchange = new Exchange(frame.own(), nobody, AT_OWNER, 0)
      const leaving = this.#in.leave?.(frame, exchange)
      if (leaving !== undefined && frame.stream >= 0) this.#ids.set(frame.stream, this.#idOf(leaving.toBuffer()))
      this.#in.sent(exchange)
    }
  }

  #idOf(request: Buffer): number {
    const wire = this.#protocol.clientWire(WHOLE)
    wire.push(request, 0, request.length)
    return wire.next()!.stream
  }

  /** The client gets bytes. Throws where they are no reply to anything. */
  add(bytes: Buffer): void {
    this.#in.push(bytes, 0, bytes.length)
    for (let frame = this.#in.next(); frame !== null; frame = this.#in.next()) {
      frame.stream = this.#ids.get(frame.stream) ?? frame.stream
      const exchange = this.#in.match(frame)
      const { matched } = this.#in
      if (matched === MATCH_PUSH && frame.flags & FRAME_LAST) this.pushes++
      else if (matched === MATCH_REPLY && frame.flags === FRAME_WHOLE)
        this.whole.push({ request: exchange!.request.toBuffer(), reply: Buffer.from(frame.toBuffer()) })
      else if (matched !== MATCH_PUSH && matched !== MATCH_PART)
        throw new Error(`a reply to no request: ${JSON.stringify(frame.toBuffer().toString('latin1'))}`)
    }
    this.#in.keep()
  }
}
