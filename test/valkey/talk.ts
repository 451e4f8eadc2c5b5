import assert from 'node:assert/strict'
import { Exchange, type Owner } from '../../src/core/exchange.ts'
import { FRAME_HEAD, FRAME_LAST, FRAME_WHOLE, type Frame } from '../../src/core/frame.ts'
import { MATCH_DROP, MATCH_PART, MATCH_PUSH, MATCH_REPLY } from '../../src/core/protocol.ts'
import { encodeRequest } from '../../src/protocols/valkey/encode.ts'
import { splitInline } from '../../src/protocols/valkey/inline.ts'
import { ServerWire } from '../../src/protocols/valkey/wire-server.ts'

const nobody: Owner = { level: -1, onReplies() {}, onReplyPart: () => 0, onSilent() {} }
const STATES = ['clean', 'dirty', 'opaque']

/** A request written as one types it. */
export function request(line: string): Frame {
  const bytes = Buffer.from(line, 'latin1')
  return encodeRequest(splitInline(bytes, 0, bytes.length)!)
}

/**
 * One connection to a server, told in words: `silent 3` and `reply 3` are about the third request sent, `reply 3 ..` and
 * `part 3 ..` have more to come, `push` is no reply, `drop` nobody's.
 */
export class Talk {
  readonly wire: ServerWire
  readonly exchanges: Exchange[] = []
  #log: string[] = []

  constructor(cutThroughBytes = 65536) {
    this.wire = new ServerWire(cutThroughBytes)
  }

  /** Returns the bytes that go to the server. */
  send(line: string): Buffer {
    const exchange = new Exchange(request(line), nobody, 0, 0)
    this.exchanges.push(exchange)
    this.wire.sent(exchange)
    this.#silent()
    return exchange.request.toBuffer()
  }

  /** Bytes from the server, pushed in pieces of `size`, each overwritten at once. */
  receive(text: string, size = Infinity): void {
    const bytes = Buffer.from(text, 'latin1')
    for (let at = 0; at < bytes.length; at += size) {
      const lent = Buffer.from(bytes.subarray(at, at + size))
      this.wire.push(lent, 0, lent.length)
      for (let frame = this.wire.next(); frame !== null; frame = this.wire.next()) this.#match(frame)
      this.wire.keep()
      lent.fill(0xee)
    }
  }

  /** What happened since it was last asked, and where that leaves the connection. */
  told(): string {
    const { wire } = this
    const told = [...this.#log, STATES[wire.state()]]
    if (wire.inFlight > 0) told.push(`${wire.inFlight} in flight`)
    this.#log = []
    return told.join(', ')
  }

  #silent(): void {
    for (let exchange = this.wire.silent(); exchange !== null; exchange = this.wire.silent()) {
      this.#log.push(`silent ${this.exchanges.indexOf(exchange) + 1}`)
    }
  }

  #match(frame: Frame): void {
    const cutFlags = frame.flags
    const exchange = this.wire.match(frame)
    const { matched } = this.wire
    assert.equal(exchange !== null, matched === MATCH_REPLY || matched === MATCH_PART)
    const number = exchange === null ? 0 : this.exchanges.indexOf(exchange) + 1
    const more = frame.flags & FRAME_LAST ? '' : ' ..'
    if (matched === MATCH_REPLY) {
      assert.ok(frame.flags & FRAME_HEAD)
      this.#log.push(`reply ${number}${more}`)
    } else if (matched === MATCH_PART) {
      assert.equal(frame.flags & FRAME_HEAD, 0)
      this.#log.push(`part ${number}${more}`)
    } else {
      assert.equal(frame.flags, cutFlags)
      this.#log.push((matched === MATCH_PUSH ? 'push' : 'drop') + (cutFlags === FRAME_WHOLE ? '' : ' in part'))
      assert.ok(matched === MATCH_PUSH || matched === MATCH_DROP)
    }
    this.#silent()
  }
}
