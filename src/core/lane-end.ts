// Hot path
import type { Member } from './cluster.ts'
import type { Batch, Exchange } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import type { Lane, LaneUser } from './lane.ts'
import { PassingLink } from './passing-link.ts'
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
export class LaneEnd extends PassingLink implements LaneUser {
  readonly member: Member
  readonly lane: Lane
  readonly #session: LaneEndUser

  /** `open` makes the lane. */
  constructor(session: LaneEndUser, member: Member, link: Link, open: (end: LaneEnd) => Lane) {
    super(link)
    this.#session = session
    this.member = member
    this.lane = open(this)
    this.lane.attach(this)
  }

  /** A server may have it sent elsewhere. */
  override get keepsRequests(): boolean {
    return true
  }

  override reply(batch: Batch): void {
    this.#session.onReplies(batch, this.member)
  }

  override replyPart(exchange: Exchange, part: Frame): number {
    const verdict = this.link.replyPart(exchange, part)
    if (part.flags & FRAME_LAST) this.#session.onSettled(null)
    return verdict
  }

  override silent(exchange: Exchange): void {
    this.link.silent(exchange)
    this.#session.onSettled(exchange)
  }

  onLost(failed: Batch, again: Batch, error: Error): void {
    this.#session.onLost(this.member, failed, again, error)
  }
}
