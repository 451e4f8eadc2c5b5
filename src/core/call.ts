import { Assembler } from './assembler.ts'
import { AT_OWNER, PART_TAKEN, type Batch, type Exchange, type Owner } from './exchange.ts'
import { FRAME_INTERIM, FRAME_LAST, type Frame } from './frame.ts'

/** A stage's own request: its reply ends here, put together where it comes in parts. */
export class Call implements Owner {
  readonly level: number
  readonly reply: Promise<Frame>
  readonly #resolve: (reply: Frame) => void
  readonly #reject: (error: Error) => void
  readonly #bytesMax: number
  #assembler: Assembler | null = null

  /** `level`: index of the stage; `bytesMax`: a larger reply is refused. */
  constructor(level: number, bytesMax: number) {
    const { promise, resolve, reject } = Promise.withResolvers<Frame>()
    this.level = level
    this.reply = promise
    this.#resolve = resolve
    this.#reject = reject
    this.#bytesMax = bytesMax
  }

  /** `settled` is called once the reply is there, or will never be. */
  onSettled(settled: () => void): void {
    this.reply.then(settled, settled)
  }

  /** There will be no reply. */
  refuse(error: Error): void {
    this.#assembler = null
    this.#reject(error)
  }

  onReplies(batch: Batch): void {
    for (let i = 0; i < batch.length; i++) {
      const exchange = batch[i]!
      const reply = exchange.response!
      exchange.at = AT_OWNER
      if (reply.flags & FRAME_LAST) this.#resolve(reply.own())
      else this.#assemble(() => (this.#assembler = new Assembler(reply, this.#bytesMax)))
    }
  }

  onReplyPart(_exchange: Exchange, part: Frame): number {
    const assembler = this.#assembler
    if (assembler !== null && (part.flags & FRAME_INTERIM) === 0)
      this.#assemble(() => {
        const whole = assembler.add(part)
        if (whole !== null) this.#resolve(whole)
      })
    return PART_TAKEN
  }

  onSilent(): void {
    this.refuse(new Error('a call got no reply'))
  }

  #assemble(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.refuse(error as Error)
    }
  }
}
