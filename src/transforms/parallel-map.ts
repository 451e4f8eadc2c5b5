// Hot path
import { Branch, ReplyOrder } from '../core/branch.ts'
import type { Batch, Exchange } from '../core/exchange.ts'
import type { Frame } from '../core/frame.ts'
import { transform, type ChainFactory } from '../core/kind.ts'
import type { Link, SessionInfo, Transform } from '../core/transform.ts'

const PARALLELISM_MAX = 1024

/** Deals the requests of each batch of one session to copies of a chain. */
class Dealer implements Transform {
  readonly holds = true
  readonly #branches: Branch[] = []
  readonly #order: ReplyOrder | null

  constructor(factories: readonly ChainFactory[], session: SessionInfo, isOrdered: boolean) {
    // Where the protocol has replies in the order of requests, the session sees to it.
    this.#order = isOrdered && session.protocol.orderToClient !== 'request-order' ? new ReplyOrder() : null
    try {
      for (let i = 0; i < factories.length; i++) this.#branches.push(new Branch(factories[i]!, session, this.#order))
    } catch (error) {
      this.close()
      throw error
    }
  }

  get held(): number {
    let held = 0
    for (let i = 0; i < this.#branches.length; i++) held += this.#branches[i]!.held
    return held
  }

  wants(kind: number): 'head' | 'whole' {
    return this.#branches[0]!.wantsWhole(kind) ? 'whole' : 'head'
  }

  onRequests(batch: Batch, link: Link): void {
    this.#order?.take(batch)
    const branches = this.#branches
    if (batch.length === 1) {
      branches[0]!.send(batch, link)
      return
    }
    const count = Math.min(branches.length, batch.length)
    for (let branch = 0; branch < count; branch++) {
      const dealt: Batch = []
      for (let i = branch; i < batch.length; i += branches.length) dealt.push(batch[i]!)
      branches[branch]!.send(dealt, link)
    }
  }

  onPart(exchange: Exchange, part: Frame): void {
    for (let i = 0; i < this.#branches.length; i++) this.#branches[i]!.onPart(exchange, part)
  }

  onCancel(): void {
    for (let i = 0; i < this.#branches.length; i++) this.#branches[i]!.cancel()
  }

  onFlush(): void {
    for (let i = 0; i < this.#branches.length; i++) this.#branches[i]!.flush()
  }

  close(): void {
    for (let i = 0; i < this.#branches.length; i++) this.#branches[i]!.close()
  }
}

/** Ends a chain with several copies of another, which share out the requests. */
export const parallelMap = transform({
  type: 'ParallelMap',
  doc: 'Deals the requests of a client that come together to several copies of a chain, which each have connections of their own.',
  terminating: true,
  options: (z) =>
    z.strictObject({
      parallelism: z
        .int()
        .min(1)
        .max(PARALLELISM_MAX)
        .describe(
          'Copies of the chain. Of requests that come together the first goes to the first copy, the second to the second, and so on.',
        ),
      ordered_results: z
        .boolean()
        .describe(
          'Whether replies have the order of their requests where the protocol allows others. Where it does not, they have it either way.',
        ),
      chain: z.array(z.unknown()).describe('The chain that there are copies of.'),
    }),
  subChains: ({ parallelism }, name) => [
    { place: 'chain', names: Array.from({ length: parallelism }, (_, index) => `${name}[${index}]`) },
  ],
  example: { parallelism: 2, ordered_results: true, chain: [{ NullSink: { name: 'each' } }] },
  create({ ordered_results: isOrdered }, { chains }) {
    return (session) => new Dealer(chains['chain']!, session, isOrdered)
  },
})
