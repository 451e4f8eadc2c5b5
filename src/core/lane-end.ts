// Hot path
import type { Timer } from '../world/world.ts'
import type { Member } from './cluster.ts'
import type { Batch, Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Lane, LaneUser } from './lane.ts'
import type { Link } from './transform.ts'

/** Who is told what comes of a lane to one of several servers. */
export interface LaneEndUser {
  /** Replies, whole or their heads, of this server. */
  onReplies(batch: Batch, member: Member): void
  /** Something is over: `exchange`, if it is not null. */
  onSettled(exchange: Exchange | null): void
  /** As `LaneUser.onLost`. */
  onLost(member: Member, failed: Batch, again: Batch, error: Error): void
}

/** What one lane of a session in front of a cluster sees above it: the session looks at its replies, the rest is the chain's. */
export class LaneEnd implements Link, LaneUser {
  readonly member: Member
  readonly lane: Lane
  /** A server may have it sent elsewhere. */
  readonly keepsRequests = true
  readonly #session: LaneEndUser
  readonly #link: Link

  /** `open` makes the lane. */
  constructor(session: LaneEndUser, member: Member, link: Link, open: (end: LaneEnd) => Lane) {
    this.#session = session
    this.member = member
    this.#link = link
    this.lane = open(this)
    this.lane.attach(this)
  }

  reply(batch: Batch): void {
    this.#session.onReplies(batch, this.member)
  }

  replyPart(exchange: Exchange, part: Frame): number {
    const verdict = this.#link.replyPart(exchange, part)
    if (part.flags & FRAME_LAST) this.#session.onSettled(null)
    return verdict
  }

  silent(exchange: Exchange): void {
    this.#link.silent(exchange)
    this.#session.onSettled(exchange)
  }

  onLost(failed: Batch, again: Batch, error: Error): void {
    this.#session.onLost(this.member, failed, again, error)
  }

  push(push: Frame): void {
    this.#link.push(push)
  }

  stop(): void {
    this.#link.stop()
  }

  go(): void {
    this.#link.go()
  }

  fail(error: Error): void {
    this.#link.fail(error)
  }

  end(reason: string): void {
    this.#link.end(reason)
  }

  close(reason: string): void {
    this.#link.close(reason)
  }

  // --- what no sink does

  forward(batch: Batch): void {
    this.#link.forward(batch)
  }

  replyFailure(batch: Batch, error: Error): void {
    this.#link.replyFailure(batch, error)
  }

  call(request: Frame): Promise<Frame> {
    return this.#link.call(request)
  }

  forwardPart(exchange: Exchange, part: Frame): void {
    this.#link.forwardPart(exchange, part)
  }

  after(fire: () => void, ms?: number): Timer {
    return this.#link.after(fire, ms)
  }

  pause(ms: number): void {
    this.#link.pause(ms)
  }
}
