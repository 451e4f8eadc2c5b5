// Hot path
import type { Member } from './cluster.ts'
import { DONE, HELD, type Batch, type Exchange } from './exchange.ts'
import { answerWithFailure } from './failure.ts'
import type { Frame } from './frame.ts'
import type { Env } from './kind.ts'
import { Lane } from './lane.ts'
import { LaneEnd, type LaneEndUser } from './lane-end.ts'
import { ConnectError } from './loss.ts'
import type { Sharing } from './sharing.ts'
import type { PoolStats } from './stats.ts'
import type { Link, SessionInfo, Transform } from './transform.ts'

/** Times that a request may be sent again before it is given up. */
const RETRIES_MAX = 64

/** What a protocol knows of its cluster: which server a request of one session is for, and what errors mean. */
export interface Guide {
  /** The attributes of the session, on whichever connection. */
  readonly sharing: Sharing
  /** Everything of the session before it must be answered before it goes, and it before what comes behind it goes. */
  isAlone(exchange: Exchange): boolean
  /** Where it goes. Null: the guide sees to it, and calls `send`, `reply` or `fail` of the session, now or later. */
  place(exchange: Exchange): Member | null
  /** Where it goes now that none of `tried` could take it; null: there is nobody left. */
  elsewhere(exchange: Exchange, tried: ReadonlySet<Member>): Member | null
  /** A reply came, or its head: true if the guide sees to what comes of it, and it does not go up. It then has `exchange`, as after `place`. */
  takesReply(exchange: Exchange, member: Member): boolean
  /** What the client is told where no server can be reached; null: its session ends. */
  unreachable(exchange: Exchange): string | null
  /** Exchanges that it has taken and not answered. */
  readonly held: number
  /** Nobody waits for it any more. */
  cancel(exchange: Exchange): void
  close(): void
}

// Cold: an upstream was lost
function lossText(error: Error): string {
  return `Internal shotover error: ${error.message}`
}

/** The sink of one session's chain in front of a cluster: a lane to each server that it has used. */
export class ClusterSession implements Transform, LaneEndUser {
  readonly holds = true
  readonly #env: Env
  readonly #info: SessionInfo
  readonly #type: string
  readonly #stats: PoolStats
  readonly #guide: Guide
  #link: Link | null = null
  /** By `Member.slot`. */
  readonly #ends: (LaneEnd | undefined)[] = []
  /** What can't go yet, in order. */
  #waiting: Batch = []
  #draining = false
  /** Everything later waits for it. */
  #alone: Exchange | null = null
  /** Which servers could not take a request. */
  readonly #tried = new WeakMap<Exchange, Set<Member>>()
  #closed = false

  constructor(env: Env, info: SessionInfo, type: string, stats: PoolStats, guide: (session: ClusterSession) => Guide) {
    this.#env = env
    this.#info = info
    this.#type = type
    this.#stats = stats
    this.#guide = guide(this)
  }

