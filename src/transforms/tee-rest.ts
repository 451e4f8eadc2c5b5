// Hot path
import { AT_OWNER, DONE, Exchange, PART_TAKEN, type Batch, type Owner } from '../core/exchange.ts'
import { FRAME_LAST, type Frame } from '../core/frame.ts'
import { Parts } from '../core/parts.ts'
import type { Link } from '../core/transform.ts'
import type { Way } from './tee-shadow.ts'

/** The rest of the chain around a Tee, where nobody waits for its replies. */
export class Rest implements Way, Owner {
  /** The Tee's place in the chain, which may change while nothing is under way: replies climb no further. */
  level: number
  isOpen = true
  readonly isStopped = false
  inFlight = 0
  readonly #link: Link
  readonly #onDone: (copy: Exchange) => void

  constructor(link: Link, level: number, onDone: (copy: Exchange) => void) {
    this.#link = link
    this.level = level
    this.#onDone = onDone
  }

  copyOf(outer: Exchange): Exchange {
    const copy = new Exchange(outer.request.copy(), this, this.level, outer.since)
    if (outer.requestParts !== null) copy.requestParts = new Parts()
    return copy
  }

  send(batch: Batch): void {
    this.inFlight += batch.length
    this.#link.forward(batch)
  }

  /** Its rest will not come: the pipe that broke has told the sink. */
  cancel(): void {}

  /** The stages of the chain around saw it pass. */
  showPart(): void {}

  onReplies(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      const copy = batch[i]!
      copy.at = AT_OWNER
      if (copy.response!.flags & FRAME_LAST || copy.state === DONE) this.#done(copy)
    }
  }

  onReplyPart(copy: Exchange, part: Frame): number {
    if (part.flags & FRAME_LAST && copy.at === AT_OWNER) this.#done(copy)
    return PART_TAKEN
  }

  onSilent(copy: Exchange): void {
    this.#done(copy)
  }

  #done(copy: Exchange): void {
    this.inFlight--
    this.#onDone(copy)
  }
}
