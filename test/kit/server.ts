import assert from 'node:assert/strict'
import { ANSWERING, AT_OWNER, DONE, Exchange, PART_TAKEN, type Batch, type Owner } from '../../src/core/exchange.ts'
import { FRAME_LAST, FRAME_WHOLE, type Frame } from '../../src/core/frame.ts'
import type { Protocol } from '../../src/core/protocol.ts'
import type { Link, Transform } from '../../src/core/transform.ts'

const nobody: Owner = { level: AT_OWNER, onReplies() {}, onReplyPart: () => PART_TAKEN, onSilent() {} }

/** A request that reached the server, and has no reply yet. */
export class Forwarded {
  readonly exchange: Exchange
  /** Where it came. */
  readonly server: Server
  readonly #pieces: Buffer[]

  constructor(exchange: Exchange, server: Server) {
    this.exchange = exchange
    this.server = server
    this.#pieces = [Buffer.from(exchange.request.toBuffer())]
    // As an upstream does: it keeps what it sent until the reply is there.
    exchange.request.own()
    const parts = exchange.requestParts
    if (parts === null) return
    const take = (part: Frame) => {
      this.#pieces.push(Buffer.from(part.toBuffer()))
      return true
    }
    for (let part = parts.shift(); part !== null; part = parts.shift()) take(part)
    parts.take = take
  }

  /** Its bytes as the server got them, as far as they came. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces)
  }

  get isWhole(): boolean {
    return this.exchange.requestParts === null || this.exchange.requestParts.ended
  }
}

/** The end of the chain, played by the test. What it replies with is lent: gone as soon as the chain has had it. */
export class Server implements Transform {
  readonly holds = true
  /** Requests without a reply, oldest first. */
  readonly open: Forwarded[] = []
  /** Everything that came and was not yet looked at. */
  came: Forwarded[] = []
  readonly #protocol: Protocol
  readonly #cutThroughBytes: number
  #link: Link | null = null

  constructor(protocol: Protocol, cutThroughBytes: number) {
    this.#protocol = protocol
    this.#cutThroughBytes = cutThroughBytes
  }

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    for (const exchange of batch) {
      const forwarded = new Forwarded(exchange, this)
      this.open.push(forwarded)
      this.came.push(forwarded)
    }
  }

  onCancel(exchange: Exchange): void {
    const at = this.open.findIndex((forwarded) => forwarded.exchange === exchange)
    if (at >= 0) this.open.splice(at, 1)
  }

  /** Replies to these requests, in one batch. */
  reply(replies: readonly (readonly [Forwarded, Buffer])[]): void {
    const link = this.#linked()
    const lent: Buffer[] = []
    let batch: Batch = []
    for (const [forwarded] of replies) this.#close(forwarded)
    for (const [{ exchange }, bytes] of replies) {
      // What the chain did with a reply before may have ended the session.
      if (exchange.cancelled) continue
      const copy = Buffer.from(bytes)
      lent.push(copy)
      const [head, ...parts] = this.#cut(exchange.request, copy)
      exchange.response = head!
      exchange.state = parts.length === 0 ? DONE : ANSWERING
      batch.push(exchange)
      if (parts.length === 0) continue
      link.reply(batch)
      batch = []
      for (const part of parts) {
        if (part.flags & FRAME_LAST) exchange.state = DONE
        link.replyPart(exchange, part)
      }
    }
    if (batch.length > 0) link.reply(batch)
    for (const bytes of lent) bytes.fill(0xee)
  }

  silence(forwarded: Forwarded): void {
    this.#close(forwarded)
    forwarded.exchange.state = DONE
    this.#linked().silent(forwarded.exchange)
  }

  /** It can't be had: its session, or whoever opened its chain, is told. */
  fail(error: Error): void {
    this.#linked().fail(error)
  }

  push(bytes: Buffer): void {
    const copy = Buffer.from(bytes)
    for (const frame of this.#cut(null, copy)) this.#linked().push(frame)
    copy.fill(0xee)
  }

  #linked(): Link {
    assert.ok(this.#link !== null, 'the server has not been asked anything yet')
    return this.#link
  }

  #close(forwarded: Forwarded): void {
    const at = this.open.indexOf(forwarded)
    assert.ok(at >= 0, 'the request has its reply already, or nobody waits for it any more')
    this.open.splice(at, 1)
  }

  #cut(request: Frame | null, bytes: Buffer): Frame[] {
    const wire = this.#protocol.serverWire({ cutThroughBytes: this.#cutThroughBytes })
    if (request !== null) {
      const exchange = new Exchange(request, nobody, AT_OWNER, 0)
      // Where requests have ids, this one's is the first that the wire gives: 0.
      wire.leave?.(request.copy(), exchange)
      wire.sent(exchange)
    }
    const frames: Frame[] = []
    for (let at = 0; at < bytes.length; at += this.#cutThroughBytes) {
      wire.push(bytes, at, Math.min(at + this.#cutThroughBytes, bytes.length))
      for (let frame = wire.next(); frame !== null; frame = wire.next()) {
        wire.match(frame)
        frames.push(frame)
      }
    }
    assert.ok(frames.length > 0 && wire.pending === 0, `not a whole reply: ${JSON.stringify(bytes.toString('latin1'))}`)
    const isOne = frames.every(({ flags }, i) => ((flags & FRAME_LAST) !== 0) === (i === frames.length - 1))
    assert.ok(isOne || frames.every(({ flags }) => flags === FRAME_WHOLE && request === null), 'more than one reply')
    return frames
  }
}
