import { PART_TAKEN, type Batch, type Carrier, type Exchange, type Owner } from './exchange.ts'
import { FRAME_LAST, type Frame } from './frame.ts'
import { GreetingError, RefusedError } from './loss.ts'
import type { Protocol } from './protocol.ts'
import type { Greeting } from './sharing.ts'
import type { Upstream } from './upstream.ts'

/** Brings a fresh connection to its attributes. */
export class Handshake implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  readonly #upstream: Upstream
  readonly #greeting: Greeting
  readonly #replies: Frame[] = []
  /** Replies, or their rests, that are still to come. */
  #left = 0

  constructor(upstream: Upstream, handshake: readonly Frame[] | Greeting, protocol: Protocol) {
    this.#upstream = upstream
    this.#greeting = 'next' in handshake ? handshake : plain(handshake, protocol)
  }

  /** Sends what comes next, or is through. */
  step(): void {
    let next: IteratorResult<readonly Frame[], void>
    try {
      next = this.#greeting.next(this.#replies.splice(0))
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error))
      const Refused = cause instanceof RefusedError ? RefusedError : GreetingError
      this.#upstream.destroy(new Refused('The server refused what a session had been granted before', { cause }))
      return
    }
    if (next.done === true) this.#upstream.handshaken()
    else {
      this.#left = next.value.length
      for (const request of next.value) this.#upstream.greet(request, this)
    }
  }

  onArrived(): void {
    const batch = this.arrived
    this.arrived = []
    let whole = 0
    for (let i = 0; i < batch.length; i++) {
      const reply = batch[i]!.response!
      this.#replies.push(reply.own())
      if (reply.flags & FRAME_LAST) whole++
    }
    this.#ended(whole)
  }

  onReplyPart(_upstream: Upstream, _exchange: Exchange, part: Frame): void {
    if (part.flags & FRAME_LAST) this.#ended(1)
  }

  onSilent(): void {
    this.#ended(1)
  }

  #ended(count: number): void {
    this.#left -= count
    if (count !== 0 && this.#left === 0) this.step()
  }

  onPush(): void {}
  onLost(): void {}
}

/** All at once, and no reply may be an error. */
function* plain(requests: readonly Frame[], protocol: Protocol): Generator<readonly Frame[], void, readonly Frame[]> {
  if (requests.length === 0) return
  if ((yield requests).some((reply) => protocol.isError(reply)))
    throw new Error('one of its first requests got an error')
}

/** Asks something of the proxy's own; who wants to know gets the reply, unless it is lost or comes in parts. */
export class Question implements Carrier {
  arrived: Batch = []
  readonly keepsRequests = true
  readonly #onReply: ((reply: Frame) => void) | null

  constructor(onReply: ((reply: Frame) => void) | null) {
    this.#onReply = onReply
  }

  onArrived(): void {
    const batch = this.arrived
    this.arrived = []
    for (let i = 0; i < batch.length; i++) this.#onReply?.(batch[i]!.response!)
  }
  onReplyPart(): void {}
  onSilent(): void {}
  onPush(): void {}
  onLost(): void {}
}

export const noOwner: Owner = {
  level: -1,
  onReplies() {},
  onReplyPart: () => PART_TAKEN,
  onSilent() {},
}
