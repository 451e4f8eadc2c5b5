import { AT_OWNER, PART_TAKEN, type Batch, type Owner } from './exchange.ts'
import { FRAME_WHOLE, type Frame } from './frame.ts'

/** The reply to a `link.call` ends here. */
export class Call implements Owner {
  readonly level: number
  readonly #resolve: (reply: Frame) => void
  readonly #reject: (error: Error) => void

  constructor(level: number, resolve: (reply: Frame) => void, reject: (error: Error) => void) {
    this.level = level
    this.#resolve = resolve
    this.#reject = reject
  }

  onReplies(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const reply = exchange.response
      exchange.at = AT_OWNER
      if (reply !== null && reply.flags === FRAME_WHOLE) this.#resolve(reply.own())
      else this.#reject(new Error('the reply to a call did not come whole'))
    }
  }

  onReplyPart(): number {
    return PART_TAKEN
  }

  onSilent(): void {
    this.#reject(new Error('a call got no reply'))
  }
}