  onRequests(batch: Batch, link: Link): void {
    this.#link = link
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      if (this.#waiting.length !== 0 || !this.#go(exchange)) {
        exchange.request.own()
        this.#waiting.push(exchange)
      }
    }
  }

  /** Sends it where it belongs. False: it must wait. */
  #go(exchange: Exchange): boolean {
    if (exchange.cancelled) return true
    if (this.#alone !== null) return false
    if (this.#guide.isAlone(exchange)) {
      if (!this.#isQuiet) return false
      this.#alone = exchange
    }
    this.#place(exchange)
    return true
  }

  #place(exchange: Exchange): void {
    const member = this.#guide.place(exchange)
    if (member === null) exchange.request.own()
    else this.send(exchange, member)
  }

  /** Sends it there, and nowhere else. */
  send(exchange: Exchange, member: Member): void {
    this.#laneTo(member).take(exchange)
  }

  /** Sends it once more, wherever that is now, or there. Its reply so far is nobody's. */
  // Cold: a server could not do what it was asked
  resend(exchange: Exchange, member: Member | null): void {
    if (this.#closed || exchange.cancelled) return
    // The lane counted an error that nobody gets.
    if (exchange.response !== null && this.#info.protocol.isError(exchange.response)) this.#stats.failedRequests--
    exchange.response = null
    exchange.state = HELD
    exchange.carrier = null
    exchange.retries++
    this.#stats.retries++
    if (member === null) this.#place(exchange)
    else this.send(exchange, member)
  }

  /** Answers what the guide has taken. */
  reply(exchange: Exchange, response: Frame): void {
    if (this.#closed || exchange.cancelled) return
    exchange.response = response
    exchange.state = DONE
    if (this.#info.protocol.isError(response)) this.#stats.failedRequests++
    this.#up([exchange])
  }

  /** Hands on a push of the guide's. */
  push(push: Frame): void {
    if (!this.#closed) this.#link?.push(push)
  }

  /** Answers it with a failure of the proxy's own. */
  // Cold: something is broken
  fail(exchange: Exchange, message: string, error: Error): void {
    if (this.#closed || exchange.cancelled) return
    if (!answerWithFailure([exchange], this.#info.protocol, 'unavailable', message)) {
      this.#link!.fail(error)
      return
    }
    exchange.requestParts?.abort(error)
    this.#stats.failedRequests++
    this.#up([exchange])
  }

  /** No server could take it. */
  // Cold: something is broken
  unreachable(exchange: Exchange, error: Error): void {
    if (this.#closed || exchange.cancelled) return
    const message = this.#guide.unreachable(exchange)
    if (message === null) this.#link!.fail(error)
    else this.fail(exchange, message, error)
  }

  // --- from the lanes

  onReplies(batch: Batch, member: Member): void {
    let mine = batch
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const isTaken = this.#guide.takesReply(exchange, member)
      if (isTaken && mine === batch) mine = batch.slice(0, i)
      else if (!isTaken && mine !== batch) mine.push(exchange)
    }
    if (mine.length !== 0) this.#up(mine)
  }

  #up(batch: Batch): void {
    const isOver = this.#alone !== null && batch.includes(this.#alone)
    this.#link!.reply(batch)
    this.onSettled(isOver ? this.#alone : null)
  }

  /** Something is over: `exchange`, if it is not null. */
  onSettled(exchange: Exchange | null): void {
    if (exchange !== null && exchange === this.#alone) this.#alone = null
    if (this.#waiting.length !== 0) this.#drain()
  }

  /** A lane could not deliver these. */
  // Cold: an upstream was lost
  onLost(member: Member, failed: Batch, again: Batch, error: Error): void {
    for (const exchange of failed) this.fail(exchange, lossText(error), error)
    for (const exchange of again) this.sendElsewhere(exchange, member, error)
    this.onSettled(null)
  }

  /** `member` could not take it. */
  // Cold: an upstream was lost
  sendElsewhere(exchange: Exchange, member: Member, error: Error): void {
    if (this.#closed || exchange.cancelled) return
    let tried = this.#tried.get(exchange)
    if (tried === undefined) this.#tried.set(exchange, (tried = new Set()))
    tried.add(member)
    const isOver = exchange.retries > RETRIES_MAX
    const next = isOver ? null : this.#guide.elsewhere(exchange, tried)
    if (next !== null) this.send(exchange, next)
    else if (error instanceof ConnectError) this.unreachable(exchange, error)
    else if (isOver) this.fail(exchange, lossText(error), error)
    // It was there a moment ago, and may be again.
    else this.send(exchange, member)
  }

  // --- of the chain

  onCancel(exchange: Exchange): void {
    const at = this.#waiting.indexOf(exchange)
    if (at >= 0) this.#waiting.splice(at, 1)
    else {
      for (const end of this.#ends) end?.lane.onCancel(exchange)
      this.#guide.cancel(exchange)
      // What changes the session's attributes is answered all the same, and is over then.
      const isOver = exchange.state === DONE || exchange.state === HELD
      if (isOver && exchange === this.#alone) this.#alone = null
    }
    this.onSettled(null)
  }

  onFlush(): void {
    for (const end of this.#ends) end?.lane.onFlush()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#waiting = []
    this.#guide.close()
    for (const end of this.#ends) end?.lane.close()
  }

  #drain(): void {
    if (this.#draining) return
    this.#draining = true
    for (let exchange = this.#waiting.shift(); exchange !== undefined; exchange = this.#waiting.shift()) {
      if (this.#go(exchange)) continue
      this.#waiting.unshift(exchange)
      break
    }
    this.#draining = false
  }

  get #isQuiet(): boolean {
    if (this.#guide.held !== 0) return false
    for (let i = 0; i < this.#ends.length; i++) if (this.#ends[i]?.lane.isQuiet === false) return false
    return true
  }

  #laneTo(member: Member): Lane {
    return (this.#ends[member.slot] ?? this.#open(member)).lane
  }

  // Cold: once a session and server
  #open(member: Member): LaneEnd {
    this.#forget()
    const lane = (end: LaneEnd) => new Lane(member.pool, this.#guide.sharing, this.#env, this.#info, this.#type, end)
    const end = new LaneEnd(this, member, this.#link!, lane)
    this.#ends[member.slot] = end
    return end
  }

  /** Of servers that have left. */
  // Cold: once a session and server
  #forget(): void {
    for (const [slot, end] of this.#ends.entries()) {
      if (end === undefined || !end.member.hasLeft || !end.lane.isIdle) continue
      end.lane.close()
      this.#ends[slot] = undefined
    }
  }
}
